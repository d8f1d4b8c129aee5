"""The model card, made from the figures that were measured and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mrl_demo.core.errors import CorpusError
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.models import run_folder
from training.config import TrainConfig
from training.errors import RunError
from training.result.licences import licence_of
from training.result.measure import BeforeAfter, CardSection, card_sections
from training.result.shares import ShareCurve

_LICENCES = {
    "minilm": "base model: sentence-transformers/all-MiniLM-L6-v2, Apache-2.0",
    "builtin": "the collection in `assets/collection` (this project, Apache-2.0) and docstrings of Python's "
    "standard library (PSF-2.0), numpy, pandas, scipy, scikit-learn and torch (BSD-3-Clause)",
}
_USE = """```python
from sentence_transformers import SentenceTransformer
import numpy as np

model = SentenceTransformer("{where}")
vectors = model.encode(texts)[:, :64]                             # cut ...
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)         # ... then normalise again
```"""


def write_card(folder: Path, config: TrainConfig, metrics: Mapping[str, Any], path: Path) -> None:
    """Write the card of a finished run; figures of `evaluation.json` in `folder` are added if it is there."""
    extra = folder / run_folder.EVALUATION
    sections = read_sections(extra) if extra.is_file() else []
    path.write_text(card_text(config, metrics, sections), encoding="utf-8")


def read_sections(path: Path) -> list[CardSection]:
    """The tables that the sweeps in `evaluation.json` make; raises `RunError` if it holds none.

    Before 0.2 the file held the tables themselves, which are read as they stand.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if "sections" in raw:
            return [_stored_section(section) for section in raw["sections"]]
        sweeps = [SweepResult.from_json(json.dumps(sweep)) for sweep in raw["sweeps"]]
        return [section for sweep in sweeps for section in card_sections(sweep, raw["arm"], raw["max_tokens"])]
    except (ValueError, KeyError, TypeError, CorpusError) as error:
        raise RunError(f"{path} holds no sweeps ({error}): run `training evaluate --write` again.") from error


def _stored_section(raw: Mapping[str, Any]) -> CardSection:
    rows = tuple(BeforeAfter(**row) for row in raw["rows"])
    before, after = raw["names"]
    return CardSection(raw["title"], raw["setting"], (before, after), rows)


def card_text(config: TrainConfig, metrics: Mapping[str, Any], sections: Sequence[CardSection]) -> str:
    """Markdown with YAML front matter: what it is, how to use it, what was measured on what."""
    parts = [_front(config), f"# {config.name}", _summary(config, metrics), "## Use it", _use(config)]
    parts += ["## Before and after", _setting(metrics), _table(metrics["test"], ("base", config.name))]
    parts += _share_parts(metrics)
    parts += _layer_parts(metrics)
    for section in sections:
        rows = [row.to_dict() for row in section.rows]
        parts += [f"## {section.title}", section.setting, _table(rows, section.names)]
    parts += [
        "## Training",
        _elastic_training(metrics) if "elastic" in metrics else _training(config, metrics),
        "## Data and licences",
        _sources(config, metrics),
        "## Limits",
        _limits(config),
    ]
    return "\n\n".join(parts) + "\n"


def _front(config: TrainConfig) -> str:
    base = "sentence-transformers/all-MiniLM-L6-v2" if config.base == "minilm" else Path(config.base).name
    tags = ["sentence-transformers", "feature-extraction", *(["matryoshka"] if config.objective.matryoshka else [])]
    lines = ["---", "library_name: sentence-transformers", f"base_model: {config.base if '/' in config.base else base}"]
    return "\n".join([*lines, "tags:", *(f"- {tag}" for tag in tags), "---"])


def _summary(config: TrainConfig, metrics: Mapping[str, Any]) -> str:
    if "elastic" in metrics:
        return _elastic_summary(config, metrics)
    kind = (
        f"Its first {', '.join(map(str, config.objective.dims[:-1]))} numbers are embeddings of their own "
        "(MatryoshkaLoss, arXiv 2205.13147)."
        if config.objective.matryoshka
        else "A control, trained without MatryoshkaLoss on the same data, steps and seed: "
        "its vectors are not meant to be cut."
    )
    return f"Sentence embeddings of {config.objective.dims[-1]} numbers, fine-tuned from {config.base}. {kind} " + (
        f"Trained on {metrics['pairs']:,} pairs in {metrics['steps']} steps "
        f"({metrics['seconds'] / 60:.0f} minutes on {metrics['hardware']})."
    )


