"""Which queue an event waits in, and how long a visitor's state is kept."""

from __future__ import annotations

from typing import Any

STATE_SECONDS = 3_600
#: Nothing here is offered to programs, and progress is shown by the page itself.
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
#: Searches wait for each other alone: nobody's build or measurement holds them up.
SEARCH: dict[str, Any] = {**_QUIET, "concurrency_id": "search", "concurrency_limit": 4}
#: A search that is asked for while another runs is not dropped: the last one asked for has the last word.
ASK: dict[str, Any] = {**SEARCH, "trigger_mode": "always_last"}
#: Only looks how a task on a `HeavyLine` goes, so any number may look at once, and one may look at two.
FOLLOW: dict[str, Any] = {
    **_QUIET,
    "concurrency_id": "follow",
    "concurrency_limit": None,
    "trigger_mode": "multiple",
}
#: A check may take minutes in a process of its own: it must not hold up searches, nor a start or a cancel a check.
TRAINING: dict[str, Any] = {**_QUIET, "concurrency_id": "training", "concurrency_limit": 4}
LIGHT: dict[str, Any] = {**_QUIET, "queue": False}
#: For controls that are moved again and again: it ends with the last state shown, however slow the line is.
LIVE: dict[str, Any] = {**LIGHT, "trigger_mode": "always_last"}
#: Named calls of programs: they wait on the lines of the page, so that many may be open while few work.
API: dict[str, Any] = {"api_visibility": "public", "concurrency_id": "api", "concurrency_limit": 16}
#: Events that may wait at once, of all visitors together; who comes later is told that the page is busy.
MOST_WAITING = 100
#: Sessions for which answers are kept that nobody has heard yet, besides those with events under way.
MOST_BOXES = 200
#: Sessions whose state is kept, some 0.1 MB each; who comes back after that starts anew.
MOST_SESSIONS = 1_000
