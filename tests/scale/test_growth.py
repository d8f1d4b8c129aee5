"""What each length keeps of growing parts of a collection, and where the line through them ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import LabError
from mrl_demo.evaluation.judging.ranked import QueryDraw
from mrl_demo.scale.growth import GrowthQuestion, measure_growth
from tests.evaluation.word_world import run_sweep, word_corpus

CORPUS = word_corpus(n_documents=800, n_queries=40)
QUESTION = GrowthQuestion("base", dim=8, grow_to=80_000)


def test_the_whole_has_the_share_of_an_ordinary_evaluation(
    make_builder: Callable[..., SpaceBuilder],
) -> None:
    builder = make_builder()
    growth = measure_growth(builder, CORPUS, replace(QUESTION, precision="int8+rescore"))
    assert growth.sizes == (200, 800)
    sweep = run_sweep(builder, CORPUS, ["base"], [8], ["int8+rescore"], ["ndcg@10"])
    (kept,) = (row for row in sweep.retentions if row.dim == 8)
    assert growth.chosen.kept[-1].value == pytest.approx(kept.value, abs=1e-4)


def test_the_line_goes_on_as_the_parts_do(make_builder: Callable[..., SpaceBuilder]) -> None:
    growth = measure_growth(make_builder(), CORPUS, QUESTION)
    length = growth.chosen
    first, last = (share.value for share in length.kept)
    assert last < first
    slope = (last - first) / 0.60206
    assert length.per_tenfold.value == pytest.approx(slope, abs=1e-3)
    assert length.then is not None
    assert length.then.value == pytest.approx(max(0, last + 2 * slope), abs=1e-3)
    assert growth.lengths[-1].kept[-1].value == 1
    assert "2.0 tenfolds beyond what was measured" in growth.sentence()
    assert growth.shortest(1.0) == growth.lengths[-1].dim


def test_a_collection_that_nobody_judged_is_measured_by_agreement(make_builder: Callable[..., SpaceBuilder]) -> None:
    growth = measure_growth(make_builder(), replace(CORPUS, judgements={}), replace(QUESTION, grow_to=0))
    assert growth.metric == "overlap@10"
    assert growth.chosen.then is None


def test_what_cannot_grow_is_refused(make_builder: Callable[..., SpaceBuilder]) -> None:
    with pytest.raises(LabError, match="it takes 400 or more"):
        measure_growth(make_builder(), word_corpus(n_documents=100), QUESTION)
    with pytest.raises(LabError, match="no size to grow to"):
        replace(QUESTION, grow_to=-1)
    with pytest.raises(LabError, match="There is no metric"):
        measure_growth(make_builder(), CORPUS, replace(QUESTION, draw=QueryDraw(metric="precision@5")))
