"""What every part of a run needs: where things lie and who is told, and what the run is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from mrl_demo.core.cache import VectorCache
from mrl_demo.core.config import Settings
from mrl_demo.core.storage import sha256_text
from training.bases import Base, settle
from training.columns import Columns
from training.config import TrainConfig
from training.data.pairs import TrainingData
from training.data.sources import load_data
from training.fit.processes import Processes
from training.report import Report


@dataclass(frozen=True)
class RunContext:
    """Settings, the person who waits, and the processes that take part.

    >>> RunContext(Settings(), Report(quiet=True)).processes.is_first
    True
    """

    settings: Settings
    report: Report
    processes: Processes = field(default_factory=Processes)

    @property
    def cache(self) -> VectorCache:
        """Vectors that ship and vectors that were encoded here."""
        return VectorCache(self.settings.cache_dir, self.settings.assets_dir / "vectors")


@dataclass(frozen=True)
class RunMaterial:
    """Configuration, base model and data of a run: all that decides its result."""

    config: TrainConfig
    base: Base
    data: TrainingData

    def key(self, processes: Processes) -> str:
        """Hex sha256 of everything that decides the result, the number of processes included."""
        parts = (self.config.fingerprint, self.data.fingerprint, self.base.content_sha256)
        return sha256_text(*parts, *processes.key_parts)


def gather_material(config: TrainConfig, context: RunContext, columns: Columns | None = None) -> RunMaterial:
    """Find the base, read and check the data, and say what was noticed; raises `LabError` kinds before long work."""
    config, base = settle(config)
    data = load_data(config, context.settings, columns, context.report.progress)
    for note in (*base.spec.notes, *data.notes):
        context.report.say(str(note))
    return RunMaterial(config, base, data)
