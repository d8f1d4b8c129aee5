from __future__ import annotations

import json
from pathlib import Path

import pytest

from mrl_demo import cli
from mrl_demo.commands.rehearsal import rehearse
from mrl_demo.commands.space import MOST_FILE_BYTES, SPACE_PARTS, assemble_space, check_space
from mrl_demo.core.config import CODE_ROOT

#: Answers as the page does, without its libraries.
TOY_PAGE = """
import http.server, json
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        hit = json.dumps([{"arms": [{"hits": [{"title": "Toys"}]}]}])
        self.say("ok\\n" if self.path == "/healthz" else f"event: complete\\ndata: {hit}\\n\\n")
    def do_POST(self):
        self.say(json.dumps({"event_id": "e"}))
    def say(self, text):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *words):
        pass
http.server.HTTPServer(("127.0.0.1", 7860), Page).serve_forever()
"""
README = (
    "---\ntitle: T\nemoji: E\ncolorFrom: red\ncolorTo: red\nsdk: gradio\nsdk_version: 6.0.0\n"
    'python_version: "3.11"\napp_file: app.py\nlicense: mit\n---\n'
)


@pytest.fixture
def space(tmp_path: Path) -> Path:
    folder = tmp_path / "space"
    folder.mkdir()
    (folder / "README.md").write_text(README)
    (folder / "requirements.txt").write_text("gradio==6.0.0  # the page\n")
    (folder / "app.py").write_text(TOY_PAGE)
    return folder


def test_what_this_repository_would_put_on_a_space_is_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert cli.main(["space", "--dry-run", "--no-start", "--json", "--out", str(out)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["problems"] == []
    assert {path.name for path in out.iterdir()} == set(SPACE_PARTS)
    assert not list(out.rglob("__pycache__"))


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("requirements.txt", "gradio==6.0.0\nnumpy>=2\n", "does not pin 'numpy>=2'"),
        ("requirements.txt", "gradio==6.1.0\n", "sdk_version 6.0.0, requirements.txt gradio 6.1.0"),
        ("README.md", "# No front matter\n", "says nothing of title"),
        ("README.md", README.replace("app.py", "main.py"), "'main.py' as app_file"),
        ("README.md", README.replace("title: T", "title: T\nshort_description: " + "x" * 61), "short_description"),
        ("big.bin", "x" * (MOST_FILE_BYTES + 1), "big.bin has 10.0 MB"),
    ],
)
def test_what_a_space_would_refuse_is_named(name: str, text: str, problem: str, space: Path) -> None:
    assert check_space(space).is_right
    (space / name).write_text(text)
    assert problem in " ".join(check_space(space).problems)


def test_links_are_named_and_a_package_is_not_assembled(space: Path, tmp_path: Path) -> None:
    (space / "link").symlink_to("/etc/passwd")
    assert "link is a link" in " ".join(check_space(space).problems)
    from mrl_demo.core.errors import LabError

    with pytest.raises(LabError, match="from a checkout"):
        assemble_space(tmp_path, tmp_path / "new")


def test_nothing_is_written_over_and_nothing_is_uploaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["space"]) == 2
    assert "--dry-run" in capsys.readouterr().err
    assert cli.main(["space", "--dry-run", "--out", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_a_page_is_started_apart_and_asked_and_one_that_falls_is_told(space: Path) -> None:
    space.parent.chmod(0o755)
    for parent in space.parents:
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(0o755)
    report = rehearse(space)
    assert report["answered"], report
    assert report["first_hit"] == "Toys"
    assert report["isolation"]
    (space / "app.py").write_text("raise SystemExit('no such thing as a page')")
    fallen = rehearse(space)
    assert not fallen["answered"]
    assert "no such thing as a page" in fallen["sentence"]


def test_the_container_starts_what_a_space_starts() -> None:
    recipe = (CODE_ROOT / "Dockerfile").read_text()
    copied = {word for line in recipe.splitlines() if line.startswith("COPY") for word in line.split()[1:-1]}
    assert copied == set(SPACE_PARTS)
    assert "USER lab" in recipe
    assert "/healthz" in recipe
