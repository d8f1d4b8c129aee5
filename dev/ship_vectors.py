"""Compute what ships of the built-in collection: `assets/vectors/` and the fitted rotations in `assets/rotations/`.

The vectors are those of passages and queries by every shipped encoder, as float16; the rotations are named by their
key. Run it after the collection, an adapter or the fit changed: `.venv/bin/python dev/ship_vectors.py`. Files whose
key still holds are left alone, rotations that nothing asks for any more are removed.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from mrl_demo.adapt import AdaptSettings, fit_adapted
from mrl_demo.adapt.kept import FittedMap
from mrl_demo.adapt.sparse import fit_sparse
from mrl_demo.arms.arm import Arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.arms.transforms.adapted import Adapted
from mrl_demo.arms.transforms.base import FitMaterial
from mrl_demo.arms.transforms.sparse_codes import SparseCodes
from mrl_demo.core.cache import read_vectors, save_vectors, vectors_key
from mrl_demo.core.config import Settings
from mrl_demo.core.storage import sha256_text
from mrl_demo.core.text_vectors import TextVectors
from mrl_demo.core.types import Corpus, TextTask
from mrl_demo.corpora.shipped.builtin import load_builtin
from mrl_demo.corpora.shipped.off_topic import load_off_topic
from mrl_demo.corpora.shipped.python_reference import load_python_reference
from mrl_demo.lab.answer_levels import OFF_TOPIC_VECTORS
from mrl_demo.models.registry import EncoderRegistry

#: Models whose vectors of the Python reference ship, 3.2 MB each.
BY_TEXT = ("minilm", "tuned")


def main() -> None:
    """Write what is missing or stale; float32 encoding, so that every machine gets the same."""
    settings = Settings(cache_dir=Path(tempfile.mkdtemp()))
    corpus = load_builtin(settings.assets_dir)
    registry = EncoderRegistry(settings)
    ship_off_topic(settings, registry, load_off_topic(settings.assets_dir))
    jobs = {
        "documents": ([doc.content for doc in corpus.documents], corpus.fingerprint),
        "queries": ([query.text for query in corpus.queries], sha256_text(*(query.text for query in corpus.queries))),
    }
    for name in ("minilm", *registry.adapter_dirs()):
        encoder = registry.encoder(name)
        for role, (texts, fingerprint) in jobs.items():
            task: TextTask = "document" if role == "documents" else "query"
            path = settings.assets_dir / "vectors" / f"{corpus.name}-{name}-{role}.safetensors"
            key = vectors_key(encoder.fingerprint, fingerprint, role)
            if read_vectors(path, key, len(texts)) is None:
                print(f"encoding {len(texts):,} {role} with {name}", flush=True)
                order = np.argsort([len(text) for text in texts])
                vectors = np.empty((len(texts), encoder.dimension), dtype=np.float32)
                vectors[order] = encoder.encode_queries([texts[i] for i in order])
                save_vectors(path, vectors, key, np.float16, encoder.count_cut(texts, task))
    ship_rotations(settings, registry, corpus)
    ship_python_reference(settings, registry)


def ship_off_topic(settings: Settings, registry: EncoderRegistry, texts: tuple[str, ...]) -> None:
    """The texts that set the level under which nothing answers."""
    for name in ("minilm", *registry.adapter_dirs()):
        encoder = registry.encoder(name)
        path = settings.assets_dir / "vectors" / f"{OFF_TOPIC_VECTORS}-{name}-queries.safetensors"
        key = vectors_key(encoder.fingerprint, sha256_text(*texts), "queries")
        if read_vectors(path, key, len(texts)) is None:
            print(f"encoding {len(texts):,} off-topic texts with {name}", flush=True)
            save_vectors(path, encoder.encode_queries(texts), key, np.float16)


def ship_python_reference(settings: Settings, registry: EncoderRegistry) -> None:
    """Documents of the Python reference by text hash, rounded to 8 bits: the texts depend on package versions."""
    corpus = load_python_reference(Settings().cache_dir)
    builder = SpaceBuilder(registry, Settings().cache_dir, settings.assets_dir)
    for name in BY_TEXT:
        path = settings.assets_dir / "vectors" / f"{corpus.name}-{name}-documents-by-text.safetensors"
        fingerprint = registry.encoder(name).fingerprint
        texts = sorted({document.content for document in corpus.documents})
        kept = TextVectors.load(path, fingerprint)
        if kept is None or not kept.find(texts)[0].all():
            path.unlink(missing_ok=True)  # What is rounded already must not be rounded again.
            print(f"encoding the Python reference with {name}", flush=True)
            vectors = builder.documents(name, corpus)
            if cut := registry.encoder(name).count_cut(texts, "document").count:
                raise SystemExit(f"{cut} texts are longer than {name} reads: say so in the file first.")
            place = {document.content: row for row, document in enumerate(corpus.documents)}
            TextVectors.of(texts, vectors[[place[text] for text in texts]], fingerprint).save(path)


def ship_rotations(settings: Settings, registry: EncoderRegistry, corpus: Corpus) -> None:
    """Fit what takes long to fit to the documents anew if its key changed: rotations, maps, sparse codes."""
    folder = settings.assets_dir / "rotations"
    builder = SpaceBuilder(registry, settings.cache_dir, settings.assets_dir)
    wanted = set()
    for arm in builder.menu.arms():
        if arm.transform.fitted_on.takes_long:
            documents = builder.documents(arm.encoder, corpus)
            material = builder.material(arm, corpus, documents)
            key = arm.transform.key(material)
            wanted.add(f"{key}.safetensors")
            if not (folder / f"{key}.safetensors").is_file():
                print(f"fitting {arm.name}", flush=True)
                fitted = fit_patiently(arm, material)
                if fitted.is_cut_short:
                    raise SystemExit(f"the fit of {arm.name} ran out of an hour")
                fitted.save(folder / f"{key}.safetensors", key=key)
    for path in folder.glob("*.safetensors"):
        if path.name not in wanted and not path.name.endswith("-pca.safetensors"):
            path.unlink()


def fit_patiently(arm: Arm, material: FitMaterial) -> FittedMap:
    """The fit without the limit on its time, whatever the machine is busy with."""
    if isinstance(arm.transform, Adapted):
        patient = replace(AdaptSettings.for_model(arm.trained_dims), time_limit_s=3_600.0)
        return fit_adapted(material.documents, patient, None, material.stand_ins(None))
    if isinstance(arm.transform, SparseCodes):
        slow = replace(arm.transform.settings, time_limit_s=3_600.0)
        return fit_sparse(material.documents, material.stand_ins(None), slow)
    fitted = arm.transform.fit(material)
    if not isinstance(fitted, FittedMap):
        raise SystemExit(f"{arm.name} is fitted by {type(fitted).__name__}, which has no file.")
    return fitted


if __name__ == "__main__":
    main()
