"""`adapt`: base and a rotation fitted to a corpus, saved as a standard folder that anybody can load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mrl_demo.adapt import Rotation, default_prefixes
from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.arms.transforms.adapted import Adapted
from mrl_demo.core.config import Settings
from mrl_demo.core.storage import atomic_folder
from mrl_demo.core.types import Corpus, Note, Progress
from mrl_demo.corpora.own.files import load_path
from mrl_demo.corpora.own.hub import HUB_FOLDER, HubDataSet, is_hub_name, read_hub_rows
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.corpora.shipped.builtin import NAME, load_builtin
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.registry import EncoderRegistry
from mrl_demo.models.shipped.adapters import save_standard_folder, with_rotation
from training.errors import RunError


@dataclass(frozen=True)
class AdaptedFolder:
    """What was fitted, and what was done to the documents when they were read."""

    rotation: Rotation
    notes: tuple[Note, ...]


def adapt(
    corpus_name: str,
    arm: str,
    out: Path,
    settings: Settings,
    progress: Progress | None = None,
    columns: ColumnChoice | None = None,
) -> AdaptedFolder:
    """Fit a rotation on the documents of `corpus_name` ("builtin", a BEIR folder or a file) and save the model with it.

    Their titles and sentences stand in for queries.

    `out` gets a sentence-transformers folder (a bias-free Dense and a Normalize appended) and `rotation.npy` `(d, d)`
    float32, whole or not at all. Raises `RunError` if `out` exists, and what reading the corpus raises.
    """
    if out.exists():
        raise RunError(f"{out} exists: choose another --out or remove it.")
    encoders = EncoderRegistry(settings)
    builder = SpaceBuilder(encoders, settings.cache_dir, settings.assets_dir)
    transform = Adapted()
    adapted = resolve_arm(f"{arm}+{transform.suffix}", builder.menu)
    corpus = _corpus(corpus_name, settings, columns)
    encoder = encoders.encoder(adapted.encoder)
    if not isinstance(encoder, SentenceEncoder):
        raise RunError(f"{arm!r} is no model that can be saved: choose one of {', '.join(encoders.names())}.")
    vectors = builder.documents(adapted.encoder, corpus, progress)
    rotation = transform.fit(builder.material(adapted, corpus, vectors), progress)
    model = with_rotation(encoder.model(), rotation.matrix)
    with atomic_folder(out) as work:
        save_standard_folder(model, work, (*default_prefixes(rotation.dimension), rotation.dimension))
        np.save(work / "rotation.npy", rotation.matrix)
    return AdaptedFolder(rotation, (*corpus.notes, *builder.notes(adapted.encoder, corpus)))


def _corpus(name: str, settings: Settings, columns: ColumnChoice | None) -> Corpus:
    if name == NAME:
        return load_builtin(settings.assets_dir)
    if is_hub_name(name):
        rows = read_hub_rows(HubDataSet.parse(name), settings.cache_dir / HUB_FOLDER, settings.max_documents)
        return rows.load(settings.max_documents, columns or ColumnChoice())
    return load_path(Path(name), settings.max_documents, columns)
