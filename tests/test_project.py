"""What the repository promises: a Space that starts, pins that agree, a README that points at what exists."""

from __future__ import annotations

import re

import pytest
import yaml

from dev.licences import COPYLEFT, PAGE, installed_packages
from mrl_demo import __version__
from mrl_demo.core.config import CODE_ROOT

README = (CODE_ROOT / "README.md").read_text(encoding="utf-8")


def pins() -> dict[str, str]:
    lines = (CODE_ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def front_matter() -> dict[str, object]:
    return dict(yaml.safe_load(README.split("---")[1]))


@pytest.mark.parametrize("name", sorted(path.name for path in CODE_ROOT.glob("requirements*.txt")))
def test_every_requirement_is_pinned(name: str) -> None:
    lines = [x for x in (CODE_ROOT / name).read_text(encoding="utf-8").splitlines() if x and x[0] not in "#-"]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+(; .+)?", line)] == []


def test_every_package_has_a_licence_that_asks_for_no_more_than_its_name() -> None:
    packages = installed_packages()
    assert {package.name.lower().replace("_", "-") for package in packages} >= {"gradio", "torch", "starlette"}
    assert [package for package in packages if COPYLEFT.search(package.licence) or not package.licence] == []


def test_the_page_of_licences_lists_what_is_pinned() -> None:
    rows = PAGE.read_text(encoding="utf-8").splitlines()
    missing = [package.row() for package in installed_packages() if package.version and package.row() not in rows]
    assert missing == [], "python dev/licences.py writes them"


def test_the_newest_changes_are_those_of_this_version() -> None:
    headings = re.findall(r"^## (\S+)", (CODE_ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == __version__


def test_workflows_run_the_checks_and_upload_nothing_unless_they_are_told_where() -> None:
    folder = CODE_ROOT / ".github" / "workflows"
    checks = yaml.safe_load((folder / "ci.yml").read_text(encoding="utf-8"))
    assert {"run": ".ci/run"} in checks["jobs"]["run"]["steps"]
    upload = yaml.safe_load((folder / "space.yml").read_text(encoding="utf-8"))["jobs"]["upload"]
    assert upload["if"] == "vars.HF_SPACE != ''"
    assert 'if [ -z "$HF_TOKEN" ]' in upload["steps"][-1]["run"]


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


@pytest.mark.parametrize("name", ["qdrant", "milvus", "pgvector"])
def test_every_engine_has_an_extra_and_a_server_that_listens_on_this_machine_alone(name: str) -> None:
    services = yaml.safe_load((CODE_ROOT / "deploy" / f"{name}.yaml").read_text(encoding="utf-8"))["services"]
    (server,) = services.values()
    assert re.fullmatch(r"[\w/]+:v?\d[\w.-]*", server["image"])
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])
    assert f"up-{name}" in (CODE_ROOT / "Makefile").read_text(encoding="utf-8")
    assert f'{name} = ["requirements-{name}.txt"]' in (CODE_ROOT / "pyproject.toml").read_text(encoding="utf-8")
