"""Models of the Hugging Face Hub: downloaded once at a revision, safetensors only; HF_ENDPOINT is respected."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mrl_demo.core.errors import ModelError, ServiceError

_FILES = ("*.json", "*.txt", "*.safetensors", "*.model")
_TIMEOUT_SECONDS = 10.0
_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
_REVISION = re.compile(r"[\w./-]*")


def hub_name(given: str) -> tuple[str, str]:
    """Id and revision ("" for the newest) of `OWNER/NAME[@REVISION]`; raises `ModelError` for anything else."""
    model_id, _, revision = given.partition("@")
    if not _ID.fullmatch(model_id) or not _REVISION.fullmatch(revision) or ".." in given:
        raise ModelError(f"{given!r} is no name of a model on the Hub: write OWNER/NAME or OWNER/NAME@REVISION.")
    return model_id, revision


def hub_folder(model_id: str, revision: str = "") -> Path:
    """Folder of a Hub model's files, downloaded on first use; its name is the commit it came from.

    Raises `ModelError` if the Hub does not give it, or if it has no weights that can be read safely.
    """
    try:
        folder = _downloaded(model_id, revision or None)
    except Exception as error:  # Names, networks, disks and servers fail in a dozen ways; all of them are told alike.
        where = os.environ.get("HF_ENDPOINT") or "the Hugging Face Hub"
        raise ServiceError(
            f"{model_id!r} is no folder here, and {where} did not give it ({type(error).__name__}: {error}). "
            "Check the name and the connection, or stay with the packaged base model (minilm), which needs none."
        ) from error
    if not any(folder.rglob("*.safetensors")):
        raise ModelError(f"{model_id!r} has no .safetensors weights, and pickled ones are not read: choose another.")
    return folder


def _downloaded(model_id: str, revision: str | None) -> Path:
    """The model's files from the Hub, or those of an earlier download if the Hub does not answer."""
    from huggingface_hub import HfApi, snapshot_download

    endpoint = os.environ.get("HF_ENDPOINT") or None
    options: dict[str, Any] = {"revision": revision, "endpoint": endpoint, "allow_patterns": list(_FILES)}
    try:  # One question first: a download asks six times over half a minute before it says that nobody is there.
        HfApi(endpoint=endpoint).model_info(model_id, revision=revision, timeout=_TIMEOUT_SECONDS)
    except Exception as error:
        try:
            return Path(snapshot_download(model_id, local_files_only=True, **options))
        except Exception:  # The first answer says what is wrong; this one only that nothing is here.
            raise error from None
    return Path(snapshot_download(model_id, **options))
