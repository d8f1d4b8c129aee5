"""No library warns about our use of it: deprecations are errors in a page that starts and a run that trains."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mrl_demo.core.config import CODE_ROOT
from tests.training.tiny import make_tiny_model, rows, write_jsonl

STRICT = [sys.executable, "-W", "error::DeprecationWarning", "-W", "error::FutureWarning"]


def strict_environment(cache: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CODE_ROOT), "MRL_CACHE_DIR": str(cache), "OMP_NUM_THREADS": "1"}


@pytest.mark.real_model
def test_the_page_starts_without_a_warning(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    page = subprocess.Popen(
        [*STRICT, "app.py", f"--port={port}"], cwd=CODE_ROOT, env=strict_environment(tmp_path), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert page.stdout is not None
        line = page.stdout.readline()
        assert str(port) in line
    finally:
        page.terminate()
        _, errors = page.communicate(timeout=60)
    assert "Warning" not in errors


def test_a_run_of_two_steps_trains_without_a_warning(tmp_path: Path) -> None:
    base, data = make_tiny_model(tmp_path / "base"), write_jsonl(tmp_path / "pairs.jsonl", rows())
    arguments = [f"--base={base}", f"--data={data}", "--dims=4,8,16", "--steps=2", "--batch-size=8", "--quiet"]
    done = subprocess.run(
        [*STRICT, "-m", "training", "train", *arguments, f"--out={tmp_path / 'out'}"], cwd=CODE_ROOT,
        env=strict_environment(tmp_path / "cache"), capture_output=True, text=True, check=False, timeout=220,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
