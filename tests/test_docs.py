"""The documentation says what is so: links that lead somewhere, figures of the result files, a snippet that runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest

from mrl_demo.core.config import CODE_ROOT

PAGES = [CODE_ROOT / "README.md", CODE_ROOT / "CONTRIBUTING.md", *sorted((CODE_ROOT / "docs").glob("*.md"))]
README = (CODE_ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page: object) -> None:
    path = CODE_ROOT / str(page)
    targets = re.findall(r"\]\(((?!http)[^)#]+)\)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("script", ["dev/figures.py", "dev/model_docs.py"])
def test_pages_made_by_scripts_are_what_the_scripts_make(script: str) -> None:
    command = [sys.executable, script, "--check"]
    done = subprocess.run(command, cwd=CODE_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len(README.splitlines()) <= 95


@pytest.mark.real_model
def test_the_readme_s_python_prints_what_it_says(tmp_path: object) -> None:
    code, output = re.search(r"```python\n(.*?)```\s*```text\n(.*?)```", README, re.DOTALL).groups()  # type: ignore[union-attr]
    environment = {**os.environ, "PYTHONPATH": str(CODE_ROOT), "MRL_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CODE_ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == output, done.stderr


def readme_commands() -> list[tuple[str, str]]:
    """Commands of the README's console block that show output, and what they show."""
    block = re.search(r"```console\n(.*?)```", README, re.DOTALL)
    assert block
    parts = re.split(r"^\$ ", block[1], flags=re.MULTILINE)[1:]
    pairs = [part.partition("\n") for part in parts]
    return [(command, output) for command, _, output in pairs if output.strip()]


@pytest.mark.real_model
@pytest.mark.parametrize(("command", "output"), readme_commands(), ids=lambda text: text.split()[3][:12])
def test_the_readme_s_commands_print_what_it_says(command: str, output: str, tmp_path: object) -> None:
    words = shlex.split(command.replace(".venv/bin/python", sys.executable))
    environment = {**os.environ, "MRL_CACHE_DIR": str(tmp_path), "COLUMNS": "100"}
    done = subprocess.run(words, cwd=CODE_ROOT, env=environment, capture_output=True, text=True, check=False)
    printed = " ".join(done.stdout.split())
    for line in output.strip().splitlines():
        assert " ".join(line.split()) in printed, done.stdout + done.stderr
