"""Which queue an event waits in, and how long a visitor's state is kept."""

from __future__ import annotations

from typing import Any

STATE_SECONDS = 3_600
#: Nothing here is offered to programs, and progress is shown by the page itself.
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
#: Events that encode or build share one queue, so that two visitors do not fight for the cores.
HEAVY: dict[str, Any] = {**_QUIET, "concurrency_id": "heavy", "concurrency_limit": 2}
#: A check may take minutes in a process of its own: it must not hold up searches, nor a start or a cancel a check.
TRAINING: dict[str, Any] = {**_QUIET, "concurrency_id": "training", "concurrency_limit": 4}
LIGHT: dict[str, Any] = {**_QUIET, "queue": False}
#: For controls that are moved again and again: it ends with the last state shown, however slow the line is.
LIVE: dict[str, Any] = {**LIGHT, "trigger_mode": "always_last"}
