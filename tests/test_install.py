"""The wheel, installed into an environment of its own and used from another folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from mrl_demo import __version__
from mrl_demo.core.config import CODE_ROOT


def run(command: Sequence[str | Path], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False, timeout=200,
        env={**os.environ, "PYTHONPATH": "", **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    path = os.pathsep.join(word for word in sys.path if word)
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], CODE_ROOT, PYTHONPATH=path)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the commands of an environment that holds the wheel, and finds its dependencies in the running one."""
    home = tmp_path_factory.mktemp("environment")
    run([sys.executable, "-m", "venv", home], home)
    commands = home / "bin"
    run([commands / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], home)
    packages = run([commands / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], home).stdout
    dependencies = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(packages.strip()) / "dependencies.pth").write_text("\n".join(dependencies), encoding="utf-8")
    return commands


def test_the_wheel_holds_everything_that_git_has_of_packages_and_assets(wheel: Path) -> None:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "mrl_demo", "training", "assets"]
    names = run(listing, CODE_ROOT).stdout.splitlines()
    wanted = {x for x in names if not x.startswith("assets/screenshots/") and (CODE_ROOT / x).is_file()}
    with zipfile.ZipFile(wheel) as archive:
        found = {name.removeprefix("mrl_demo/") if "/assets/" in name else name for name in archive.namelist()}
    assert {name for name in found if ".dist-info/" not in name} == wanted
    assert f"matryoshka_lab-{__version__}.dist-info/licenses/LICENSE" in found


@pytest.mark.real_model
def test_the_installed_command_searches_from_another_folder_without_a_network(installed: Path, tmp_path: Path) -> None:
    offline = {"HF_HUB_OFFLINE": "1", "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    command = [installed / "mrl", "search", "why is the sky blue", "--arm", "tuned", "--dim", "64", "--top-k", "1"]
    done = run([*command, "--cache-dir", tmp_path / "cache"], tmp_path, **offline)
    assert "Why the daytime sky is blue" in done.stdout
    assert "Warning" not in done.stderr


def test_both_commands_say_their_version(installed: Path, tmp_path: Path) -> None:
    assert __version__ in run([installed / "mrl", "--version"], tmp_path).stdout
    assert __version__ in run([installed / "matryoshka-lab", "--version"], tmp_path).stdout
