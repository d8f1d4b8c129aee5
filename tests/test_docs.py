"""The documentation says what is so: links that lead somewhere, figures of the result files, a snippet that runs."""

from __future__ import annotations

import os
import re
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


def test_figures_are_those_of_the_result_files() -> None:
    command = [sys.executable, "dev/figures.py", "--check"]
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
