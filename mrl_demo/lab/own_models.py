"""Which models a visitor may load."""

from __future__ import annotations

from pathlib import Path

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError
from mrl_demo.models.api.address import is_api
from mrl_demo.models.known import find_known


def check_own_model(given: str, settings: Settings, kept: int) -> str:
    """The model's folder, or `OWNER/NAME[@REVISION]`, if a visitor may load it.

    A short name such as bge-base is written out. Raises `ModelError` for one that is not allowed, for models behind an
    API, which cost their owner money, and if `kept` models are as many as the page keeps.
    """
    wanted = given.strip()
    if not wanted:
        raise ModelError("Name a model: OWNER/NAME of the Hub, or choose one of the list.")
    if is_api(wanted):
        raise ModelError(
            f"{wanted[:60]!r} is a model behind an API, and costs money: whoever starts the page names it (--model)."
        )
    known = find_known(wanted)
    if known is not None and not Path(wanted).expanduser().exists():
        wanted = known.model_id if "@" not in wanted else wanted
    if not settings.allows_own_model(wanted):
        listed = settings.own_models or "none now"
        raise ModelError(
            f"{wanted[:80]!r} is not loaded on this public page: its owner lists those that are in MRL_OWN_MODELS "
            f"({listed}). Run the lab on your own machine to load any."
        )
    if kept >= settings.own_models_kept:
        raise ModelError(
            f"The page keeps {settings.own_models_kept} models of visitors, and has them already: remove one of yours, "
            "or try again later."
        )
    return wanted
