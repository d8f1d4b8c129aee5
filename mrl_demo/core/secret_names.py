"""Names of what belongs to one visitor: nobody can guess them, and people are shown the part before the mark."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from itertools import count

_MARK = "~"
_LONGEST = 40


def make_secret_name(shown: str, taken: Collection[str] = ()) -> str:
    """A new name that is shown as `shown`, as far as that has letters, digits, dots, hyphens and underscores.

    With a number if that is among `taken`, the names that the same visitor is shown already.

    >>> name = make_secret_name("my vectors")
    >>> shown_name(name), is_secret(name), name == make_secret_name("my vectors")
    ('my-vectors', True, False)
    >>> shown_name(make_secret_name("mine", {"mine", "mine-2"}))
    'mine-3'
    """
    plain = re.sub(r"[^\w.-]+", "-", shown).strip("-")[:_LONGEST] or "mine"
    numbered = (plain if number == 1 else f"{plain}-{number}" for number in count(1))
    free = next(name for name in numbered if name not in taken)
    return f"{free}{_MARK}{secrets.token_hex(16)}"


def is_secret(name: str) -> bool:
    """Whether a name was made by `make_secret_name`."""
    return re.search(rf"{_MARK}[0-9a-f]{{32}}", name) is not None


def shown_name(name: str) -> str:
    """The name without what makes it secret.

    >>> shown_name("base"), shown_name(f"mine~{'0' * 32}+pca")
    ('base', 'mine+pca')
    """
    return re.sub(rf"{_MARK}[0-9a-f]{{32}}", "", name)
