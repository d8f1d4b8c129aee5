"""`mrl space`: put together and check exactly what a Hugging Face Space needs, and start it as a Space would."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mrl_demo.commands.options import add_json_option
from mrl_demo.core.command_line import Commands, add_command
from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.core.errors import LabError

#: What the page reads; tests, benchmarks and the log stay at home.
SPACE_PARTS = ("README.md", "LICENSE", "app.py", "requirements.txt", "pyproject.toml", "mrl_demo", "training", "assets")
_NEEDED_FIELDS = (
    "title",
    "emoji",
    "colorFrom",
    "colorTo",
    "sdk",
    "sdk_version",
    "python_version",
    "app_file",
    "license",
)
#: Above this the Hub wants large-file storage, which an upload gives and a plain push does not.
MOST_FILE_BYTES = 10_000_000
#: The free tier's disk has 50 GB; a page that starts quickly is far below.
MOST_SPACE_BYTES = 200_000_000
_LONGEST_DESCRIPTION = 60
_EXAMPLES = """examples:
  %(prog)s --dry-run                     assemble, check and start it in a bare environment; nothing is uploaded
  %(prog)s --dry-run --out my-space      and keep the folder, to be pushed to a Space
"""


@dataclass(frozen=True)
class SpaceFolder:
    """What was put together: how many files of how many bytes, the largest, and what is wrong with them.

    >>> SpaceFolder("space", 1, 10, "app.py", 10, ()).is_right
    True
    """

    folder: str
    n_files: int
    total_bytes: int
    largest: str
    largest_bytes: int
    problems: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def add_space_command(commands: Commands) -> None:
    """Add `space`."""
    parser = add_command(commands, "space", "put together, check and try what a Hugging Face Space needs", _EXAMPLES)
    parser.add_argument("--dry-run", action="store_true", help="needed: this command uploads nothing (docs/deploy.md)")
    parser.add_argument("--out", type=Path, help="folder to keep it in; must not exist (default: a temporary one)")
    parser.add_argument("--no-start", action="store_true", help="check the files only")
    add_json_option(parser)
    parser.set_defaults(handler=_space)


def _space(_settings: Settings, options: argparse.Namespace) -> int:
    if not options.dry_run:
        raise LabError("Nothing is uploaded from here: say --dry-run; docs/deploy.md tells how to upload the folder.")
    if options.out and options.out.exists():
        raise LabError(f"{options.out} is there already: name a folder that is not.")
    with tempfile.TemporaryDirectory(prefix="mrl-space-") as work:
        Path(work).chmod(0o755)  # The page is started as another user.
        out = options.out or Path(work) / "space"
        assemble_space(CODE_ROOT, out)
        checked = check_space(out)
        report: dict[str, Any] = {**asdict(checked), "start": None}
        if checked.is_right and not options.no_start:
            from mrl_demo.commands.rehearsal import rehearse

            report["start"] = rehearse(out)
    started = report["start"]
    _print(report, as_json=options.json)
    return 0 if checked.is_right and (started is None or started["answered"]) else 1


def _print(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
        return
    print(f"{report['n_files']} files, {report['total_bytes'] / 1e6:.1f} MB in {report['folder']}")
    print(f"The largest is {report['largest']} with {report['largest_bytes'] / 1e6:.1f} MB.")
    for problem in report["problems"]:
        print(f"Problem: {problem}")
    started = report["start"]
    if started:
        print(started["sentence"])
        print("Kept apart: " + "; ".join(started["isolation"]))


def assemble_space(source: Path, out: Path) -> None:
    """Copy what a Space needs to the new folder `out`; raises `LabError` if something of it is missing."""
    missing = [name for name in SPACE_PARTS if not (source / name).exists()]
    if missing:
        raise LabError(f"{source} has no {', '.join(missing)}: a Space is put together from a checkout, no package.")
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".DS_Store")
    out.mkdir(parents=True)
    for name in SPACE_PARTS:
        part = source / name
        if part.is_dir():
            shutil.copytree(part, out / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy2(part, out / name)


def check_space(folder: Path) -> SpaceFolder:
    """Look through an assembled folder: front matter, pins, sizes, links."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    sizes = {path: path.lstat().st_size for path in files}
    largest = max(sizes, key=lambda path: sizes[path])
    problems = [*_front_matter_problems(folder), *_pin_problems(folder), *_size_problems(folder, sizes)]
    return SpaceFolder(
        str(folder),
        len(files),
        sum(sizes.values()),
        str(largest.relative_to(folder)),
        sizes[largest],
        tuple(problems),
    )


def _size_problems(folder: Path, sizes: dict[Path, int]) -> Iterator[str]:
    for path, size in sizes.items():
        name = path.relative_to(folder)
        if path.is_symlink():
            yield f"{name} is a link: the Hub keeps none."
        if size > MOST_FILE_BYTES:
            yield f"{name} has {size / 1e6:.1f} MB: a plain push takes {MOST_FILE_BYTES / 1e6:.0f} MB a file."
    if sum(sizes.values()) > MOST_SPACE_BYTES:
        yield f"All together is {sum(sizes.values()) / 1e6:.0f} MB: keep it below {MOST_SPACE_BYTES / 1e6:.0f} MB."


def read_front_matter(readme: str) -> dict[str, str]:
    r"""The fields between the first two lines of dashes, plain values only; empty if there are none.

    >>> read_front_matter("---\ntitle: Lab\npython_version: '3.11'\n---\n# Lab")
    {'title': 'Lab', 'python_version': '3.11'}
    """
    match = re.match(r"---\n(.*?)\n---\n", readme, re.DOTALL)
    pairs = (line.partition(":") for line in match[1].splitlines()) if match else ()
    return {key.strip(): value.strip().strip("'\"") for key, _, value in pairs if value.strip()}


def _front_matter_problems(folder: Path) -> Iterator[str]:
    fields = read_front_matter((folder / "README.md").read_text(encoding="utf-8"))
    if missing := [name for name in _NEEDED_FIELDS if name not in fields]:
        yield f"README.md says nothing of {', '.join(missing)} in its front matter."
    if fields.get("sdk") != "gradio":
        yield f"README.md has sdk {fields.get('sdk')!r}: this is a gradio Space."
    pins = _pins(folder)
    if fields.get("sdk_version") != pins.get("gradio"):
        yield f"README.md has sdk_version {fields.get('sdk_version')}, requirements.txt gradio {pins.get('gradio')}."
    if not (folder / fields.get("app_file", "-")).is_file():
        yield f"README.md names {fields.get('app_file')!r} as app_file, which is not there."
    if len(fields.get("short_description", "")) > _LONGEST_DESCRIPTION:
        yield f"short_description is longer than the {_LONGEST_DESCRIPTION} characters that the Hub shows."


def _requirements(folder: Path) -> list[str]:
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def _pins(folder: Path) -> dict[str, str]:
    return {name: version for name, _, version in (line.partition("==") for line in _requirements(folder))}


def _pin_problems(folder: Path) -> Iterator[str]:
    for line in _requirements(folder):
        if not re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.]+(\s*;.*)?", line):
            yield f"requirements.txt does not pin {line!r} to one version."
