from __future__ import annotations

import base64
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError
from mrl_demo.evaluation.sweeps.results import DifferenceRow, SweepArm, SweepResult, SweepRow
from training.cli import main
from training.config import TrainConfig
from training.errors import RunError
from training.evaluation import store_sweeps
from training.result.card import card_text, read_sections
from training.result.measure import BeforeAfter, CardSection
from training.result.publish import publish


def _metrics(finished: Path) -> dict[str, Any]:
    return json.loads((finished / "metrics.json").read_text(encoding="utf-8"))


def test_the_card_says_what_was_measured(finished: Path) -> None:
    text = (finished / "README.md").read_text(encoding="utf-8")
    metrics = _metrics(finished)
    for row in metrics["test"]:
        assert f"| {row['metric']} | {row['dim']} | {row['before']:.3f} | {row['after']:.3f} |" in text
    assert f"{metrics['n_queries']:,} queries" in text
    assert "95%" in text and "matryoshka" in text and "normalise again" in text and "licence" in text


def test_the_control_is_called_one(finished: Path) -> None:
    text = card_text(TrainConfig("plain").changed(matryoshka=False, rotation=False), _metrics(finished), [])
    assert "without MatryoshkaLoss" in text
    assert "- matryoshka\n" not in text


def test_figures_measured_later_are_added(finished: Path) -> None:
    rows = [row for row in _metrics(finished)["test"] if row["metric"] == "ndcg@10"]
    figures = tuple(BeforeAfter(**row) for row in rows)
    section = CardSection("medicine: against base", "2,000 queries.", ("base", "tiny"), figures)
    text = card_text(TrainConfig("tiny"), _metrics(finished), [section])
    assert "## medicine: against base\n\n2,000 queries." in text


def test_the_card_shows_stored_sweeps_as_page_and_command_line_have_them(finished: Path, tmp_path: Path) -> None:
    rows = tuple(SweepRow(arm, 8, "float32", "ndcg@10", value, 0, 1, 30) for arm, value in (("base", 0.2), ("me", 0.5)))
    gain = DifferenceRow("me", 8, "float32", "ndcg@10", "base", 0.3, 0.2, 0.4, 0.001, 0.001, "better")
    arms = tuple(SweepArm(name, name, 8) for name in ("base", "me"))
    sweep = SweepResult("medicine", "A machine", "2026-11-21", 1.0, 30, 90, arms, rows, differences=(gain,))
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    store_sweeps(folder, "me", [sweep], 128)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "## medicine: against base" in card and "cut at 128 tokens" in card
    assert "| ndcg@10 | 8 | 0.200 | 0.500 | +0.300 (+0.200 to +0.400) |" in card
    stored = folder / "evaluation.json"
    assert SweepResult.from_json(json.dumps(json.loads(stored.read_text(encoding="utf-8"))["sweeps"][0])) == sweep
    stored.write_text('{"sweeps": [{}]}', encoding="utf-8")
    with pytest.raises(RunError, match=r"holds no sweeps.*evaluate --write"):
        read_sections(stored)


def test_the_tables_that_ship_are_read() -> None:
    for path in Settings().assets_dir.glob("adapters/*/evaluation.json"):
        sections = read_sections(path)
        assert sections and all(section.rows for section in sections)


def test_the_card_can_be_written_again(finished: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = (finished / "README.md").read_text(encoding="utf-8")
    assert main(["card", str(finished)]) == 0
    assert (finished / "README.md").read_text(encoding="utf-8") == before
    assert main(["card", str(tmp_path)]) == 2
    assert "no finished run" in capsys.readouterr().err


def test_publish_is_a_dry_run_unless_told(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", str(finished), "--repo", "someone/tiny"]) == 0
    out = capsys.readouterr().out
    assert "Dry run" in out and "adapter_model.safetensors" in out and "README.md" in out


def test_an_unfinished_run_is_not_published(tmp_path: Path) -> None:
    (tmp_path / "adapter_model.safetensors").touch()
    with pytest.raises(RunError, match="no finished run"):
        publish(tmp_path, "someone/tiny")


def test_a_saved_truncate_dim_is_refused(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]", encoding="utf-8")
    (tmp_path / "README.md").touch()
    (tmp_path / "config_sentence_transformers.json").write_text('{"truncate_dim": 64}', encoding="utf-8")
    with pytest.raises(RunError, match="truncate_dim"):
        publish(tmp_path, "someone/tiny")


class _Hub(BaseHTTPRequestHandler):
    """As much of the Hub's HTTP interface as an upload of small files needs."""

    files: dict[str, bytes]
    refuses: bool

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.split("?")[0]
        if self.refuses:
            self._reply(403, {"error": "no"})
        elif path.endswith("/repos/create"):
            name = json.loads(body)["name"]
            self._reply(200, {"url": f"http://{self.headers['Host']}/someone/{name}", "name": f"someone/{name}"})
        elif "/preupload/" in path:
            wanted = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in json.loads(body)["files"]
            ]
            self._reply(200, {"files": wanted})
        elif "/commit/" in path:
            for line in body.decode().splitlines():
                item = json.loads(line)
                if item["key"] == "file":
                    self.files[item["value"]["path"]] = base64.b64decode(item["value"]["content"])
            base = f"http://{self.headers['Host']}/someone/tiny"
            self._reply(200, {"success": True, "commitOid": "0" * 40, "commitUrl": f"{base}/commit/{'0' * 40}"})
        else:
            self._reply(200, {"errors": [], "warnings": []})

    def do_GET(self) -> None:
        self._reply(200, {"id": "someone/tiny", "sha": "0" * 40, "siblings": []})

    def _reply(self, status: int, value: dict[str, Any]) -> None:
        raw = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Hub]]:
    handler = type("Hub", (_Hub,), {"files": {}, "refuses": False})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_TOKEN", "hf_local")
    yield handler
    server.shutdown()
    server.server_close()


def test_publish_uploads_every_file(finished: Path, hub: type[_Hub]) -> None:
    names = publish(finished, "someone/tiny", dry_run=False)
    assert set(hub.files) == set(names)
    for name in names:
        assert hub.files[name] == (finished / name).read_bytes()


def test_a_hub_that_refuses_is_named(finished: Path, hub: type[_Hub]) -> None:
    hub.refuses = True
    with pytest.raises(ModelError, match=r"127\.0\.0\.1.*did not take 'someone/tiny'"):
        publish(finished, "someone/tiny", dry_run=False)
