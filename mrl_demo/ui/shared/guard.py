"""What a visitor reads if something fails; the only place where errors become answers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mrl_demo.core.errors import LabError

logger = logging.getLogger(__name__)
UNEXPECTED = (
    "That did not work, and it is our mistake. The details are in the server's log; please try again or something else."
)
_Result = TypeVar("_Result")


def guarded(work: Callable[[], _Result], otherwise: Callable[[LabError], _Result]) -> _Result:
    """What `work` gives, or what `otherwise` makes of its failure; never raises.

    A mistake of ours is logged, and its details are kept from the visitor.

    >>> guarded(lambda: str(1 / 0), lambda error: str(error))[:17]
    'That did not work'
    """
    try:
        return work()
    except LabError as error:
        return otherwise(error)
    except Exception:
        logger.exception("An unexpected error reached the page.")
        return otherwise(LabError(UNEXPECTED))


async def guarded_async(work: Awaitable[_Result], otherwise: Callable[[LabError], _Result]) -> _Result:
    """As `guarded`, for work that is awaited."""
    try:
        return await work
    except LabError as error:
        return otherwise(error)
    except Exception:
        logger.exception("An unexpected error reached a caller.")
        return otherwise(LabError(UNEXPECTED))
