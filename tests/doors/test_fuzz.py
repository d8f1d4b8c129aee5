"""Whatever a stranger sends to any event: words, never the inside of the server, and no file where none belongs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.app import build_app, launch
from tests.conftest import FRUIT, HashingEncoder
from tests.doors.fuzzing import Fuzzer
from tests.ui.conftest import free_port
from tests.ui.samples import StubLab

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
_CALLS = 120
HOSTILE = "Pears </script><script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("doors")
    rows = [json.dumps({"_id": key, "title": title, "text": text}) for key, title, text in FRUIT]
    hostile = {"_id": "</script><script>alert(1)</script>", "title": HOSTILE, "text": f"Pears {HOSTILE}"}
    own = folder / "fruit<img src=x onerror=alert(1)>.jsonl"
    own.write_text("\n".join([json.dumps(hostile), *rows]) + "\n")
    settings = Settings(cache_dir=folder / "cache", port=free_port(), training_enabled=False, api_per_minute=100_000)
    lab = Lab(settings)
    lab.encoders.add("tiny", HashingEncoder())
    blocks = build_app(lab, lab.add_corpus(own))
    yield launch(blocks, settings)
    blocks.close()


def files_here() -> set[Path]:
    skipped = {".git", ".pytest_cache", "__pycache__", ".hypothesis", ".mypy_cache", ".ruff_cache", ".venv"}
    return {path for path in CODE_ROOT.rglob("*") if path.is_file() and not skipped & set(path.parts)}


def test_odd_calls_of_every_event_end_in_words_and_leave_no_file(page: str, capfd: pytest.CaptureFixture[str]) -> None:
    before = files_here()
    tally = Fuzzer(page, seed=1, patience=0.5).run(_CALLS)
    assert tally.faults == []
    assert "Traceback" not in capfd.readouterr().err
    assert tally.endings["refused"] > 0
    assert sum(tally.endings.values()) == _CALLS
    assert files_here() == before


@pytest.mark.parametrize(
    "path",
    [
        "file=/etc/passwd",
        "file=../../../../etc/passwd",
        "file=%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "file/etc/passwd",
        "gradio_api/file=/etc/passwd",
        "gradio_api/file=requirements.txt",
        "gradio_api/file=C:/windows/win.ini",
        "static/../../../../etc/passwd",
        "assets/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "theme.css/../../etc/passwd",
        "proxy=http://127.0.0.1:1/",
        "gradio_api/proxy=http://169.254.169.254/latest/meta-data/",
        "gradio_api/proxy=file:///etc/passwd",
        "gradio_api/stream/x/1/..%2f..%2fetc%2fpasswd/playlist.m3u8",
        "gradio_api/deep_link?session_hash=x",
        "gradio_api/vibe-code",
        "gradio_api/dev/reload",
        "gradio_api/runs",
        "monitoring/summary",
        "monitoring",
    ],
)
def test_no_address_leads_to_a_file_or_another_server(page: str, path: str) -> None:
    answer = httpx.get(page + path)
    assert answer.status_code in {400, 403, 404, 405, 422}
    assert "root:" not in answer.text


@pytest.mark.parametrize("path", ["queue/data?session_hash=nobody", "queue/data", "call/search/nobody"])
def test_a_stream_for_which_no_event_waits_is_refused_in_one_line(
    page: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = httpx.get(f"{page}gradio_api/{path}")
    assert answer.status_code == 404
    assert answer.text.startswith("Nothing waits for this session")
    assert [record.levelname for record in caplog.records if record.name.startswith("mrl_demo")] == ["WARNING"]
    assert "Traceback" not in caplog.text


def test_training_that_is_off_has_no_event_to_call(page: str) -> None:
    config = httpx.get(f"{page}config").json()
    here = {event["api_name"] for event in config["dependencies"]}
    with_training = {event.api_name for event in build_app(StubLab()).fns.values()}
    gone = sorted(str(name) for name in with_training - here)
    assert gone
    for name in gone:
        answer = httpx.post(f"{page}gradio_api/run/{name}", json={"data": [], "session_hash": "stranger"})
        assert answer.status_code >= 400
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("address", ["", "?q=%3C/script%3E%3Cscript%3Ealert(1)%3C/script%3E&corpus=%3Cimg%3E"])
def test_names_titles_and_addresses_stay_text_in_the_page(page: str, address: str) -> None:
    text = httpx.get(page + address).text
    assert "Pears" in text
    for live in ("<script>alert(1)", "<img src=x onerror", "<svg onload"):
        assert live not in text


def test_a_million_repeats_of_one_choice_cost_no_more_than_one(page: str) -> None:
    config = httpx.get(f"{page}config").json()
    (box,) = [part["id"] for part in config["components"] if part["props"].get("elem_id") == "curves-arms"]
    values = {part["id"]: part["props"].get("value") for part in config["components"]}
    event = next(e for e in config["dependencies"] if box in e["inputs"] and not e["queue"] and e["backend_fn"])
    data = [["tiny"] * 10**6 if part == box else values.get(part) for part in event["inputs"]]
    started = time.monotonic()
    post = {"fn_index": event["id"], "session_hash": "s", "data": data}
    answer = httpx.post(f"{page}gradio_api/run/{event['api_name']}", json=post, timeout=30)
    assert answer.status_code in {200, 500}
    assert time.monotonic() - started < 10


def test_a_second_visitor_sees_nothing_of_the_first(page: str) -> None:
    config = httpx.get(f"{page}config").json()
    ids = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
    values = {part["id"]: part["props"].get("value") for part in config["components"]}
    secret = "a question that the first visitor asked"  # noqa: S105

    def send(visitor: str, event: dict[str, Any], **changed: object) -> str:
        sent = {**values, **{ids[name]: value for name, value in changed.items()}}
        post = {"fn_index": event["id"], "session_hash": visitor, "data": [sent.get(part) for part in event["inputs"]]}
        return httpx.post(f"{page}gradio_api/run/{event['api_name']}", json=post, timeout=30).raise_for_status().text

    events = [event for event in config["dependencies"] if event["backend_fn"]]
    search = next(event for event in events if [ids["search"], "click"] in event["targets"])
    slide = next(event for event in events if event["api_name"] == "slide")
    assert secret in send("first", search, query=secret)
    assert secret in send("first", slide)
    assert secret not in send("second", slide)
