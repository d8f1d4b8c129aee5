"""Encoders by name: the packaged base, the shipped and trained adapters, the Hub models; each made once."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

from mrl_demo.config import Settings
from mrl_demo.models.adapters import MANIFEST, merged_model_dir, read_manifest
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.packaged import verified_base_dir
from mrl_demo.models.specs import ARMS, HUB_MODELS, MINILM, ModelSpec
from mrl_demo.types import ArmSpec, Encoder, ModelError


class EncoderRegistry:
    """Finds and keeps encoders; nothing is loaded before its first text."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._encoders: dict[str, Encoder] = {}
        self._lock = threading.Lock()

    def adapter_dirs(self) -> dict[str, Path]:
        """Adapter folders by name: the shipped ones, then those trained here."""
        found: dict[str, Path] = {}
        for parent in (self._settings.assets_dir / "adapters", self._settings.cache_dir / "trained"):
            for manifest in sorted(parent.glob(f"*/{MANIFEST}")):
                found.setdefault(manifest.parent.name, manifest.parent)
        return found

    def names(self) -> tuple[str, ...]:
        """Names that `encoder` takes."""
        return (MINILM.name, *self.adapter_dirs(), *(spec.name for spec in HUB_MODELS), *self._added())

    def add(self, name: str, encoder: Encoder) -> None:
        """Register an encoder made elsewhere (a test's tiny model, a user's own folder)."""
        with self._lock:
            self._encoders[name] = encoder

    def encoder(self, name: str) -> Encoder:
        """The encoder of that name, made on first use; raises `ModelError` naming those there are."""
        with self._lock:
            if name not in self._encoders:
                self._encoders[name] = self._make(name)
            return self._encoders[name]

    def arms(self) -> tuple[ArmSpec, ...]:
        """Standard arms whose encoder is there, then one arm for every model trained or added here."""
        available = {MINILM.name, *self.adapter_dirs(), *self._added()}
        standard = tuple(arm for arm in ARMS if arm.encoder in available)
        known = {arm.encoder for arm in ARMS}
        own = tuple(ArmSpec(name, name, "A model trained or added here.", name) for name in sorted(available - known))
        return standard + own

    def _added(self) -> tuple[str, ...]:
        return tuple(name for name in self._encoders if name not in {MINILM.name, *(s.name for s in HUB_MODELS)})

    def _make(self, name: str) -> Encoder:
        settings = self._settings
        make = partial(SentenceEncoder, query_threads=settings.query_threads, bulk_threads=settings.bulk_threads)
        if name == MINILM.name:
            return make(MINILM, verified_base_dir)
        adapters = self.adapter_dirs()
        if name in adapters:
            folder = adapters[name]
            return make(read_manifest(folder).spec(), partial(merged_model_dir, folder, settings.cache_dir))
        for spec in HUB_MODELS:
            if spec.name == name:
                return make(spec, partial(_hub_id, spec))
        raise ModelError(f"There is no model {name!r}: choose one of {', '.join(self.names())}.")


def _hub_id(spec: ModelSpec) -> str:
    return spec.model_id
