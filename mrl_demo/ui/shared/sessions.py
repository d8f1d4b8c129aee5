"""What Gradio keeps of each visitor, made small: 0.1 MB instead of a copy of the whole page and of every answer."""

from __future__ import annotations

from collections import OrderedDict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from gradio.state_holder import SessionState, StateHolder
from gradio.utils import LRUCache

if TYPE_CHECKING:
    from gradio import Blocks
    from gradio.queueing import Queue


class LeanStates(StateHolder):
    """The states of all sessions, without the components as each visitor last saw them, which only deep links need."""

    def __getitem__(self, session_id: str) -> SessionState:
        """The state of a session, new if it has none."""
        if session_id not in self.session_data:
            self.session_data[session_id] = lean_state(self.blocks)
        return super().__getitem__(session_id)


def lean_state(blocks: Blocks) -> SessionState:
    """A session's state that keeps values of `gr.State` and changed menus alone."""
    state = SessionState(SimpleNamespace(default_config=blocks.default_config, blocks={}))
    state.config_values = _Unkept()
    return state


class _Unkept(dict[int, dict[str, Any]]):
    """Seems to have everything, and keeps nothing."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: int) -> dict[str, Any]:
        return {}

    def __setitem__(self, key: int, value: dict[str, Any]) -> None:
        """Nobody asks for it."""


class MessageBoxes(LRUCache[str, Any]):
    """Messages that wait for browsers to hear them: at most `max_size` boxes besides those with events under way.

    Who leaves without hearing leaves whole pages of results there.
    """

    def __init__(self, queue: Queue, max_size: int) -> None:
        super().__init__(max_size)
        self._queue = queue

    def __setitem__(self, key: str, value: Any) -> None:  # noqa: ANN401
        """Add a box; the oldest that nothing is under way for go."""
        if key not in self and len(self) >= self.max_size:
            busy = {event.session_hash for event in list(self._queue.event_ids_to_events.values())}
            idle = [session for session in self if session not in busy]
            for session in idle[: len(self) - self.max_size + 1]:
                del self[session]
                self._queue.pending_event_ids_session.pop(session, None)
        OrderedDict.__setitem__(self, key, value)  # Its own would take the oldest, busy or not.


def limit_boxes(page: Blocks, most: int) -> Blocks:
    """The page, with `most` boxes of unheard messages; before it is launched, so that none is lost."""
    page._queue.pending_messages_per_session = MessageBoxes(page._queue, most)
    return page


def keep_lean_states(page: Blocks) -> None:
    """Let a launched page keep little of its visitors from now on."""
    states, before = LeanStates(), page.app.state_holder
    states.set_blocks(page)
    states.session_data.update(before.session_data)
    states.time_last_used.update(before.time_last_used)
    page.app.state_holder = states
