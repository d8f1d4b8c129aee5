"""What is refused before a run gets into the line, and the copy of an uploaded file that it takes along."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.corpora.reading import TABLE_TYPES
from mrl_demo.jobs.process import DATA_STEM, PARALLEL_STEM, TrainingError, is_supported
from mrl_demo.jobs.request import TrainRequest
from mrl_demo.models.files.hub import hub_name

#: Files that may be sent here: packed ones (Parquet too) may hold a hundred times what their size says.
DATA_TYPES = tuple(kind for kind in TABLE_TYPES if kind != ".parquet")
MAX_DATA_BYTES = 50_000_000
#: Hours on any machine; more than that is for who owns it, by the command line.
MOST_STEPS = 20_000
#: Names of columns and models, and a list of weights, are shorter.
_LONGEST_TEXT = 500
OFF = (
    "Training is switched off here, because it keeps the processor busy for minutes. The owner turns it on by setting "
    "MRL_TRAINING_ENABLED=1 and starting the app again."
)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Intake:
    """Checks requests as only this side can; everything else is for training's own checks.

    `trained` is the folder of finished runs, `taken` are names that belong to arms.
    """

    settings: Settings
    trained: Path
    taken: Collection[str]

    @property
    def is_open(self) -> bool:
        """Whether runs may be started here."""
        return self.settings.training_enabled and is_supported()

    def refuse_if_closed(self) -> None:
        """Raise `TrainingError` if training is switched off."""
        if not self.is_open:
            raise TrainingError(OFF)

    def check(self, request: TrainRequest) -> None:
        """Raise `TrainingError` for a name or a base that cannot be."""
        self.refuse_if_closed()
        if not _NAME.fullmatch(request.name):
            message = (
                f"The name {request.name!r} does not work: use lower-case letters, digits and hyphens, at most 40."
            )
            raise TrainingError(message).about("name")
        self._check_size(request)
        if request.is_broad and not Path(self.settings.broad_pairs or "missing").is_dir():
            message = "There are no broad pairs here: the owner names their folder with --pairs DIR or MRL_BROAD_PAIRS."
            raise TrainingError(message).about("is_broad")
        for field, model in (("base", request.base), ("teacher", request.levers.teacher)):
            if model and (CODE_ROOT / hub_name(model)[0]).exists():
                message = f"{model!r} is a folder here: from the page only models of the Hub are loaded."
                raise TrainingError(message).about(field)
        self.refuse_taken(request.name)

    def refuse_taken(self, name: str) -> None:
        """Raise `TrainingError` if a model has that name."""
        places = (self.trained / name, self.settings.assets_dir / "adapters" / name)
        if name in self.taken or any(place.exists() for place in places):
            message = f"There is a model named {name!r} already: choose another name."
            raise TrainingError(message).about("name")

    def _check_size(self, request: TrainRequest) -> None:
        """Raise `TrainingError` for more steps than a visitor may ask for, and for texts that no field holds."""
        if request.steps is not None and request.steps > MOST_STEPS:
            named = f"{request.steps:,}" if request.steps < 10**9 else "so many"
            message = f"steps is {named}: a page trains at most {MOST_STEPS:,}; longer runs are for the command line."
            raise TrainingError(message).about("steps")
        for field in ("base", "weights", "query_column", "positive_column", "negative_column", "score_column"):
            text = getattr(request, field)
            if len(text) > _LONGEST_TEXT or "\0" in text:
                message = f"{field} is {text[:20]!r}...: at most {_LONGEST_TEXT} characters, and none of them NUL."
                raise TrainingError(message).about(field)

    def copy_uploads(self, request: TrainRequest, folder: Path) -> tuple[Path | None, Path | None]:
        """The uploaded pairs and parallel texts in `folder`, named by us, None without; raises `TrainingError`."""
        pairs = request.data if isinstance(request.data, Path) else None
        return self._copy(pairs, folder, DATA_STEM), self._copy(request.parallel, folder, PARALLEL_STEM)

    def _copy(self, given: Path | None, folder: Path, stem: str) -> Path | None:
        if given is None:
            return None
        kind = given.suffix.lower()
        if kind not in DATA_TYPES:
            raise TrainingError(f"Files of type {kind or 'none'} are not read: use {', '.join(DATA_TYPES)}.")
        try:
            size = given.stat().st_size
            if size > MAX_DATA_BYTES:
                limit = f"{MAX_DATA_BYTES / 1e6:.0f} MB are the limit"
                raise TrainingError(f"The file has {size / 1e6:.0f} MB, and {limit}.")
            return Path(shutil.copyfile(given, folder / f"{stem}{kind}"))
        except OSError as error:
            raise TrainingError(f"The uploaded file cannot be read ({error.strerror}): upload it again.") from error
