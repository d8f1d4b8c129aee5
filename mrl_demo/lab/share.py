"""What a share card says of a comparison."""

from __future__ import annotations

from mrl_demo.arms.catalogue import arm_styles
from mrl_demo.core.types import ComparedArm, Comparison
from mrl_demo.corpora.labels.filters import describe_where
from mrl_demo.lab.verdict_words import average_words
from mrl_demo.plots.share_card import CardSide, ShareCard


def card_of(comparison: Comparison, collection: str, address: str = "") -> ShareCard:
    """The card of a comparison: where the known answer stands, or each arm's own winner if none is known.

    `collection` and `address` are printed at its foot.
    """
    styles = arm_styles([arm.spec.name for arm in comparison.arms])
    ranks = _followed(comparison)
    sides = tuple(
        CardSide(arm.spec.label, styles[arm.spec.name].colour, rank, full_rank)
        for arm, (rank, full_rank) in zip(comparison.arms, ranks, strict=True)
    )
    verdict, result = comparison.verdict, comparison.arms[0].result
    part = f" with {describe_where(comparison.where, comparison.label_names)}" if comparison.where else ""
    return ShareCard(
        query=comparison.query,
        dim=comparison.dim,
        full_dim=min(arm.result.full_dim for arm in comparison.arms),
        sides=() if verdict and verdict.seems_unanswered else sides,
        tracked="the known answer" if _is_known(comparison) else "each model's own full-length winner",
        looked_at=len(result.hits),
        collection=f"{collection}, {result.n_documents:,} documents{part}",
        address=address,
        average=average_words(verdict) if verdict and not verdict.seems_unanswered else "",
    )


def _is_known(comparison: Comparison) -> bool:
    return all(arm.result.answer_rank is not None for arm in comparison.arms)


def _followed(comparison: Comparison) -> list[tuple[int | None, int | None]]:
    """Rank at this length and with all numbers of the document that is followed, for each arm."""
    if comparison.verdict:
        return [(side.rank, side.full_rank) for side in comparison.verdict.sides]
    return [_answer(arm) if _is_known(comparison) else _winner(arm) for arm in comparison.arms]


def _answer(arm: ComparedArm) -> tuple[int | None, int | None]:
    return arm.result.answer_rank, arm.result.full_answer_rank


def _winner(arm: ComparedArm) -> tuple[int | None, int | None]:
    return next((hit.rank for hit in arm.result.hits if hit.full_rank == 1), None), 1