def _elastic_summary(config: TrainConfig, metrics: Mapping[str, Any]) -> str:
    """What an elastic encoder is, and what it was taught with."""
    depth, name = len(metrics["layers"]), config.name
    taught = f"and a LoRA on its layers in {metrics['steps']} steps" if metrics["steps"] else "no weight of it trained"
    return (
        f"{config.base} with an exit behind every layer: `{name}@1` to `{name}@{depth}` read so many of its {depth} "
        f"layers, and the first {', '.join(map(str, config.objective.dims[:-1]))} numbers of each are embeddings of "
        f"their own (2D Matryoshka, arXiv 2402.14776): a linear head a layer, {taught}. Taught with "
        f"{metrics['pairs']:,} pairs ({metrics['seconds'] / 60:.0f} minutes on {metrics['hardware']})."
    )


def _layer_parts(metrics: Mapping[str, Any]) -> list[str]:
    """Quality by layer and length, of a run that taught layers."""
    rows = metrics.get("layers") or []
    if not rows:
        return []
    dims = list(rows[0]["ndcg@10"])
    head = ["layers", *map(str, dims)]
    body = [[str(row["layers"]), *(f"{row['ndcg@10'][dim]:.3f}" for dim in dims)] for row in rows]
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body)]
    return ["## By layer", "nDCG@10 on validation queries over a small part of the collection.", "\n".join(lines)]


def _elastic_training(metrics: Mapping[str, Any]) -> str:
    settings = metrics["elastic"]
    parts = [
        "teacher: the base model's last layer in full, at every layer and length: its vectors (cosine) and its "
        "neighbours within a batch (KL divergence)",
        f"heads alone, by ridge regression and {settings['head_steps']} steps over layers read once",
        f"seed {settings['seed']}, texts cut at {settings['max_tokens']} tokens",
    ]
    if metrics["steps"]:
        parts += [
            f"then {metrics['steps']} steps of a LoRA of rank {settings['lora_rank']} with the heads, batches of "
            f"{settings['batch_size']} pairs, learning rate {settings['learning_rate']}",
            f"{settings['shallow_share']:.0%} of the steps read the first half of the layers only",
        ]
    if settings["minutes"] and metrics["steps"] < settings["steps"]:
        parts.append(f"ended by its limit of {settings['minutes']:g} minutes: it does not repeat bit for bit")
    return "".join(f"- {part}\n" for part in parts).rstrip() + "\n\nEvery setting is in `metrics.json`."


def _use(config: TrainConfig) -> str:
    note = "`python -m training train ... --model-out DIR` (or the app) merges the adapter into its base; then:"
    query_prompt = config.prompts.query_prompt
    prompt = f"\n\nQueries start with the prompt `{query_prompt}`." if query_prompt else ""
    return f"{note}\n\n{_USE.format(where='DIR')}{prompt}"


def _share_parts(metrics: Mapping[str, Any]) -> list[str]:
    """Specialist or generalist: what each share of the training gains and costs, if it was measured."""
    curve = ShareCurve.from_dict(metrics["share"]) if "share" in metrics else None
    if curve is None or not curve.rows:
        return []
    dims, names = list(curve.rows[0].own), list(curve.rows[0].tax)
    head = ["share kept", *map(str, dims), *(f"tax: {name}" for name in names)]
    body = [
        [f"{row.share:g}", *(f"{row.own[dim]:.3f}" for dim in dims), *(f"{row.tax[name]:+.1%}" for name in names)]
        for row in curve.rows
    ]
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body)]
    words = (
        f"{curve.words} nDCG@10 on the run's own validation queries at each length, and what text of others loses of "
        "base's nDCG@10 at full length (a minus: it gains). `python -m training rescale RUN --share N` keeps another "
        "share without training again."
    )
    return ["## Specialist or generalist", words, "\n".join(lines)]


def _setting(metrics: Mapping[str, Any]) -> str:
    share = metrics.get("share")
    stale = ""
    if share and share["kept"] != share["tested"]:
        stale = f"**Measured with {share['tested']:g} of the training kept; {share['kept']:g} is kept now.** "
    return stale + (
        f"{metrics['n_queries']:,} queries ({metrics['split']} split of {metrics['collection']}), none trained on, "
        f"over all {metrics['n_documents']:,} documents; exact search; paired bootstrap intervals (95%) over queries."
    )


