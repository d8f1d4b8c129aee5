"""What a share card says of a comparison."""

from __future__ import annotations

from mrl_demo.arms.catalogue import arm_styles
from mrl_demo.core.types import ComparedArm, Comparison
from mrl_demo.plots.share_card import CardSide, ShareCard


def card_of(comparison: Comparison, collection: str, address: str = "") -> ShareCard:
    """The card of a comparison: where the known answer stands, or each arm's own winner if none is known.

    `collection` and `address` are printed at its foot.
    """
    styles = arm_styles([arm.spec.name for arm in comparison.arms])
    has_answer = all(arm.result.answer_rank is not None for arm in comparison.arms)
    sides = tuple(
        CardSide(arm.spec.label, styles[arm.spec.name].colour, *(_answer(arm) if has_answer else _winner(arm)))
        for arm in comparison.arms
    )
    result = comparison.arms[0].result
    return ShareCard(
        query=comparison.query,
        dim=comparison.dim,
        full_dim=min(arm.result.full_dim for arm in comparison.arms),
        sides=sides,
        tracked="the known answer" if has_answer else "each model's own full-length winner",
        looked_at=len(result.hits),
        collection=f"{collection}, {result.n_documents:,} documents",
        address=address,
    )


def _answer(arm: ComparedArm) -> tuple[int | None, int | None]:
    return arm.result.answer_rank, arm.result.full_answer_rank


def _winner(arm: ComparedArm) -> tuple[int | None, int | None]:
    return next((hit.rank for hit in arm.result.hits if hit.full_rank == 1), None), 1
