"""What does not decide a run's result: where it goes, whether to go on, who is told, and who takes part."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mrl_demo.core.cache import VectorCache
from mrl_demo.core.config import Settings
from training.columns import Columns
from training.processes import Processes
from training.report import Report


@dataclass(frozen=True)
class RunOptions:
    """What a person asks of one run: `out` is the finished folder, `events` the file that a page reads while it trains.

    >>> RunOptions(Path("runs/mine"), columns=Columns(query="question")).columns.query
    'question'
    """

    out: Path
    resume: bool = False
    force: bool = False
    report_to: str = "none"
    model_out: Path | None = None
    columns: Columns = field(default_factory=Columns)
    events: Path | None = None


@dataclass(frozen=True)
class RunContext:
    """The house's settings, what is shown to the person who waits, and the processes that share the steps.

    >>> RunContext(Settings(), Report(quiet=True)).processes.is_first
    True
    """

    settings: Settings
    report: Report = field(default_factory=Report)
    processes: Processes = field(default_factory=Processes.from_environment)

    @property
    def cache(self) -> VectorCache:
        """Vectors that ship and vectors that were encoded here."""
        return VectorCache(self.settings.cache_dir, self.settings.assets_dir / "vectors")
