"""The running app and a real browser for the journeys; both are started once."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mrl_demo.core.config import CODE_ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM_ARGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
START_SECONDS = 180


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A journey through a real browser gets a second try, which the summary tells: two cores may be busy elsewhere."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium or Chrome; without one the journeys are skipped, in CI they fail."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    reason = "no Chromium or Chrome on PATH (Debian: apt install chromium)"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def serving(log: Path, *flags: str, script: Path = CODE_ROOT / "app.py") -> Iterator[str]:
    """Address of app.py (or another script), running as a process of its own with `flags` until the block ends."""
    port = free_port()
    with log.open("wb") as output:
        command = [sys.executable, str(script), "--port", str(port), *flags]
        process = subprocess.Popen(command, cwd=CODE_ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}/"
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"app.py did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the app that all journeys share."""
    with serving(tmp_path_factory.mktemp("app") / "app.log") as url:
        yield url


@pytest.fixture(scope="session")
def stub_address() -> Iterator[str]:
    """Address of the page over a stand-in lab, pictures of links included: for what is the page's own doing."""
    from mrl_demo.core.config import Settings
    from mrl_demo.ui.app import build_app, launch
    from mrl_demo.ui.share.desk import CardDesk
    from tests.ui.samples import StubLab

    lab = StubLab()
    blocks = build_app(lab)
    yield launch(blocks, replace(Settings(), port=free_port()), CardDesk(lab))
    blocks.close()


@pytest.fixture
def own_app(tmp_path: Path) -> Callable[..., AbstractContextManager[str]]:
    """Starts an app of the test's own, with an empty cache and the flags given."""
    return lambda *flags: serving(tmp_path / "app.log", "--cache-dir", str(tmp_path / "cache"), *flags)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGS))
        yield launched
        launched.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback address
            return True
    except OSError:
        return False
