"""From a configuration's `data` to what a run learns from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mrl_demo.core.config import Settings
from mrl_demo.core.types import Note, Progress
from training.columns import Columns
from training.config import PairsConfig, TrainConfig
from training.data.beir import is_beir, judged_by_its_splits, load_beir_pairs
from training.data.broad import with_broad_pairs
from training.data.files import load_hub_pairs, load_pairs
from training.data.labels import only_positives
from training.data.others import load_text_of_others
from training.data.pairs import Pairs, TrainingData, builtin_data
from training.data.split import hold_out
from training.errors import ConfigError, DataError

BUILTIN = "builtin"
_HUB = "hub:"


def load_data(
    config: TrainConfig, settings: Settings, columns: Columns | None = None, progress: Progress | None = None
) -> TrainingData:
    """Read and check the configuration's data; raises `ConfigError`, `DataError`, `CorpusError` or `ModelError`."""
    if config.pairs.leave_out and not config.pairs.pairs:
        words = f"sources ({config.pairs.leave_out}) are left out of broad pairs, and there are none: add --pairs DIR."
        raise ConfigError(words).about("leave_out")
    data = _with_labels_wanted(_read_data(config, settings, columns, progress), config)
    if config.pairs.parallel:
        data = _with_parallel(data, config.pairs)
    return with_broad_pairs(data, config.pairs) if config.pairs.pairs else data


def _with_labels_wanted(data: TrainingData, config: TrainConfig) -> TrainingData:
    """The data without labels unless the configuration learns from them; raises `DataError` if there are none then."""
    if not config.objective.hierarchy_weight:
        return replace(data, pairs=replace(data.pairs, labels=()))
    if not any(data.pairs.labels):
        words = "The data has no labels to put coarse before fine: give a column topic (and domain), or paths in it."
        raise DataError(words).about("hierarchy_weight")
    return data


def _with_parallel(data: TrainingData, wanted: PairsConfig) -> TrainingData:
    """The data with texts and their translations, at most `wanted.max_rows` if that is not 0; columns are guessed."""
    pairs, notes = load_pairs(Path(wanted.parallel), Columns(), wanted.max_rows)
    words = f"{len(pairs):,} texts with their translations: these are taught the neighbours of what they translate."
    return replace(data, parallel=pairs, notes=(*data.notes, *notes, Note("parallel-pairs", words)))


def with_text_of_others(
    data: TrainingData, config: TrainConfig, settings: Settings, progress: Progress | None = None
) -> TrainingData:
    """The data with text of others, if the configuration distils it or measures the tax on it."""
    distils, measures = config.pairs.broad == "others" and config.objective.distillation, bool(config.adapter.shares)
    if not (distils or measures):
        return data
    others = load_text_of_others(settings, config.pairs.broad_texts, progress)
    return replace(data, broad=others.broad if distils else data.broad, others=others.judges if measures else ())


def _read_data(
    config: TrainConfig, settings: Settings, columns: Columns | None, progress: Progress | None
) -> TrainingData:
    wanted, columns = config.pairs, columns or Columns()
    if wanted.data == BUILTIN:
        return builtin_data(settings.assets_dir, settings.cache_dir, wanted.broad_texts, progress)
    if wanted.data.startswith(_HUB):
        return _own_data(*load_hub_pairs(wanted.data.removeprefix(_HUB), columns, wanted.max_rows), config)
    if is_beir(Path(wanted.data)):
        return _beir_data(Path(wanted.data), config, settings)
    return _own_data(*load_pairs(Path(wanted.data), columns, wanted.max_rows), config)


def _beir_data(path: Path, config: TrainConfig, settings: Settings) -> TrainingData:
    """A collection's train split, judged by its dev and test splits; without them, by queries held out of train."""
    pairs, corpus = load_beir_pairs(path, settings.max_documents)
    if config.pairs.max_rows:
        pairs = pairs.take(range(min(config.pairs.max_rows, len(pairs))))
    judged = judged_by_its_splits(pairs, corpus, config.pairs.broad_texts)
    if judged is not None:
        return judged
    words = f"{path} has no dev and test splits: some of its train queries are held out to judge by."
    return _own_data(pairs, (*corpus.notes, Note("no-judging-splits", words)), config)


def _own_data(pairs: Pairs, notes: tuple[Note, ...], config: TrainConfig) -> TrainingData:
    """A person's rows: some held out to judge by, their texts as the broad text."""
    positives, more = only_positives(pairs)
    held_out = hold_out(positives, config.schedule.seed)
    rest, judge = held_out.training, held_out.judge
    texts = tuple(dict.fromkeys((*rest.positives, *rest.queries)))[: config.pairs.broad_texts]
    words = f"{len(rest):,} rows to train on; {len(judge.queries):,} queries held out over {len(judge):,} texts."
    return TrainingData(rest, texts, judge, notes=(*notes, *more, *held_out.notes, Note("split", words)))
