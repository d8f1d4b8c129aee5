"""The merged model's folder: whole or absent, built once however many want it, elsewhere if the disk is full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from safetensors import SafetensorError

from mrl_demo.core.config import CODE_ROOT
from mrl_demo.core.errors import CacheError
from mrl_demo.models.files.seal import is_whole, seal_folder
from mrl_demo.models.shipped import adapters
from mrl_demo.models.shipped.adapters import build_whole, merged_model_dir

ADAPTER = CODE_ROOT / "assets" / "adapters" / "tuned-plain"


def fill(folder: Path) -> None:
    (folder / "sub").mkdir(parents=True)
    (folder / "weights").write_bytes(b"weights")
    (folder / "sub" / "modules.json").write_text("[]", encoding="utf-8")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return build_whole(tmp_path / "models" / "mine", fill)


def test_what_is_built_is_whole_and_nothing_is_left_beside_it(built: Path) -> None:
    assert is_whole(built)
    assert sorted(path.name for path in built.parent.iterdir()) == [".mine.lock", "mine"]


@pytest.mark.parametrize("name", ["weights", "sub/modules.json", "complete.json", "new.txt"])
@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_any_damage_breaks_the_seal_and_is_built_again(built: Path, name: str, damage: str) -> None:
    if damage == "gone":
        (built / name).unlink(missing_ok=True)
    else:
        (built / name).write_text("{}", encoding="utf-8")
    is_damaged = (damage, name) != ("gone", "new.txt")
    assert is_whole(built) != is_damaged
    assert build_whole(built, fill) == built
    assert is_whole(built) and not (built / "new.txt").exists()


def test_a_whole_folder_is_never_built_again(built: Path) -> None:
    def never(_: Path) -> NoReturn:
        raise AssertionError("built twice")

    assert build_whole(built, never) == built


def test_what_a_crash_left_behind_goes_with_the_next_build(tmp_path: Path) -> None:
    (tmp_path / ".mine.work" / "model").mkdir(parents=True)
    assert is_whole(build_whole(tmp_path / "mine", fill))
    assert not (tmp_path / ".mine.work").exists()


RACER = """
import sys, time
from pathlib import Path
from mrl_demo.models.shipped.adapters import build_whole
target, log = Path(sys.argv[1]), Path(sys.argv[2])
def build(folder):
    with log.open("a") as handle:
        handle.write("built\\n")
    folder.mkdir()
    time.sleep(0.3)
    (folder / "weights").write_bytes(b"w" * 100_000)
folder = build_whole(target, build)
for _ in range(50):  # As long as somebody loads it, every file must be there.
    assert len((folder / "weights").read_bytes()) == 100_000
    time.sleep(0.01)
"""


def test_three_processes_at_once_build_it_once_and_each_can_read_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACER, str(tmp_path / "models" / "mine"), str(tmp_path / "log")]
    racers = [subprocess.Popen(command, cwd=CODE_ROOT, stderr=subprocess.PIPE) for _ in range(3)]
    for racer in racers:
        _, errors = racer.communicate(timeout=120)
        assert racer.returncode == 0, errors.decode()
    assert (tmp_path / "log").read_text(encoding="utf-8") == "built\n"


def full_disk(*_: object) -> NoReturn:
    raise SafetensorError("I/O error: No space left on device (os error 28)")


def test_a_full_disk_is_named_with_the_fix_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match=r"mine: I/O error: No space left.*Free some space"):
        build_whole(tmp_path / "mine", full_disk)
    assert [path.name for path in tmp_path.iterdir()] == [".mine.lock"]


def test_where_the_cache_is_full_or_unwritable_a_temporary_folder_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Built once a process, and nowhere else."""
    calls: list[Path] = []

    def build(model: object, folder: Path, dims: tuple[int, ...]) -> None:
        calls.append(folder)
        if tmp_path in folder.parents:
            full_disk(model, dims)
        fill(folder)

    monkeypatch.setattr(adapters, "save_standard_folder", build)
    monkeypatch.setattr(adapters, "load_sentence_transformer", lambda *_: None)
    monkeypatch.setattr(adapters, "merge_adapter", lambda *_: None)
    folder = merged_model_dir(ADAPTER, tmp_path / "cache")
    assert tmp_path not in folder.parents and is_whole(folder)
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    assert merged_model_dir(ADAPTER, tmp_path / "file") == folder
    assert [tmp_path in path.parents for path in calls] == [True, False]


LEAVER = """
import sys
from pathlib import Path
from mrl_demo.models.shipped import adapters
folder = adapters.build_whole(adapters._temporary_folder() / "mine", lambda folder: folder.mkdir() or (folder / "w").write_bytes(b"w"))
print(folder)
"""  # noqa: E501


def test_the_temporary_folder_goes_with_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", LEAVER], cwd=CODE_ROOT, capture_output=True, text=True, check=True)
    folder = Path(done.stdout.strip())
    assert "matryoshka-model-" in str(folder) and not folder.parent.exists()


def test_an_empty_folder_is_not_whole(tmp_path: Path) -> None:
    assert not is_whole(tmp_path) and not is_whole(tmp_path / "absent")
    seal_folder(tmp_path)
    assert not is_whole(tmp_path)
