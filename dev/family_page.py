"""docs/family.md as text, from the figures that dev/family.py and dev/family_labels.py keep."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

_ASSETS = Path(__file__).resolve().parents[1] / "assets"
_DIMS = (16, 32, 64, 128, 384)
_PAPER = "https://arxiv.org/abs/2205.13147"


def family_page(figures: Mapping[str, Any]) -> str:
    """The Markdown page."""
    parts = [
        "# The family: what each member keeps, and what it costs",
        "Made by `dev/family.py` from `assets/results/family.json`: nDCG@10 with 95% intervals over the questions; "
        "**bold** is surely above `tuned` at the same length, *italic* surely below (paired, 2,000 resamples). "
        f"A length of d is 4 d bytes a vector. Measured {figures['date']} on {figures['hardware']}, while other jobs "
        "ran: the seconds of a fit are those of a clock on a busy machine.",
        *(_set_table(each, _measured_in_part(each["name"], figures["sets"])) for each in figures["sets"]),
        _labels_section(figures.get("labels", {})),
        _hierarchy_section(figures.get("hierarchy", {})),
        _judged_section(figures.get("judged", [])),
        _times_table(figures["times"]),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _measured_in_part(name: str, sets: Sequence[Mapping[str, Any]]) -> set[str]:
    """Arms that a table of a part of this collection has."""
    return {arm for each in sets if each["name"].startswith(f"{name}-") for arm in each["rows"]}


def _set_table(measured: Mapping[str, Any], in_part: Collection[str]) -> str:
    head = f"## {measured['label']}\n\n{measured['queries']:,} questions, {measured['documents']:,} documents."
    lines = [
        f"| arm | {' | '.join(f'{dim} ({4 * dim} B)' for dim in _DIMS)} | fit s |",
        "|---" * (len(_DIMS) + 2) + "|",
    ]
    for name, row in measured["rows"].items():
        cells = [_cell(row.get(str(dim)), row.get(f"{dim} vs tuned") or []) for dim in _DIMS]
        lines.append(f"| `{name}` | {' | '.join(cells)} | {row['fit_s'] or '–'} |")
    below = [f"`{name}`" for name in measured["left_out"] if name in in_part]
    missing = [f"- `{name}`: {why}" for name, why in measured["left_out"].items() if name not in in_part]
    if below:
        missing.insert(0, f"- {', '.join(below)}: on a part alone, in a table below.")
    return "\n".join([head, "", *lines, *(["", "Not measured here:", "", *missing] if missing else [])])


def _cell(value: Sequence[float] | None, difference: Sequence[float]) -> str:
    if not value:
        return "–"
    text = f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"
    if not difference or difference[1] <= 0 <= difference[2]:
        return text
    return f"**{text}**" if difference[1] > 0 else f"*{text}*"


def _labels_section(labels: Mapping[str, Any]) -> str:
    """Classification by domain and topic, and from few examples, each length and arm; "" if nothing was measured."""
    if not labels:
        return ""
    values = {(arm, metric, dim): (value, low, high) for arm, metric, dim, value, low, high in labels["rows"]}
    arms, metrics, dims = (list(dict.fromkeys(key[place] for key in values)) for place in range(3))
    parts = [
        "## Labels: domains, topics, few examples",
        "Accuracy on the built-in documents with 95% intervals over the texts asked about. Domains are asked of topics "
        "that taught nothing, topics of documents that taught nothing; `hierarchical` has not seen their labels "
        "either, but has learnt from all that teach, so that its figures from few examples are of more than these. "
        "`knn` names by the 5 nearest, `k-shot` by the nearest mean of k examples a class (20 draws).",
    ]
    for metric in metrics:
        classes, taught, asked, chance = labels["tasks"][metric]
        lines = [f"| arm | {' | '.join(map(str, dims))} |", "|---" * (len(dims) + 1) + "|"]
        for arm in arms:
            cells = [_cell(values.get((arm, metric, dim)), []) for dim in dims]
            lines.append(f"| `{arm}` | {' | '.join(cells)} |")
        parts.append(f"### {metric}\n\n{classes} classes, {taught:,} taught, {asked:,} asked; by chance {chance:.3f}.")
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, _few_shot_claim(labels)])


def _few_shot_claim(labels: Mapping[str, Any]) -> str:
    """The paper's claim in a sentence with our figures: the model trained with the loss against the one without."""
    told = {
        (metric, dim): (value, low, high)
        for arm, metric, dim, against, value, low, high in labels["differences"]
        if (arm, against) == ("tuned", "tuned-plain") and "-shot" in metric
    }
    if not told:
        return ""
    metric = next((name for name, _ in told if name == "5-shot-accuracy@topic"), next(iter(told))[0])
    full, short = max(dim for name, dim in told if name == metric), 16
    whole, cut = (_signed(told[metric, dim]) for dim in (full, short))
    return (
        f"The paper ([sections 4.1 and 5]({_PAPER})) promises up to 2% more accuracy on rare classes from few "
        f"examples, at no fewer numbers; here ({metric}, `tuned` against its control without the loss) "
        f"it is {whole} at all {full} numbers and {cut} at {short}."
    )


