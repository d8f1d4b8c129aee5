"""Names of what belongs to one visitor: nobody can guess them, and people are shown what is not secret in them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from itertools import count

#: Begins the name of every private collection.
PRIVATE_PREFIX = "own-"
_MARK = "~"
_HEX = "[0-9a-f]{32}"
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


def make_private_name() -> str:
    """A new name of a private collection.

    >>> is_secret(make_private_name()), shown_name(make_private_name())
    (True, 'your documents')
    """
    return f"{PRIVATE_PREFIX}{secrets.token_hex(16)}"


def is_secret(name: str) -> bool:
    """Whether a name was made by `make_secret_name` or `make_private_name`."""
    return re.search(rf"(?:{_MARK}|\b{PRIVATE_PREFIX}){_HEX}", name) is not None


def shown_name(text: str) -> str:
    """A name, or a text with names in it, without what makes them secret.

    >>> shown_name("base"), shown_name(f"mine~{'0' * 32}+pca over own-{'0' * 32}")
    ('base', 'mine+pca over your documents')
    """
    return re.sub(rf"\b{PRIVATE_PREFIX}{_HEX}", "your documents", re.sub(f"{_MARK}{_HEX}", "", text))
