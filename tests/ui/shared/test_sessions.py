from __future__ import annotations

import gradio as gr
from gradio.queueing import Queue

from mrl_demo.ui.shared.sessions import LeanStates, MessageBoxes, lean_state


def page() -> tuple[gr.Blocks, gr.State, gr.Textbox, gr.Dropdown]:
    with gr.Blocks() as blocks:
        kept, box, menu = gr.State([]), gr.Textbox("as it was"), gr.Dropdown(["a", "b"])
    return blocks, kept, box, menu


def test_a_session_keeps_its_state_and_its_menus_and_no_answers() -> None:
    blocks, kept, box, menu = page()
    states = LeanStates()
    states.set_blocks(blocks)
    mine = states["me"]
    mine[kept._id] = ["mine"]
    mine[menu._id] = gr.Dropdown(["c"], render=False)
    mine._update_value_in_config(box._id, "x" * 100_000)
    assert states["me"][kept._id] == ["mine"]
    assert states["you"][kept._id] == []
    assert states["me"][menu._id].choices == [("c", "c")]
    assert list(mine.components) == []
    assert lean_state(blocks).blocks_config.blocks.keys() == blocks.blocks.keys()


def test_the_oldest_session_goes_first() -> None:
    states = LeanStates()
    states.set_blocks(page()[0])
    states.capacity = 2
    for name in ("a", "b", "a", "c"):
        _ = states[name]
    assert list(states.session_data) == ["a", "c"]


def test_unheard_answers_go_before_those_that_are_still_to_come() -> None:
    class Event:
        session_hash = "busy"

    queue = Queue(False, 1, 1, None, gr.Blocks())
    boxes = MessageBoxes(queue, max_size=2)
    queue.event_ids_to_events["1"] = Event()  # type: ignore[assignment]
    for name in ("busy", "left", "new", "newer"):
        boxes[name] = []
    assert list(boxes) == ["busy", "newer"]
