from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mrl_demo.api.calls import CALLS
from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.core.errors import LabError
from mrl_demo.ui.app import build_app, launch_options
from mrl_demo.ui.head import TITLE
from mrl_demo.ui.listening import check_port
from mrl_demo.ui.shared.queues import MOST_WAITING
from tests.ui.samples import StubLab


@pytest.fixture(scope="module")
def config() -> dict[str, object]:
    return build_app(StubLab()).get_config_file()


def run_app(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CODE_ROOT / "app.py"), *flags]
    return subprocess.run(command, cwd=CODE_ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_page_is_built_with_its_first_results(config: dict[str, object]) -> None:
    text = str(config)
    assert config["title"] == TITLE
    assert "builtin question 0" in text
    assert 'data-dim="64"' in text


def test_every_event_but_the_named_calls_is_private(config: dict[str, object]) -> None:
    events = config["dependencies"]
    assert isinstance(events, list)
    assert [event["api_name"] for event in events if event["api_visibility"] != "private"] == list(CALLS)


def test_live_controls_neither_wait_in_the_queue_nor_show_a_spinner() -> None:
    events = build_app(StubLab()).fns.values()
    live = [event for event in events if event.trigger_mode == "always_last" and event.concurrency_id != "search"]
    assert live
    assert all(event.queue is False for event in live)
    assert all(event.show_progress == "hidden" for event in live)


def test_searches_wait_neither_for_builds_nor_for_measurements() -> None:
    queues: dict[str, set[str]] = {}
    for event in build_app(StubLab()).fns.values():
        if event.queue and event.api_visibility == "private":
            queues.setdefault(str(event.name), set()).add(str(event.concurrency_id))
    searching = {name for name, kinds in queues.items() if kinds == {"search"}}
    assert {"search", "search_again", "pick", "change_corpus"} <= searching
    assert queues["build"] == queues["run"] == {"follow"}
    assert {queue for kinds in queues.values() for queue in kinds} == {"search", "follow", "training"}


def test_a_full_queue_says_so_instead_of_growing() -> None:
    assert build_app(StubLab())._queue.max_size == MOST_WAITING


def test_the_page_is_served_closed() -> None:
    options = launch_options(Settings())
    assert options["allowed_paths"] == []
    assert options["ssr_mode"] is False
    assert all(Path(path).is_file() for path in options["css_paths"])
    assert Path(options["favicon_path"]).is_file()


def test_the_theme_and_style_sheet_load_nothing() -> None:
    options = launch_options(Settings())
    assert options["theme"]._stylesheets == []
    for file in (CODE_ROOT / "mrl_demo" / "ui" / "static").glob("*.[cj]s*"):
        text = file.read_text(encoding="utf-8")
        assert "http" not in text
        assert "@import" not in text


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=f"port {port}.*--port"):
            check_port("127.0.0.1", port)
        done = run_app("--port", str(port))
    assert done.returncode == 2
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("flags", [("--port", "0"), ("--port", "70000"), ("--host", "256.0.0.1")])
def test_impossible_addresses_end_with_a_message(flags: tuple[str, str]) -> None:
    done = run_app(*flags)
    assert done.returncode == 2
    assert flags[1] in done.stderr
    assert "Traceback" not in done.stderr