def _signed(value: Sequence[float]) -> str:
    return f"{100 * value[0]:+.1f} points [{100 * value[1]:+.1f}, {100 * value[2]:+.1f}]"


def _hierarchy_section(measured: Mapping[str, Any]) -> str:
    """A run that learnt coarse labels before fine, beside the same run without."""
    if not measured:
        return ""
    lines = ["| measured | numbers | `base` | without | with | with less without |", "|---" * 6 + "|"]
    for name, dim, base, without, with_it, *gain in measured["rows"]:
        lines.append(f"| {name} | {dim} | {base:.3f} | {without:.3f} | {with_it:.3f} | {_difference(gain)} |")
    return "\n\n".join(
        [
            "## Coarse before fine in training",
            f"{measured['about']} Domain and topic of the 800 passages of 40 topics that taught neither run, by the 5 "
            "nearest: domains among the passages of the other 80 topics, topics among themselves; intervals resample "
            "topics. nDCG@10 on the 800 test questions over all 2,400 passages.",
            "\n".join(lines),
        ]
    )


def _judged_section(rows: Sequence[Mapping[str, Any]]) -> str:
    """The supervised head by the number of judged questions."""
    if not rows:
        return ""
    dims = [name for name in rows[0] if name.isdigit()]
    lines = [
        f"| judged questions | draw | head | {' | '.join(dims)} |",
        "|---" * (len(dims) + 3) + "|",
    ]
    for row in rows:
        cells = ["0" if row["is_refused"] else _difference(row[dim]) for dim in dims]
        head = "refused" if row["is_refused"] else f"kept, {row['gain'][0]:+.4f} on unseen"
        lines.append(f"| {row['questions']:,} | {row['draw'] + 1} | {head} | {' | '.join(cells)} |")
    lines += [_spread(rows, count, dims) for count in dict.fromkeys(row["questions"] for row in rows)]
    below = sum(row[dim][2] < 0 for row in rows for dim in dims)
    return "\n\n".join(
        [
            "## The supervised head by judged questions",
            "nDCG@10 of `supervised` minus that of the frozen arm (the documents' PCA) on the 800 test questions of "
            "other topics, with 95% intervals; questions drawn from the train topics, the least and the most of "
            "all draws beneath. A head that unseen questions do not surely gain by is refused, and costs nothing. "
            f"Significantly below the frozen arm: {below} of "
            f"{len(rows) * len(dims)} figures.",
            "\n".join(lines),
        ]
    )


def _spread(rows: Sequence[Mapping[str, Any]], count: int, dims: Sequence[str]) -> str:
    """The least and the most that the draws of so many questions gave, a refused head counting 0."""
    drawn = [row for row in rows if row["questions"] == count]
    gains = {dim: [0.0 if row["is_refused"] else row[dim][0] for row in drawn] for dim in dims}
    cells = (f"{min(each):+.3f} to {max(each):+.3f}" if any(each) else "0" for each in gains.values())
    kept = sum(not row["is_refused"] for row in drawn)
    return f"| {count:,} | all {len(drawn)} | {kept} of {len(drawn)} kept | {' | '.join(cells)} |"


def _difference(value: Sequence[float]) -> str:
    return f"{value[0]:+.3f} [{value[1]:+.3f}, {value[2]:+.3f}]"


def _times_table(measured: Mapping[str, Mapping[str, float]]) -> str:
    """Time to encode, to train and to search."""
    trained = {
        path.parent.name: json.loads(path.read_text("utf-8")) for path in (_ASSETS / "adapters").glob("*/metrics.json")
    }
    rows: Iterable[str] = (
        f"| `{name}` | {t['query_ms']} | {t['document_ms']} | {_training(trained.get(name, {}))} |"
        for name, t in measured.items()
    )
    head = "## Times\n\nArms that map the vectors of base take what base takes to encode; their fits stand above."
    titles = ["| arm | processor ms a question | processor ms a document | training s |", "|---|---|---|---|"]
    return "\n".join([head, "", *titles, *rows, "", _search_times()])


def _training(metrics: Mapping[str, Any]) -> str:
    return f"{metrics['seconds']:,.0f} ({metrics['hardware'].split(',')[0]})" if "seconds" in metrics else "–"


def _search_times() -> str:
    """Exact search by length, the same for every arm that is cut; sparse codes take longer (docs/figures.md)."""
    speed = json.loads((_ASSETS / "results" / "speed.json").read_text("utf-8"))
    times = {row["dim"]: row["median_ms"] for row in speed["rows"] if row["precision"] == "float32"}
    told = ", ".join(f"{times[dim]:.2f} ms at {dim}" for dim in _DIMS if dim in times)
    return f"Exact search over {speed['n']:,} float32 vectors, any arm that is cut: {told} ({speed['hardware']})."
