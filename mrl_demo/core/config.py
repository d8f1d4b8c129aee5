"""Settings of one process, read once from the environment and the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

import platformdirs

from mrl_demo.core.errors import LabError
from mrl_demo.core.hardware import check_device_name, parse_devices

#: The folder that holds the packages: a checkout, or site-packages. Child processes start there.
CODE_ROOT = Path(str(files("mrl_demo"))).resolve().parent


def find_assets() -> Path:
    """The data that ship: inside the package when it was installed, beside it in a checkout."""
    installed = Path(str(files("mrl_demo"))) / "assets"
    return installed if installed.is_dir() else CODE_ROOT / "assets"


#: Names of this machine that no other one can reach it by.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
#: A Space is small, and everybody's.
_ON_A_SPACE: dict[str, object] = {
    "training_enabled": False,
    "proxies": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16",  # A Space is reached through its host's proxy alone.
    "host": "0.0.0.0",  # noqa: S104 - a Space is reached from outside
    "task_minutes": 30,
    "upload_documents": 5_000,
    "upload_vectors_mb": 50,
    "upload_minutes": 60,
    "embed_seconds": 900,
}
_MAY_BE_ZERO = {"MRL_SEED"}


@dataclass(frozen=True)
class Settings:
    """Paths, limits, threads, device and seed; environment names are `MRL_` plus the field in capitals.

    >>> Settings.from_environment({"MRL_PORT": "8000"}).port
    8000
    >>> Settings.from_environment({"MRL_PORT": "http"})
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: MRL_PORT='http' is not a whole number.
    """

    cache_dir: Path = Path(platformdirs.user_cache_dir("matryoshka-lab", appauthor=False))
    assets_dir: Path = field(default_factory=find_assets)
    max_query_chars: int = 2_000
    max_documents: int = 100_000
    top_k: int = 5
    query_threads: int = 1
    bulk_threads: int = 2
    device: str = "auto"
    devices: str = ""
    cached_corpora: int = 4
    seed: int = 20250101
    host: str = "127.0.0.1"
    port: int = 7860
    root_path: str = ""
    hosts: str = ""
    proxies: str = ""
    share: bool = False
    training_enabled: bool = True
    broad_pairs: str = ""
    api_requests_a_minute: int = 300
    password: str = field(default="", repr=False)
    index: str = field(default="", repr=False)
    api_per_minute: int = 60
    task_minutes: int = 240
    uploads_enabled: bool = True
    upload_documents: int = 20_000
    upload_mb: int = 50
    upload_disk_mb: int = 2_000
    upload_chars: int = 20_000
    upload_vectors_mb: int = 100
    embed_seconds: int = 3_600
    upload_minutes: int = 120
    uploads_kept: int = 20
    chat_url: str = ""
    chat_model: str = ""
    chat_key_env: str = ""
    hub_data: str = ""
    own_models: str = ""
    own_models_kept: int = 4

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read `MRL_*` variables over the defaults; raises `LabError` naming the variable and the value."""
        environ = os.environ if environ is None else environ
        changes: dict[str, object] = {}
        for name, default in cls().__dict__.items():
            raw = environ.get(f"MRL_{name.upper()}")
            if raw is not None:
                changes[name] = _parse(f"MRL_{name.upper()}", raw, default)
        if "SPACE_ID" in environ:  # A Space is reached from outside, and its owner decides whether visitors may train.
            changes = _ON_A_SPACE | changes
        settings = replace(cls(), **changes)  # type: ignore[arg-type]
        check_device_name(settings.device)
        parse_devices(settings.devices)
        return settings

    @property
    def is_public(self) -> bool:
        """Whether others than the person at this machine can reach the page."""
        return self.share or bool(self.root_path or self.hosts) or self.host not in LOOPBACK_NAMES

    def allows_hub_data(self, repository: str = "") -> bool:
        """Whether visitors may bring that data set of the Hub, or any at all: on a public page the listed ones alone.

        >>> Settings(host="0.0.0.0", hub_data="mteb/scifact").allows_hub_data("nobody/nothing")
        False
        """
        listed = _listed(self.hub_data)
        if not self.is_public or "*" in listed:
            return True
        return repository in listed if repository else bool(listed)

    def allows_own_model(self, model: str = "") -> bool:
        """Whether visitors may load that model, or any at all: on a public page those of the Hub that are listed.

        >>> Settings(host="0.0.0.0", own_models="BAAI/bge-base-en-v1.5").allows_own_model("/etc")
        False
        """
        if not self.is_public:
            return True
        listed = _listed(self.own_models)
        return model.partition("@")[0] in listed if model else bool(listed)


def _listed(names: str) -> set[str]:
    return {name.strip() for name in names.split(",")} - {""}


def _parse(variable: str, raw: str, default: object) -> object:
    if isinstance(default, bool):
        if raw.lower() in {"1", "true", "yes", "on"}:
            return True
        if raw.lower() in {"0", "false", "no", "off"}:
            return False
        raise LabError(f"{variable}={raw!r} is not a switch: use 1 or 0.")
    if isinstance(default, int):
        try:
            value = int(raw)
        except ValueError:
            raise LabError(f"{variable}={raw!r} is not a whole number.") from None
        least = 0 if variable in _MAY_BE_ZERO else 1
        if value < least:
            raise LabError(f"{variable}={raw!r} is too small: use {least} or more.")
        return value
    if isinstance(default, Path):
        if not raw.strip():
            raise LabError(f"{variable} is empty: name a folder, or leave it unset.")
        return Path(raw).expanduser()
    return raw
