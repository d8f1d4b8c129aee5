"""Measure what MatryoshkaLoss itself buys, into `assets/results/controls.json`: `tuned` beside its controls.

`python dev/ship_controls.py MRL_ONLY` measures the shipped `tuned`, its rotation alone, `tuned-plain` (as it is, in the
axes of `tuned`, and with a rotation fitted to the documents) and the run MRL_ONLY (of the preset broad-mrl-only) on the
built-in test topics; with `--outside DIR ...` on BEIR folders instead (300 questions over 6,000 documents drawn from
each). What is there of other collections and other editions stays. Without MRL_ONLY that control is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from safetensors.numpy import load_file

from mrl_demo.adapt import AdaptSettings, fit_adapted
from mrl_demo.arms.transforms.tuned_rotation import LearntAxes
from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.cache import VectorCache
from mrl_demo.core.config import Settings, find_assets
from mrl_demo.core.types import TRAINED_DIMS, Corpus
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.own.files import load_path
from mrl_demo.corpora.shipped.builtin import NAME as BUILTIN
from mrl_demo.corpora.shipped.builtin import load_builtin
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.evaluation.sweeps.controls import CONTROLS_FILE
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.evaluation.sweeps.sweep import sweep_vectors
from mrl_demo.models import run_folder
from mrl_demo.models.shipped.adapters import merge_adapter, read_manifest
from training.bases import Base, BaseVectors, find_base
from training.config import TrainConfig, load_config

_SHIPPED = "The shipped adapter"
_QUESTIONS, _DOCUMENTS = 300, 6_000
_AGAINST = ("base", "rotation-only", "plain", "plain+rotation", "mrl-only")


def main() -> None:
    """Measure what is named and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mrl_only", nargs="?", type=Path, help="folder of the finished run of preset broad-mrl-only")
    parser.add_argument("--outside", nargs="*", type=Path, default=[], help="BEIR folders never trained on, instead")
    options = parser.parse_args()
    settings = Settings()
    outside = [draw_part(load_path(folder)) for folder in options.outside]
    adapters = settings.assets_dir / "adapters"
    runs = {"whole": adapters / "tuned", "mrl-only": options.mrl_only, "plain": adapters / "tuned-plain"}
    given = {name: folder for name, folder in runs.items() if folder}
    for corpus in outside or [load_builtin(settings.assets_dir)]:
        write_group(_group(_about(adapters / "tuned"), corpus, dict(arms_of(corpus, given, settings))))


def _about(run: Path) -> str:
    """A sentence on what a run was trained on, how long, and how much of it is kept."""
    config = load_config(run / run_folder.CONFIG)
    metrics = json.loads((run / run_folder.METRICS_FILE).read_text(encoding="utf-8"))
    return (
        f"{_SHIPPED} {config.name}: {metrics['pairs']:,} pairs of {len(metrics['sources']) + 1} sources, "
        f"{metrics['steps']} steps of {config.schedule.batch_size}, LoRA of rank {config.adapter.lora_rank}, of whose "
        f"training {config.adapter.adapter_scale:.0%} is kept."
    )


def draw_part(corpus: Corpus, documents: int = _DOCUMENTS) -> Corpus:
    """Questions of a large collection and a part of its documents, all the answers among them: encoded in minutes."""
    draw = np.random.default_rng(0)
    judged = judged_set(corpus, sample=_QUESTIONS, seed=0).queries
    answers = {document for query in judged for document in corpus.judgements[query.id]}
    others = [document for document in corpus.documents if document.id not in answers]
    places = sorted(draw.permutation(len(others))[: max(0, documents - len(answers))])
    kept = [document for document in corpus.documents if document.id in answers]
    drawn = (*kept, *(others[place] for place in places))
    return make_corpus(corpus.name, corpus.label, drawn, judged, corpus.judgements)


def write_group(group: dict[str, Any]) -> None:
    """Put a group in the place of the one about the same on the same collection, or after all others."""
    path = find_assets() / "results" / CONTROLS_FILE
    groups = json.loads(path.read_text(encoding="utf-8"))["groups"] if path.is_file() else []
    same = [i for i, old in enumerate(groups) if _key_of(old) == _key_of(group)]
    if same:
        groups[same[0]] = group
    else:
        groups.append(group)
    groups.sort(key=lambda each: not each["about"].startswith(_SHIPPED))
    path.write_text(json.dumps({"groups": groups}, ensure_ascii=False) + "\n", encoding="utf-8")


def _split_of(corpus: Corpus) -> str:
    return "test" if corpus.name == BUILTIN else ""


def _key_of(group: Mapping[str, Any]) -> tuple[str, str]:
    """What a group is about, without its figures, and the collection."""
    return group["about"].split(":")[0], group["sweep"]["corpus"]


def arms_of(corpus: Corpus, runs: Mapping[str, Path], settings: Settings) -> Iterator[tuple[str, ArmVectors]]:
    """Vectors of the runs, of the base model, of the rotation of `whole` alone, and of `plain` in it and fitted."""
    base = _encoded(corpus, None, settings)
    axes = LearntAxes(load_file(runs["whole"] / run_folder.ROTATION_FILE)["matrix"].astype(np.float32))
    yield "base", base
    yield "rotation-only", _turned(base, axes)
    for name, folder in runs.items():
        vectors = _encoded(corpus, folder, settings)
        yield name, vectors
        if name == "plain":
            yield "plain+rotation", _turned(vectors, axes)
            fitted = fit_adapted(vectors.documents, AdaptSettings(time_limit_s=600.0))
            yield "plain+adapted", _turned(vectors, fitted)


def _turned(vectors: ArmVectors, turn: Any) -> ArmVectors:  # noqa: ANN401 - a rotation of any kind
    return ArmVectors(turn.apply(vectors.queries), turn.apply(vectors.documents))


def _encoded(corpus: Corpus, folder: Path | None, settings: Settings) -> ArmVectors:
    """Vectors of the test queries and all documents, by base or by base with a run's adapter."""
    base = find_base(TrainConfig("controls"))
    model = base.load(settings.device)
    if folder is not None:
        manifest = read_manifest(folder)
        model, base = merge_adapter(model, folder, manifest), Base(manifest.spec(), base.folder, manifest.fingerprint)
    if corpus.name != BUILTIN:  # Parts of large sets are read as far as the whole sets are in the other figures.
        model.max_seq_length = 128
    vectors = BaseVectors(base, model, VectorCache(settings.cache_dir, settings.cache_dir))
    prompts = TrainConfig("controls").prompts
    queries = [query.text for query in judged_set(corpus, _split_of(corpus)).queries]
    documents = [document.content for document in corpus.documents]
    return ArmVectors(vectors.of(queries, prompts.query_reading), vectors.of(documents, prompts.document_reading))


def _group(about: str, corpus: Corpus, arms: dict[str, ArmVectors]) -> dict[str, Any]:
    plan = SweepPlan(tuple(arms), TRAINED_DIMS, metrics=("ndcg@10",), split=_split_of(corpus), against=_AGAINST)
    sweep: SweepResult = replace(sweep_vectors(corpus, plan, arms), retentions=())
    group = {"about": about, "sweep": _rounded(sweep.to_dict())}
    print(about, {(row.arm, row.dim): round(row.value, 4) for row in sweep.rows if row.dim in (32, 64, 384)})
    return group


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, (list, tuple)) else value


if __name__ == "__main__":
    main()
