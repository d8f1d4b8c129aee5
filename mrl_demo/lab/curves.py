"""What the Curves tab asks for: results shipped with the code, sweeps and times measured anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.catalogue import ARMS
from mrl_demo.core.errors import CorpusError
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.storage import atomic_path
from mrl_demo.core.types import Progress
from mrl_demo.corpora.questions.stand_ins import with_stand_ins
from mrl_demo.evaluation.speed.engines import EngineSpeed
from mrl_demo.evaluation.speed.searches import SpeedPlan, SpeedResult, SpeedRow, measure_speed
from mrl_demo.evaluation.sweeps.plan import BYTE_PRECISIONS, SweepPlan, metrics_for
from mrl_demo.evaluation.sweeps.query_groups import GroupRow, group_fields, rows_by_group
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.evaluation.sweeps.worst import BrokenQueries, BrokenQuery, worst_queries
from mrl_demo.lab.protocol import LabProtocol

MEASURED_PRECISIONS = BYTE_PRECISIONS
WORST_SHOWN = 20
_SPEED_QUERIES = 64


@dataclass(frozen=True)
class CurveSet:
    """A sweep and the queries that break by arm; `is_shipped` if it came with the code.

    `fingerprint` is that of the corpus measured; `is_stale` if the corpus is another one by now. `groups` are figures
    by the columns of its queries, as by language.

    >>> CurveSet.from_json("{}")
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.CorpusError: These are no stored curves ('sweep'): run dev/ship_results.py again.
    """

    sweep: SweepResult
    lost: Mapping[str, BrokenQueries] = field(default_factory=dict)
    fingerprint: str = ""
    is_shipped: bool = False
    is_stale: bool = False
    groups: tuple[GroupRow, ...] = ()

    def to_json(self) -> str:
        """One JSON object with "sweep", "lost" and "fingerprint"."""
        lost = {name: asdict(each) for name, each in self.lost.items()}
        raw: dict[str, Any] = {"sweep": self.sweep.to_dict(), "lost": lost, "fingerprint": self.fingerprint}
        if self.groups:
            raw["groups"] = [row.to_dict() for row in self.groups]
        return json.dumps(raw, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> CurveSet:
        """Read what `to_json` wrote; raises `CorpusError` if it is something else."""
        try:
            raw = json.loads(text)
            sweep = SweepResult.from_json(json.dumps(raw["sweep"]))
            lost = {name: _lost(each) for name, each in raw["lost"].items()}
            groups = tuple(GroupRow(**row) for row in raw.get("groups", ()))
            return cls(sweep, lost, str(raw.get("fingerprint", "")), is_shipped=True, groups=groups)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorpusError(f"These are no stored curves ({error}): run dev/ship_results.py again.") from error


class CurvesService:
    """Curves over a lab: shipped ones at once, others measured on request.

    >>> from mrl_demo.core.config import Settings
    >>> from mrl_demo.lab.lab import Lab
    >>> service = CurvesService(Lab(Settings.from_environment()))
    >>> shipped = service.shipped("builtin")
    >>> shipped.sweep.n_documents, shipped.is_shipped, shipped.is_stale
    (2400, True, False)
    """

    def __init__(self, lab: LabProtocol) -> None:
        self.lab = lab
        self._folder = lab.settings.assets_dir / "results"
        self._shipped: dict[Path, CurveSet] = {}

    def arms(self) -> tuple[str, ...]:
        """Names of what a new measurement covers."""
        return tuple(arm.name for arm in self.contenders())

    def contenders(self) -> tuple[Arm, ...]:
        """What a new measurement covers: all that can be searched, and words alone."""
        return self.lab.builder.menu.contenders()

    def shipped(self, corpus: str) -> CurveSet | None:
        """The curves that came with the code, None if a corpus has none; raises `CorpusError` for a damaged file."""
        path = self._folder / f"{corpus}.json"
        if not self._is_own(corpus) or not path.is_file():
            return None
        if path not in self._shipped:
            curves = CurveSet.from_json(path.read_text(encoding="utf-8"))
            stale = curves.fingerprint != self.lab.corpus(corpus).fingerprint
            self._shipped[path] = replace(curves, sweep=_with_labels_of_today(curves.sweep), is_stale=stale)
        return self._shipped[path]

    def shipped_speed(self) -> SpeedResult | None:
        """Times that came with the code, None if there are none; raises `CorpusError` for a damaged file."""
        path = self._folder / "speed.json"
        return speed_from_json(path.read_text(encoding="utf-8")) if path.is_file() else None

    def measure(
        self,
        corpus: str,
        progress: Progress | None = None,
        *,
        arms: Sequence[str] | None = None,
        precisions: Sequence[str] = MEASURED_PRECISIONS,
        is_sample: bool = False,
    ) -> CurveSet:
        """Measure `arms` (all there are if None) on the judged queries of a corpus, or on what stands in for them.

        `is_sample` draws as many of very many queries as a recommendation does, which the result says. Raises
        `LabError` if nothing can be measured, and whatever `progress` raises: that cancels.
        """
        from mrl_demo.advisor.consult import usual_queries

        collection = self.lab.corpus(corpus, progress)
        asked = with_stand_ins(collection)
        drawn = usual_queries(asked) if is_sample else 0
        plan = SweepPlan(
            tuple(arms or self.arms()), precisions=tuple(precisions), metrics=metrics_for(asked), queries=drawn
        )
        sweep = self.lab.evaluate(corpus, plan, progress)
        lost = {arm: worst_queries(sweep, asked, arm, limit=WORST_SHOWN) for arm in sweep.first_ranks}
        groups = tuple(
            row for field in group_fields(asked.queries) for row in rows_by_group(sweep, asked.queries, field)
        )
        kept = replace(sweep, per_query={}, full_values={}, first_ranks={}, query_ids=(), rank_dims={})
        return CurveSet(kept, lost, collection.fingerprint, groups=groups)

    def speed(self, n: int, progress: Progress | None = None, *, corpus: str = "builtin") -> SpeedResult:
        """Time searches over `n` vectors: base's of a corpus, tiled; raises `LabError` if they do not fit."""
        collection = self.lab.corpus(corpus, progress)
        encoder = self.lab.arms()[0].encoder
        documents = self.lab.builder.documents(encoder, collection, progress)
        queries = (
            self.lab.builder.queries(encoder, collection)[:_SPEED_QUERIES] if collection.queries else documents[:1]
        )
        return measure_speed(collection.name, documents, queries, SpeedPlan(n), describe_hardware(), progress)

    def engine_speeds(self, corpus: str, progress: Progress | None = None) -> dict[str, EngineSpeed]:
        """What the engines that hold a corpus' documents find and take, by the label of the arm; empty for none.

        After an engine that cannot be used no other is waited for.
        """
        speeds: dict[str, EngineSpeed] = {}
        for arm in self.lab.arms() if self.lab.indexes() else ():
            speed = self.lab.engine_speed(corpus, arm.name, (), progress)
            if speed:
                speeds[arm.label] = speed
            if speed and speed.problem:
                break
        return speeds

    def _is_own(self, corpus: str) -> bool:
        return corpus in {choice.name for choice in self.lab.corpora()} and Path(corpus).name == corpus


def _with_labels_of_today(sweep: SweepResult) -> SweepResult:
    labels = {arm.name: arm.label for arm in ARMS}
    return replace(sweep, arms=tuple(replace(arm, label=labels.get(arm.name, arm.label)) for arm in sweep.arms))


def speed_to_json(result: SpeedResult) -> str:
    """One JSON object, read again by `speed_from_json`."""
    return json.dumps(asdict(result), ensure_ascii=False)


def speed_from_json(text: str) -> SpeedResult:
    """Read what `speed_to_json` wrote; raises `CorpusError` if it is something else."""
    try:
        raw = json.loads(text)
        return SpeedResult(**{**raw, "rows": tuple(SpeedRow(**row) for row in raw["rows"])})
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"These are no stored times ({error}): run dev/ship_results.py again.") from error


def save_text(path: Path, text: str) -> None:
    """Write a result file whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _lost(raw: dict[str, Any]) -> BrokenQueries:
    return BrokenQueries(**{**raw, "worst": tuple(BrokenQuery(**each) for each in raw["worst"])})
