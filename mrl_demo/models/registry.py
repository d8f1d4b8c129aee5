"""Encoders by name: the packaged base, the shipped and trained models, Hub models and folders; each made once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError
from mrl_demo.core.hardware import choose_device, parse_devices
from mrl_demo.core.types import Encoder
from mrl_demo.models.api.address import ApiAddress, is_api
from mrl_demo.models.api.client import ApiClient
from mrl_demo.models.api.encoder import ApiEncoder
from mrl_demo.models.api.spending import Approve, refuse_spending
from mrl_demo.models.depth import count_layers, shallow_model_dir, shallow_spec, split_depth
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.files.hub import hub_folder
from mrl_demo.models.folders import (
    find_again,
    find_model,
    is_adapter_of_packaged,
    is_trained_model,
    trained_from,
    trained_spec,
    verified_model,
)
from mrl_demo.models.given.encoder import GivenVectors
from mrl_demo.models.known import with_known
from mrl_demo.models.run_folder import HEADS_FILE, MANIFEST, SEAL
from mrl_demo.models.shipped.adapters import merged_model_dir, read_manifest
from mrl_demo.models.shipped.extras import EXTRAS, UNIVERSAL, WORDLLAMA, wordllama_folder
from mrl_demo.models.shipped.packaged import verified_base_dir
from mrl_demo.models.shipped.universal import UniversalEncoder
from mrl_demo.models.specs import AS_IT_SAYS, HUB_MODELS, MINILM, ModelOptions, ModelSpec

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: Stands between a model's name and its token limit in the name of a limited one.
_LIMIT = ":"


class EncoderRegistry:
    """Finds and keeps encoders; nothing is loaded before its first text, but what `add_model` has to look at."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._encoders: dict[str, Encoder] = {}
        self._published: dict[str, tuple[Path, int]] = {}
        self._chosen: dict[str, ModelSpec] = {}
        self._shallow: dict[tuple[str, str], Encoder] = {}
        self._named: dict[tuple[str, ModelOptions], str] = {}
        self._private: set[str] = set()
        #: Folders that were named here, by the name of their model: an elastic one's has heads.
        self._folders: dict[str, Path] = {}
        self._lock = threading.Lock()
        #: Says whether many texts may be sent to an API that has its price.
        self.approve_spending: Approve = refuse_spending

    def adapter_dirs(self) -> dict[str, Path]:
        """Folders of adapters over the packaged base by name: the shipped ones, then those trained here."""
        folders: dict[str, Path] = {}
        for parent in (self._settings.assets_dir / "adapters", self._trained):
            for manifest in sorted(parent.glob(f"*/{MANIFEST}")):
                folder = manifest.parent
                if is_adapter_of_packaged(folder) and not is_trained_model(folder):
                    folders.setdefault(folder.name, folder)
        return folders

    def model_dirs(self) -> dict[str, Path]:
        """Folders of the runs that left a whole model, by name: those on another base than the packaged one."""
        folders = sorted(seal.parent for seal in self._trained.glob(f"*/{SEAL}"))
        return {folder.name: folder for folder in folders if is_trained_model(folder)}

    def names(self) -> tuple[str, ...]:
        """Names that `encoder` takes."""
        hub = (spec.name for spec in HUB_MODELS)
        listed = (MINILM.name, *self.adapter_dirs(), *self.model_dirs(), *_installed_extras(), *hub)
        return tuple(dict.fromkeys((*listed, *self._added())))

    def add(self, name: str, encoder: Encoder) -> None:
        """Register an encoder made elsewhere (a test's tiny model, a user's own folder)."""
        with self._lock:
            self._encoders[name] = encoder

    def add_private(self, name: str, encoder: Encoder) -> None:
        """Register an encoder under a secret name: `encoder` knows it, no list has it."""
        with self._lock:
            self._private.add(name)
            self._encoders[name] = encoder

    def add_private_model(self, name: str, given: str, options: ModelOptions = AS_IT_SAYS) -> None:
        """Load a folder or `OWNER/NAME[@REVISION]` of the Hub and register it under a secret name.

        A short name of `HUB_MODELS` is the model behind it. Raises `ModelError` for anything else, and for what cannot
        be loaded.
        """
        known = {spec.name: spec for spec in HUB_MODELS}
        wanted = f"{known[given].model_id}@{known[given].revision}" if given in known else given
        folder = Path(given).expanduser()
        self._folders[name] = folder
        if given and (folder / MANIFEST).is_file() and is_adapter_of_packaged(folder) and not is_trained_model(folder):
            spec = options.applied_to(read_manifest(folder).spec())
            encoder = self._made(spec, partial(merged_model_dir, folder, self._settings.cache_dir))
        else:
            model = find_model(wanted, device=choose_device(self._settings.device))
            spec = options.applied_to(with_known(model.spec))
            encoder = self._made(replace(spec, name=name), partial(find_again, model), model.model)
        self.add_private(name, encoder)
        self._chosen[name] = spec

    def private_models(self) -> int:
        """How many models are kept for single visitors."""
        return sum(name in self._chosen for name in list(self._private))

    def forget(self, name: str) -> None:
        """Forget an encoder that was registered under a secret name."""
        with self._lock:
            if name in self._private:
                self._private.discard(name)
                self._encoders.pop(name, None)
                self._chosen.pop(name, None)
                self._folders.pop(name, None)
                for limited in [other for other in self._encoders if other.startswith(f"{name}{_LIMIT}")]:
                    del self._encoders[limited]

    def add_model(self, given: str, taken: Collection[str] = (), options: ModelOptions = AS_IT_SAYS) -> str:
        """Register a model and return its name: a name of `names`, a folder, `OWNER/NAME[@REVISION]`, or an API's.

        `options` are for a folder or a Hub model: what is packaged or trained here keeps its own. A name among `taken`
        is somebody else's: the model gets another. Raises `ModelError` if it is none of these or cannot be loaded.
        """
        if (given, options) in self._named:
            return self._named[given, options]
        if is_api(given):
            return self._add_api(given, taken, options)
        known = {spec.name: spec for spec in HUB_MODELS}
        if given in known:
            return self._add_known(options.applied_to(known[given]))
        if given in self.names():
            if options != AS_IT_SAYS:
                raise ModelError(f"Prompts are for a model's folder or OWNER/NAME on the Hub: {given} keeps its own.")
            return given
        folder = Path(given).expanduser()
        if given and (folder / MANIFEST).is_file() and is_adapter_of_packaged(folder) and not is_trained_model(folder):
            return self._add_adapter(given, folder, taken, options)
        model = find_model(given, device=choose_device(self._settings.device))
        spec = options.applied_to(with_known(model.spec))
        name = _free_name(spec.name, {*self.names(), *taken})
        self._folders[name] = folder
        self.add(name, self._made(replace(spec, name=name), partial(find_again, model), model.model))
        self._chosen[name], self._named[given, options] = spec, name
        return name

    def encoder(self, name: str) -> Encoder:
        """The encoder of that name, or of `NAME@LAYERS`, made on first use; raises `ModelError` for none."""
        stem, layers = split_depth(name)
        if layers and name not in self._encoders and name not in self.names():
            return self._at_depth(stem, layers)
        with self._lock:
            if name not in self._encoders or self._is_republished(name):
                self._encoders[name] = self._make(name)
            return self._encoders[name]

    def layers(self, name: str) -> int:
        """How many layers a model has that can be left out from the last on, 0 for none; may have to fetch it."""
        encoder = self.encoder(name)
        return count_layers(encoder.folder()) if isinstance(encoder, SentenceEncoder) else 0

    def _at_depth(self, stem: str, layers: int) -> Encoder:
        """The first layers of a model; all of them are the model itself."""
        whole = self.encoder(stem)
        most = self.layers(stem)
        if not isinstance(whole, SentenceEncoder) or not most:
            raise ModelError(f"{stem} has no layers that can be left out: take it without @{layers}.")
        if layers > most:
            raise ModelError(f"{stem} has {most} layers, not {layers}: choose from 1 to {most}.")
        if layers == most:
            return whole
        folders = {**self.adapter_dirs(), **self.model_dirs(), **self._folders}
        heads = folders.get(stem, Path()) / HEADS_FILE
        find = partial(_shallow_folder, whole, layers, heads if heads.is_file() else None, self._settings.cache_dir)
        with self._lock:
            made = self._made(shallow_spec(whole.spec, layers), find)
            return self._shallow.setdefault((f"{stem}@{layers}", whole.fingerprint), made)

    def _is_republished(self, name: str) -> bool:
        """Whether the run behind a model was published anew since the model was made: trained again, or rescaled."""
        path, then = self._published.get(name, (None, 0))
        return path is not None and _changed_at(path) != then

    def limited(self, name: str, max_tokens: int) -> str:
        """The name of a model that cuts texts at `max_tokens`; made on first use, with vectors of its own.

        The model's own name if it reads no more anyway or has no such limit.
        """
        encoder = self.encoder(name)
        if not isinstance(encoder, SentenceEncoder) or 0 < encoder.spec.max_tokens <= max_tokens:
            return name
        limited = f"{name}{_LIMIT}{max_tokens}"
        with self._lock:
            self._encoders.setdefault(limited, encoder.with_token_limit(max_tokens))
        return limited

    def trained_dims(self, name: str) -> tuple[int, ...]:
        """The prefix lengths a model was trained for; empty for none, and if its folder does not say."""
        name = name if name in self.names() else split_depth(name)[0]
        if isinstance(encoder := self._encoders.get(name), ApiEncoder):
            return encoder.trained_dims
        specs = {spec.name: spec for spec in (*HUB_MODELS, *(extra.spec for extra in EXTRAS))} | self._chosen
        try:
            if folder := self.adapter_dirs().get(name):
                return read_manifest(folder).trained_dims
            if folder := self.model_dirs().get(name):
                return trained_spec(folder).trained_dims
        except ModelError:
            return ()
        return specs[name].trained_dims if name in specs else ()

    def _add_adapter(self, given: str, folder: Path, taken: Collection[str], options: ModelOptions) -> str:
        """Register an adapter's folder over the packaged base; one of `adapter_dirs` keeps its name."""
        for name, known in self.adapter_dirs().items():
            if known.resolve() == folder.resolve():
                return name
        name = _free_name(folder.resolve().name, {*self.names(), *taken})
        spec = options.applied_to(read_manifest(folder).spec())
        self._folders[name] = folder
        self.add(name, self._made(spec, partial(merged_model_dir, folder, self._settings.cache_dir)))
        self._chosen[name], self._named[given, options] = spec, name
        return name

    def _add_api(self, given: str, taken: Collection[str], options: ModelOptions) -> str:
        """Register a model behind an API, after one text was sent to it."""
        address = ApiAddress.parse(given)
        plain = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in address.model)
        name = _free_name(plain, {*self.names(), *taken})
        client = ApiClient(address, self._settings.api_requests_a_minute)
        prompts = options.query_prompt or "", options.document_prompt or ""
        self.add(name, ApiEncoder(name, client, lambda: self.approve_spending, *prompts))
        self._named[given, options] = name
        return name

    def available(self) -> set[str]:
        """Names of the models that are here: all of `names` but Hub models nobody chose."""
        here = (*self.adapter_dirs(), *self.model_dirs(), *_installed_extras())
        return {MINILM.name, *here, *self._added(), *self._chosen} - self._private

    def trained_from(self, name: str) -> str:
        """The model that one trained here started from, as `add_model` takes it; "" for the packaged base."""
        folder = self.model_dirs().get(name)
        base = trained_from(folder) if folder else ""
        if not base or base == MINILM.model_id:
            return ""
        return next((spec.name for spec in HUB_MODELS if spec.model_id == base), base)

    def notes(self, name: str) -> tuple[str, ...]:
        """What a person should know of how a model added here is used: sentences, none for most."""
        if isinstance(encoder := self._encoders.get(name), GivenVectors | ApiEncoder):
            return encoder.notes
        return self._chosen[name].notes if name in self._chosen else ()

    def is_given(self, name: str) -> bool:
        """Whether an encoder knows given vectors only, and no model reads other texts."""
        return isinstance(self._encoders.get(name), GivenVectors)

    def describe(self, name: str) -> str:
        """Where a model comes from and how it is used, in sentences for the menus."""
        if isinstance(encoder := self._encoders.get(name), GivenVectors | ApiEncoder):
            return encoder.description
        spec = self._chosen.get(name)
        if spec is not None:
            is_hub = spec.source == "hub"
            origin = f"Loaded from the Hugging Face Hub: {spec.model_id}." if is_hub else "A folder of yours."
            return " ".join((origin, *spec.notes))
        folder = (self.adapter_dirs() | self.model_dirs()).get(name)
        base = trained_from(folder) if folder else ""
        return f"Trained here, from {base}." if base else "A model trained or added here."

    @property
    def _trained(self) -> Path:
        return self._settings.cache_dir / "trained"

    def _added(self) -> tuple[str, ...]:
        known = {MINILM.name, *(spec.name for spec in HUB_MODELS)}
        hidden = known | self._private
        return tuple(name for name in list(self._encoders) if name not in hidden and _LIMIT not in name)

    def _add_known(self, spec: ModelSpec) -> str:
        """Choose a model of `HUB_MODELS`, which is downloaded with its first text."""
        with self._lock:
            if self._chosen.get(spec.name, spec) != spec:
                self._encoders.pop(spec.name, None)
            self._chosen[spec.name] = spec
        return spec.name

    def _made(self, spec: ModelSpec, find: Callable[[], Path], model: SentenceTransformer | None = None) -> Encoder:
        settings = self._settings
        devices = parse_devices(settings.devices)
        return SentenceEncoder(
            spec, find, settings.query_threads, settings.bulk_threads, settings.device, model, devices
        )

    def _make(self, name: str) -> Encoder:
        if name == MINILM.name:
            return self._made(MINILM, verified_base_dir)
        adapters, models = self.adapter_dirs(), self.model_dirs()
        if folder := {**adapters, **models}.get(name):
            self._published[name] = folder / SEAL, _changed_at(folder / SEAL)
        if name in adapters:
            folder = adapters[name]
            return self._made(read_manifest(folder).spec(), partial(merged_model_dir, folder, self._settings.cache_dir))
        if name in models:
            return self._made(trained_spec(models[name]), partial(verified_model, models[name]))
        if name == WORDLLAMA.spec.name:
            return self._made(WORDLLAMA.spec, partial(wordllama_folder, self._settings.cache_dir))
        if name == UNIVERSAL.spec.name:
            return UniversalEncoder(self._settings.bulk_threads)
        for known in HUB_MODELS:
            if known.name == name:
                spec = self._chosen.get(name, known)
                return self._made(spec, partial(hub_folder, spec.model_id, spec.revision))
        raise ModelError(f"There is no model {name!r}: choose one of {', '.join(self.names())}.")


def _shallow_folder(whole: SentenceEncoder, layers: int, heads: Path | None, cache_dir: Path) -> Path:
    return shallow_model_dir(whole.folder(), whole.spec, layers, heads, cache_dir)


def _installed_extras() -> tuple[str, ...]:
    return tuple(extra.spec.name for extra in EXTRAS if extra.is_installed())


def _changed_at(path: Path) -> int:
    """When a file was last written, in ns; 0 if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _free_name(name: str, taken: Collection[str]) -> str:
    """`name`, with a number behind it if it is taken."""
    return next(free for free in (name, *(f"{name}-{i}" for i in range(2, len(taken) + 3))) if free not in taken)
