"""`evaluate`: adapters against base, base + PCA and the control, on the test topics and on outside text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mrl_demo.arms.catalogue import baselines
from mrl_demo.core.storage import atomic_path
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.evaluation.sweeps.plan import UNCUT_BASE, SweepPlan
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.lab.lab import Lab
from mrl_demo.models import run_folder
from training.report import Report
from training.result.card import rewrite_card
from training.result.measure import CONTROL, METRICS, describe_setting

ADAPTED = "adapted"


def evaluation_plan(
    names: Sequence[str], queries: int, max_tokens: int, with_adapted: bool, seed: int = 0
) -> SweepPlan:
    """The catalogue's baselines and the named adapters, and rotations fitted to the documents if asked for."""
    arms = [*baselines(), *([ADAPTED] if with_adapted else [])]
    for name in names:
        arms += [name, *([f"{name}+{ADAPTED}"] if with_adapted and name != CONTROL else [])]
    against = (*baselines(), *(name for name in names if name == CONTROL), UNCUT_BASE)
    return SweepPlan(
        tuple(arms), TRAINED_DIMS, metrics=METRICS, queries=queries, max_tokens=max_tokens, against=against, seed=seed
    )


def evaluate_adapters(
    lab: Lab, adapters: Sequence[Path], outside: Sequence[Path], report: Report, *,
    queries: int = 2000, max_tokens: int = 128, with_adapted: bool = False, write: bool = False,
    seed: int = 0,
) -> list[SweepResult]:  # fmt: skip
    """Print every arm's figures on the test topics and on `outside`; with `write` store them with each adapter."""
    names = [lab.add_arm(str(folder)) for folder in adapters]
    plan = evaluation_plan(names, queries, max_tokens, with_adapted, seed)
    corpora = ["builtin", *(lab.add_corpus(folder) for folder in outside)]
    results = [lab.evaluate(corpus, plan, report.progress) for corpus in corpora]
    for result in results:
        report.say(_shares_text(result, max_tokens))
        for note in result.notes:
            report.say(note)
    if write:
        for name, folder in zip(names, adapters, strict=True):
            store_sweeps(folder, name, results, max_tokens)
    return results


def store_sweeps(folder: Path, name: str, results: Sequence[SweepResult], max_tokens: int) -> None:
    """Write `evaluation.json` beside an adapter, whole or not at all, and its card anew.

    It holds the sweeps as page and command line have them (`SweepResult.to_dict`), of the arms that the card compares.
    """
    sweeps = [result.of_arms((*baselines(), CONTROL, name)).to_dict() for result in results]
    text = json.dumps({"arm": name, "max_tokens": max_tokens, "sweeps": sweeps}, ensure_ascii=False)
    with atomic_path(folder / run_folder.EVALUATION) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    rewrite_card(folder)


def shares(result: SweepResult) -> dict[str, dict[int, float]]:
    """Each arm's nDCG@10 at each dimension as a share of uncut base."""
    rows = [row for row in result.rows if row.metric == METRICS[0] and row.dim is not None]
    whole = next(row.value for row in result.full if (row.arm, row.metric) == ("base", METRICS[0]))
    by_arm: dict[str, dict[int, float]] = {}
    for row in rows:
        by_arm.setdefault(row.arm, {})[int(row.dim or 0)] = row.value / whole
    return by_arm


def _shares_text(result: SweepResult, max_tokens: int) -> str:
    lines = [f"\n{result.corpus}: nDCG@10 as a share of uncut base. {describe_setting(result, max_tokens)}"]
    for name, by_dim in shares(result).items():
        lines.append(f"{name:>14} " + "  ".join(f"{dim}: {share:.1%}" for dim, share in by_dim.items()))
    return "\n".join(lines)
