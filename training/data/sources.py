"""From a configuration's `data` to what a run learns from."""

from __future__ import annotations

from pathlib import Path

from mrl_demo.core.config import Settings
from mrl_demo.core.types import Note, Progress
from training.columns import Columns
from training.config import TrainConfig
from training.data.files import load_hub_pairs, load_pairs
from training.data.labels import only_positives
from training.data.pairs import Pairs, TrainingData, builtin_data
from training.data.split import hold_out

_HUB = "hub:"


def load_data(
    config: TrainConfig, settings: Settings, columns: Columns | None = None, progress: Progress | None = None
) -> TrainingData:
    """Read and check the configuration's data; raises `DataError`, `CorpusError` or `ModelError`."""
    if config.data == "builtin":
        return builtin_data(settings.assets_dir, settings.cache_dir, config.broad_texts, progress)
    columns = columns or Columns()
    if config.data.startswith(_HUB):
        pairs, notes = load_hub_pairs(config.data.removeprefix(_HUB), columns, config.max_rows)
    else:
        pairs, notes = load_pairs(Path(config.data), columns, config.max_rows)
    return _own_data(pairs, notes, config)


def _own_data(pairs: Pairs, notes: tuple[Note, ...], config: TrainConfig) -> TrainingData:
    """A person's rows: some held out to judge by, their texts as the broad text."""
    positives, more = only_positives(pairs)
    held_out = hold_out(positives, config.seed)
    rest, judge = held_out.training, held_out.judge
    texts = tuple(dict.fromkeys((*rest.positives, *rest.queries)))[: config.broad_texts]
    words = f"{len(rest):,} rows to train on; {len(judge.queries):,} queries held out over {len(judge):,} texts."
    return TrainingData(rest, texts, judge, notes=(*notes, *more, Note("split", words)))
