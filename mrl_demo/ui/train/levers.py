"""The levers of a run that a person may move by hand: the loss, what learns, how lengths are drawn and weighed."""

from __future__ import annotations

import gradio as gr
from gradio.blocks import Block

from mrl_demo.core.config import find_assets
from mrl_demo.jobs.intake import DATA_TYPES
from mrl_demo.models.run_folder import ROTATION_FILE
from mrl_demo.ui.components.markup import html
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.widgets import menu, static_html

_AS_PRESET = ("As the preset has it", "")
_LOSSES = [
    _AS_PRESET,
    ("Softmax over the batch", "mnrl"),
    ("The same in batches larger than memory", "cached-mnrl"),
    ("Hinge: no pair pulls without end", "hinge"),
]
_RANKS = [_AS_PRESET, *((f"LoRA of rank {rank}", str(rank)) for rank in (4, 8, 16, 32, 64)), ("All weights", "0")]
_WEIGHTINGS = [
    _AS_PRESET,
    ("All lengths alike", "equal"),
    ("Longer ones more", "rising"),
    ("Shorter ones more", "falling"),
    ("Learnt: those that lag behind more", "learned"),
]
_WORDS = html(
    '<p class="lead">Nothing here needs to be touched. All weights make a whole model instead of a small adapter '
    "(about 90 MB for MiniLM). The chart shows the loss at every length, whatever you choose. A larger teacher and"
    " parallel pairs act on the steps that keep neighbours of broad text: a translation is taught those of the text"
    " that it translates.</p>"
)
#: A run of another kind: the base model teaches every layer of itself.
LAYERS_LABEL = (
    "Layers too: teach every layer to give usable vectors, so that the model may stop early (instead of learning from "
    "which answer is right)"
)
#: The page's name of each lever, for problems that training reports about it.
LEVER_LABELS = {
    "loss": "Loss over the pairs",
    "batch_size": "Pairs of a step",
    "lora_rank": "What learns",
    "weighting": "How lengths weigh",
    "drawn_lengths": "Lengths drawn at random each step",
    "spread_weight": "Spread-out regulariser",
    "hierarchy_weight": "Coarse labels before fine",
    "averaged": "Share of the last steps averaged",
    "margin": "Margin of the hinge",
    "anchor_weight": "Pull towards the base model's vectors",
    "axes": "Axes of the result (with LoRA over a rotation)",
    "teacher": "A larger model from the Hub that teaches its neighbours of broad text",
    "parallel": "Parallel pairs: texts and their translations",
    "spare_likely": "Answers that the base model finds likely are no wrong answers for other questions",
}


def lay_out_levers() -> dict[str, Block]:
    """Lay the levers out here in a fold; each under its name in `TrainState`."""
    with gr.Accordion("More settings", open=False, elem_id=Id.TRAIN_LEVERS):
        static_html(_WORDS, Id.TRAIN_LEVERS_SAID)
        with gr.Row(elem_classes="curves-row"):
            parts: dict[str, Block] = {
                "loss": menu(LEVER_LABELS["loss"], _LOSSES, "", Id.TRAIN_LOSS_KIND, min_width=240),
                "lora_rank": menu(LEVER_LABELS["lora_rank"], _RANKS, "", Id.TRAIN_RANK, min_width=200),
                "weighting": menu(LEVER_LABELS["weighting"], _WEIGHTINGS, "", Id.TRAIN_WEIGHTING, min_width=220),
            }
        with gr.Row(elem_classes="curves-row"):
            parts |= {
                "batch_size": _number("batch_size", Id.TRAIN_BATCH, 1, 1024),
                "drawn_lengths": _number("drawn_lengths", Id.TRAIN_DRAWN, 1, 64),
                "spread_weight": _number("spread_weight", Id.TRAIN_SPREAD, 0.1, 100),
                "hierarchy_weight": _number("hierarchy_weight", Id.TRAIN_HIERARCHY, 0.1, 100),
                "averaged": _number("averaged", Id.TRAIN_AVERAGED, 0.05, 0.95),
            }
        with gr.Row(elem_classes="curves-row"):
            parts |= {
                "margin": _number("margin", Id.TRAIN_MARGIN, 0.05, 2),
                "anchor_weight": _number("anchor_weight", Id.TRAIN_ANCHOR, 0.5, 100),
                "axes": menu(LEVER_LABELS["axes"], _axes(), "", Id.TRAIN_AXES, min_width=260),
            }
        parts["teacher"] = gr.Textbox(
            "", label=LEVER_LABELS["teacher"], placeholder="empty: the base model; or OWNER/NAME", max_lines=1,
            elem_id=Id.TRAIN_TEACHER,
        )  # fmt: skip
        parts["parallel"] = gr.File(
            label=LEVER_LABELS["parallel"], file_types=list(DATA_TYPES), type="filepath", height=150,
            elem_id=Id.TRAIN_PARALLEL,
        )  # fmt: skip
        parts["spare_likely"] = gr.Checkbox(False, label=LEVER_LABELS["spare_likely"], elem_id=Id.TRAIN_SPARE)
    return parts


def _axes() -> list[tuple[str, str]]:
    """Adapters that ship with a rotation; on the command line finished runs too."""
    adapters = find_assets() / "adapters"
    names = sorted(file.parent.name for file in adapters.glob(f"*/{ROTATION_FILE}"))
    return [_AS_PRESET, *((f"Those of {name}", name) for name in names)]


def _number(name: str, elem_id: Id, step: float, highest: float) -> gr.Number:
    label = f"{LEVER_LABELS[name]} (0: as the preset)"
    return gr.Number(0, label=label, minimum=0, maximum=highest, step=step, min_width=200, elem_id=elem_id)