def _table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    head = f"| metric | dimensions | {names[0]} | {names[1]} | difference (95% interval) |\n|---|---|---|---|---|"
    body = [
        f"| {row['metric']} | {row['dim']} | {row['before']:.3f} | {row['after']:.3f} "
        f"| {row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f}) |"
        for row in rows
    ]
    return "\n".join([head, *body])


def _training(config: TrainConfig, metrics: Mapping[str, Any]) -> str:
    parts = [f"contrastive loss: {config.objective.loss}", f"hard negatives: {config.pairs.negatives}"]
    if config.objective.distillation:
        parts.append(f"in-batch distillation of the base model's neighbours on {metrics['broad_texts']:,} texts")
    parts += [
        f"LoRA rank {config.adapter.lora_rank}" if config.adapter.lora_rank else "all weights",
        f"learning rate {config.schedule.learning_rate}",
    ]
    parts += _levers(config)
    parts += [
        f"batches of {config.schedule.batch_size}{_each(metrics)}",
        f"seed {config.schedule.seed}",
        *([f"best step {metrics['best_step']} on validation"] if metrics["best_step"] else []),
    ]
    if config.objective.matryoshka:
        parts.append(f"prefixes {', '.join(map(str, config.objective.dims))}")
    parts += metrics.get("notes", [])
    return "".join(f"- {part}\n" for part in parts).rstrip() + "\n\nEvery setting is in `training_config.json`."


def _levers(config: TrainConfig) -> list[str]:
    """What the configuration adds to the plain losses."""
    objective, adapter, schedule = config.objective, config.adapter, config.schedule
    levers = {
        f"hinge margin {objective.margin}": objective.loss == "hinge",
        f"gradient cache of {objective.cached_batch} rows": objective.loss == "cached-mnrl",
        f"weights of the lengths: {objective.weighting}": objective.weighting != "given",
        f"{objective.drawn_lengths} lengths drawn for every step": bool(objective.drawn_lengths),
        f"spread-out regulariser {objective.spread_weight}": bool(objective.spread_weight),
        f"coarse labels before fine, weight {objective.hierarchy_weight}": bool(objective.hierarchy_weight),
        f"weights averaged over the last {schedule.averaged:.0%} of the steps": bool(schedule.averaged),
        f"neighbours taught by {Path(objective.teacher).name}": bool(objective.teacher),
        "translations taught the neighbours of what they translate": bool(config.pairs.parallel),
        f"rotation of {Path(adapter.axes).name} in the place of the one learnt": bool(adapter.axes),
    }
    return [words for words, is_used in levers.items() if is_used]


def _each(metrics: Mapping[str, Any]) -> str:
    """The processes that a batch was taken in, "" for one."""
    processes = int(metrics.get("processes", 1))
    return f" in each of {processes} processes, which share no negatives" if processes > 1 else ""


def _sources(config: TrainConfig, metrics: Mapping[str, Any]) -> str:
    base = _LICENCES.get(config.base, f"base model: {config.base}; see its own card for the licence")
    data = _LICENCES.get(config.pairs.data, f"{config.pairs.data}; see its source for the licence")
    broad = [
        f"- and on {count:,} pairs of {name}: {licence_of(name)}" for name, count in metrics.get("sources", {}).items()
    ]
    return "\n".join([f"- {base}", f"- trained on: {data}", *broad])


def _limits(config: TrainConfig) -> str:
    return (
        f"English text, up to {config.pairs.max_tokens} tokens seen in training. The figures hold for the collections "
        "named above; measure on your own text before you choose a length (`python -m mrl_demo evaluate`)."
    )


def rewrite_card(folder: Path) -> Path:
    """Write the card of the finished run in `folder` again; raises `RunError` if it is not one."""
    try:
        metrics = json.loads((folder / run_folder.METRICS_FILE).read_text(encoding="utf-8"))
        config = TrainConfig.from_json((folder / run_folder.CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{folder} is no finished run ({error}): train it first.") from error
    write_card(folder, config, metrics, folder / run_folder.CARD)
    return folder / run_folder.CARD
