"""The name of a model whose owner gave none: that of the data, never one of the house's own."""

from __future__ import annotations

import re
from pathlib import Path

from mrl_demo.corpora.reading import file_stem

_HUB = "hub:"


def model_name(data: str) -> str:
    """The name that data gives to a model trained on it: the file's or the data set's, in small letters and hyphens.

    >>> model_name("My pairs.jsonl.gz"), model_name("hub:someone/faq:pair:train"), model_name("builtin.csv")
    ('my-pairs', 'faq', 'builtin-pairs')
    """
    name = data.removeprefix(_HUB).split(":")[0].rsplit("/", 1)[-1] if data.startswith(_HUB) else file_stem(Path(data))
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "own"
    return f"{plain}-pairs" if plain in _house_names() else plain


def _house_names() -> frozenset[str]:
    from mrl_demo.arms.catalogue import reserved_names  # Here, because --help need not wait for torch.
    from mrl_demo.corpora.shipped import builtin, python_reference

    return frozenset({builtin.NAME, python_reference.NAME, *reserved_names()})
