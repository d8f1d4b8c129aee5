"""Measure what MatryoshkaLoss itself buys: a run, its controls of the same data, steps and share, and the rotation.

`python dev/ship_controls.py RUN MRL_ONLY PLAIN` takes three finished runs: the whole recipe, the same without the
rotation, and the same without MatryoshkaLoss. `assets/results/controls.json` gets their figures on the built-in test
topics, with paired intervals; `--outside DIR` measures BEIR folders too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from safetensors.numpy import load_file

from mrl_demo.adapt import AdaptSettings, fit_adapted
from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.cache import VectorCache
from mrl_demo.core.config import Settings, find_assets
from mrl_demo.core.types import TRAINED_DIMS, Corpus
from mrl_demo.core.vectors import normalise
from mrl_demo.corpora.builtin import load_builtin
from mrl_demo.evaluation.controls import CONTROLS_FILE, MRL_ONLY, PLAIN, ROTATION_ONLY, WHOLE
from mrl_demo.evaluation.judged import judged_set
from mrl_demo.evaluation.plan import SweepPlan
from mrl_demo.evaluation.results import SweepResult
from mrl_demo.evaluation.sweep import sweep_vectors
from mrl_demo.lab.lab import Lab
from mrl_demo.models.adapters import merge_adapter, read_manifest
from mrl_demo.models.run_folder import ROTATION_FILE
from training.bases import BaseVectors, find_base
from training.config import TrainConfig

_QUERIES = 2000


def main() -> None:
    """Measure the runs that are named and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("run", "mrl_only", "plain"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--outside", nargs="*", type=Path, default=[], help="BEIR folders never trained on")
    options = parser.parse_args()
    settings = Settings()
    lab = Lab(settings)
    runs = {WHOLE: options.run, MRL_ONLY: options.mrl_only, PLAIN: options.plain}
    corpora = [
        load_builtin(settings.assets_dir),
        *(lab.corpus(lab.add_corpus(folder)) for folder in options.outside),
    ]
    sweeps = []
    for corpus in corpora:
        sweep = measure_controls(corpus, runs, settings)
        sweeps.append(_rounded(sweep.to_dict()))
        print(sweep.corpus, {(row.arm, row.dim): round(row.value, 4) for row in sweep.rows if row.dim in (32, 64, 384)})
    text = json.dumps({"sweeps": sweeps}, ensure_ascii=False)
    (find_assets() / "results" / CONTROLS_FILE).write_text(text + "\n", encoding="utf-8")


def measure_controls(corpus: Corpus, runs: dict[str, Path], settings: Settings) -> SweepResult:
    """Base, rotation alone, the runs, and the plain run with a rotation fitted to the documents, on one collection."""
    arms = dict(_arms(corpus, runs, settings))
    plan = SweepPlan(
        tuple(arms), TRAINED_DIMS, metrics=("ndcg@10",), queries=_QUERIES, max_tokens=128,
        against=("base", PLAIN, ROTATION_ONLY, MRL_ONLY),
    )  # fmt: skip
    return sweep_vectors(corpus, plan, arms)


def _arms(corpus: Corpus, runs: dict[str, Path], settings: Settings) -> Iterator[tuple[str, ArmVectors]]:
    base = _encoded(corpus, None, settings)
    rotation = load_file(runs[WHOLE] / ROTATION_FILE)["matrix"].astype(np.float32)
    yield "base", base
    yield ROTATION_ONLY, ArmVectors(normalise(base.queries @ rotation), normalise(base.documents @ rotation))
    for name, folder in runs.items():
        vectors = _encoded(corpus, folder, settings)
        yield name, vectors
        if name == PLAIN:
            fitted = fit_adapted(vectors.documents, AdaptSettings(time_limit_s=600.0))
            yield f"{PLAIN}+adapted", ArmVectors(fitted.apply(vectors.queries), fitted.apply(vectors.documents))


def _encoded(corpus: Corpus, folder: Path | None, settings: Settings) -> ArmVectors:
    """Vectors of the test queries and all documents at 128 tokens, by base or by base with the run's adapter."""
    config = TrainConfig("controls")
    base = find_base(config)
    model = base.load(settings.device)
    content = base.content_sha256
    if folder is not None:
        manifest = read_manifest(folder)
        model, content = merge_adapter(model, folder, manifest), manifest.fingerprint
    model.max_seq_length = 128
    spec = base.spec if folder is None else manifest.spec()
    vectors = BaseVectors(
        type(base)(spec, base.folder, content), model, VectorCache(settings.cache_dir, settings.cache_dir)
    )
    queries = [query.text for query in judged_set(corpus, "test").queries]
    documents = [document.content for document in corpus.documents]
    prompts = config.prompts
    return ArmVectors(vectors.of(queries, prompts.query_reading), vectors.of(documents, prompts.document_reading))


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, (list, tuple)) else value


if __name__ == "__main__":
    main()
