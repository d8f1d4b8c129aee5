"""What the repository promises: a Space that starts, pins that agree, a README that points at what exists."""

from __future__ import annotations

import re

import yaml

from mrl_demo.core.config import CODE_ROOT

README = (CODE_ROOT / "README.md").read_text(encoding="utf-8")


def pins() -> dict[str, str]:
    lines = (CODE_ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def front_matter() -> dict[str, object]:
    return dict(yaml.safe_load(README.split("---")[1]))


def test_every_requirement_is_pinned() -> None:
    lines = [x for x in (CODE_ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if x and x[0] != "#"]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)


def test_the_space_installs_the_gradio_we_pin() -> None:
    matter = front_matter()
    assert matter["sdk"] == "gradio"
    assert matter["sdk_version"] == pins()["gradio"]
    assert (CODE_ROOT / str(matter["app_file"])).is_file()
    assert len(str(matter["short_description"])) <= 60


def test_the_readme_points_at_files_that_exist() -> None:
    targets = re.findall(r"\]\(((?!http)[^)#]+)\)", README)
    assert targets
    assert [target for target in targets if not (CODE_ROOT / target).exists()] == []


def test_adapters_are_small() -> None:
    for folder in (CODE_ROOT / "assets" / "adapters").glob("*"):
        assert sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) <= 10 * 2**20
