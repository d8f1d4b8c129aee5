"""Write docs/licences.md: every package that `requirements.txt` brings, directly or not, and its licence.

python dev/licences.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
#: What asks more of who passes a work on than its name and text: none of it may come in unseen.
COPYLEFT = re.compile(r"\b(?:A?GPL|SSPL|EUPL|CC-BY-NC)|Affero|GNU General Public", re.IGNORECASE)
_WORDS = """# What is installed, and under which licence

Written by `dev/licences.py` from the packages' own metadata. Versions are those of requirements.txt, which names none
of what its packages bring along. `make audit` looks all of them up in the list of known holes. A torch for NVIDIA's
processors brings NVIDIA's own packages too, which are not listed here and not free software.

| package | version | licence |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class InstalledPackage:
    """A package of the environment; `version` is empty if nothing of ours pins it."""

    name: str
    version: str
    licence: str

    def row(self) -> str:
        """Its row in the table."""
        return f"| {self.name} | {self.version or 'any'} | {self.licence} |"


def pinned() -> dict[str, str]:
    """Names and versions in requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def installed_packages() -> list[InstalledPackage]:
    """What requirements.txt brings on this machine, by name."""
    pins = {canonicalize_name(name): version for name, version in pinned().items()}
    packages: dict[str, InstalledPackage] = {}
    waiting = [Requirement(name) for name in pinned()]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        try:
            here = distribution(name)
        except PackageNotFoundError:  # For another system.
            continue
        extras = "".join(sorted(wanted.extras))
        if f"{name}[{extras}]" in packages:
            continue
        packages[f"{name}[{extras}]"] = InstalledPackage(here.metadata["Name"], pins.get(name, ""), name_licence(here))
        waiting += _needs(here, wanted.extras)
    return sorted(set(packages.values()), key=lambda package: package.name.lower())


def name_licence(package: Distribution) -> str:
    """The licence as its metadata name it, in a few words."""
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    named = [line.split(" :: ")[-1] for line in metadata.get_all("Classifier") or [] if line.startswith("License ::")]
    if named:
        return ", ".join(named)
    first = (metadata.get("License") or "").strip().splitlines()
    return first[0][:80] if first else "not named"


def _needs(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for text in package.requires or ():
        needed = Requirement(text)
        environments = [{"extra": extra} for extra in ("", *extras)]
        if needed.marker is None or any(needed.marker.evaluate(each) for each in environments):
            yield needed


def main() -> None:
    """Write the page."""
    rows = (package.row() for package in installed_packages())
    PAGE.write_text(_WORDS + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
