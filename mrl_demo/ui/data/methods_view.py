"""What the section of a visitor's own methods shows."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from mrl_demo.arms.arm import Arm
from mrl_demo.core.config import Settings
from mrl_demo.models.known import KnownModel
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.text import shorten
from mrl_demo.ui.shared.visit import OwnArm

#: A button's ticket says its place in the list and how long the list was, so that a second press removes nothing else.
_TICKETS = 1_000_000
METHODS_INTRO = html(
    '<h2>Methods of your own</h2><p class="lead">Vectors that any provider made of your documents, or another model,'
    " beside those that ship: in the menus of Compare, Curves, Decide, Funnel, Map and Learn, for this visit alone.</p>"
)


def vectors_words(settings: Settings) -> Markup:
    """What files of vectors are taken, and how many bytes."""
    return html(
        '<h3>Vectors</h3><p class="lead">One vector a document, as NumPy (.npy, .npz), Parquet, JSON Lines or CSV, at'
        " most {mb:,} MB of numbers: in the order of your documents, or with their ids. With vectors of your questions"
        " these can be searched; without, Curves and Decide measure by agreement.</p>",
        mb=settings.upload_vectors_mb,
    )


def model_words(settings: Settings) -> Markup:
    """Which models may be loaded here."""
    if not settings.allows_own_model():
        words = (
            "No model is loaded for visitors on this public page. Run the lab on your own machine to load any of the"
            " Hugging Face Hub, or ask its owner to list some (MRL_OWN_MODELS)."
        )
    elif settings.is_public:
        words = "Those that the owner of this page lists. Their weights are downloaded when you ask for one."
    else:
        words = (
            "Any sentence-transformers model: OWNER/NAME of the Hugging Face Hub, downloaded when you ask for it, or a"
            " folder of this machine. Only safetensors are read, and no code that a model brings is run."
        )
    return html('<h3>A model</h3><p class="lead">{words}</p>', words=words)


def model_label(settings: Settings) -> str:
    """What may be typed."""
    return "Model of the Hub" if settings.is_public else "Model of the Hub, or a folder"


def known_label(known: KnownModel) -> str:
    """A known model with its length, the lengths it was trained for, and its licence.

    >>> known_label(KnownModel("a/b", 768, "mean", 512, "mit", (64, 768)))
    'a/b: 768 numbers, trained at 64 and 768, mit'
    """
    dims = [str(dim) for dim in known.trained_dims]
    trained = f", trained at {', '.join(dims[:-1])} and {dims[-1]}" if len(dims) > 1 else ""
    licence = known.licence if known.is_commercial else f"{known.licence} (no commercial use)"
    code = ", brings code that is not run" if known.brings_code else ""
    return f"{known.model_id}: {known.dimension:,} numbers{trained}, {licence}{code}"


def added_words(arms: Sequence[Arm]) -> str:
    """What was added, and what is to be known of it."""
    labels = " and ".join(f"“{arm.label}”" for arm in arms)
    return f"{labels} {'is' if len(arms) == 1 else 'are'} in the menus of methods now. {arms[0].description}"


def methods_html(arms: Sequence[OwnArm]) -> Markup:
    """The methods with a button each that removes it; nothing if there are none."""
    items = (
        html(
            '<li><span><b>{label}</b> {description}</span> <button type="button" class="take-back"'
            ' data-example="{ticket}" aria-label="Remove {spoken}">Remove</button></li>',
            label=user_text(shorten(arm.label, 80)),
            description=user_text(shorten(arm.description, 200)),
            spoken=shorten(arm.label, 80),
            ticket=place * _TICKETS + len(arms),
        )
        for place, arm in enumerate(arms)
    )
    return html('<ul class="asked-list">{items}</ul>', items=join_html(items)) if arms else NOTHING


def arm_removed(arms: Sequence[OwnArm], ticket: object) -> OwnArm | None:
    """The method whose button was pressed; None if the list has changed since it was drawn."""
    place, count = divmod(ticket if isinstance(ticket, int) else -1, _TICKETS)
    return arms[place] if count == len(arms) and 0 <= place < count else None
