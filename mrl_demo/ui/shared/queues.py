"""Which queue an event waits in, and how long a visitor's state is kept."""

from __future__ import annotations

from typing import Any

#: Events that encode or build share one queue, so that two visitors do not fight for the cores.
HEAVY: dict[str, Any] = {
    "concurrency_id": "heavy",
    "concurrency_limit": 2,
    "show_progress": "hidden",
    "api_visibility": "private",
}
LIGHT: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
STATE_SECONDS = 3_600
