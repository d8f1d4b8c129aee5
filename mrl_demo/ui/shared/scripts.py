"""Scripts of `ui/static/`, told the ids and figures that they share with Python."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

from mrl_demo.ui.ids import Id

STATIC = Path(str(files("mrl_demo.ui"))) / "static"
_USED_ID = re.compile(r"\bids\.([A-Z_]+)\b")


def read_script(name: str, **constants: object) -> str:
    """A script of `ui/static/` after its constants: `ids` with those it uses, and whatever else it is given.

    Raises `KeyError` if the script uses an id that the page does not have.
    """
    text = (STATIC / name).read_text(encoding="utf-8")
    ids = {used: Id[used].value for used in sorted(set(_USED_ID.findall(text)))}
    return "".join(f"const {key} = {json.dumps(value)};\n" for key, value in {"ids": ids, **constants}.items()) + text


def read_scripts(*names: str) -> str:
    """Several scripts as one, each in a block of its own: what one declares the others do not see."""
    return "\n".join(f"{{\n{read_script(name)}\n}}" for name in names)
