"""Put a finished run on the Hugging Face Hub: a dry run unless told otherwise."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mrl_demo.core.errors import ModelError
from mrl_demo.models import run_folder
from training.errors import RunError


def files_to_publish(folder: Path) -> list[Path]:
    """The files of a finished run or a saved model; raises `RunError` if it is neither, or caps its readers."""
    if not (folder / run_folder.SEAL).is_file() and not (folder / run_folder.MODULES).is_file():
        raise RunError(f"{folder} is no finished run (no {run_folder.SEAL}) and no model folder: train it first.")
    if not (folder / run_folder.CARD).is_file():
        raise RunError(f"{folder} has no model card: run `python -m training card {folder}` first.")
    for path in folder.rglob("config_sentence_transformers.json"):
        if json.loads(path.read_text(encoding="utf-8")).get("truncate_dim"):
            raise RunError(f"{path} has a truncate_dim, which caps whoever loads it: remove it.")
    return sorted(path for path in folder.rglob("*") if path.is_file())


def publish(folder: Path, repo: str, *, dry_run: bool = True, private: bool = True) -> list[str]:
    """Upload a run to `repo`; with `dry_run` only list what would go. HF_TOKEN and HF_ENDPOINT are respected.

    Raises `RunError` for an unfinished run, `ModelError` if the Hub refuses or does not answer.
    """
    names = [path.relative_to(folder).as_posix() for path in files_to_publish(folder)]
    if dry_run:
        return names
    from huggingface_hub import HfApi

    endpoint = os.environ.get("HF_ENDPOINT")
    api = HfApi(endpoint=endpoint)
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(repo_id=repo, folder_path=folder, commit_message="Publish a trained model")
    except Exception as error:
        raise ModelError(
            f"{endpoint or 'The Hugging Face Hub'} did not take {repo!r} ({type(error).__name__}: {error}). "
            "Check the name, the connection, and that HF_TOKEN may write."
        ) from error
    return names
