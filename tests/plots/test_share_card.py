"""The picture of a link: its size, its words, and what hostile or foreign text does to it."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from mrl_demo.core.verdict import AnswerLevel, KeptQuality, SideVerdict, Verdict
from mrl_demo.lab.share import card_of
from mrl_demo.plots.doll import outline
from mrl_demo.plots.share_card import DOLL_COLOURS, ShareCard, draw_card, draw_front
from mrl_demo.ui.shared.scripts import STATIC
from tests.ui.samples import NASTY, comparison, result

CARD = card_of(comparison(64), "Built in", "https://example.org/lab/")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every line of text that is drawn."""
    lines: list[str] = []
    draw = ImageDraw.ImageDraw.text

    def text(self: ImageDraw.ImageDraw, at: tuple[float, float], words: str, **how: object) -> None:
        lines.append(words)
        draw(self, at, words, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return lines


def test_a_card_says_the_query_the_saving_and_both_ranks(written: list[str]) -> None:
    assert Image.open(io.BytesIO(draw_card(CARD))).size == (1200, 630)
    words = " ".join(written)
    for part in ("“how do bees talk”", "64 of 384 numbers: 6 times smaller", "the known answer", "https://example.org"):
        assert part in words
    assert "rank 3" in words
    assert "rank 2" in words
    assert "1 with all 384" in words


def test_without_a_known_answer_each_models_own_winner_is_told() -> None:
    compared = comparison(8)
    arms = [replace(arm, result=result(arm.spec.name, 8, answer=None)) for arm in compared.arms]
    card = card_of(replace(compared, arms=tuple(arms), verdict=None), "Own")
    assert "own full-length winner" in card.tracked
    assert [(side.rank, side.full_rank) for side in card.sides] == [(3, 1), (3, 1)]  # The hit that was first.
    lost = replace(arms[0], result=result("base", 8, answer=None, hits=()))
    assert card_of(replace(compared, arms=(lost,), verdict=None), "Own").sides[0].rank is None


def test_a_verdict_gives_the_card_its_ranks_and_its_average_or_none_at_all(written: list[str]) -> None:
    level = AnswerLevel(0.5, 50, "judged questions", n_answered=8, n_off_topic=8, missed=0.0, passed=0.0)
    quality = KeptQuality(0.9, 0.88, 0.92, n_queries=800, metric="ndcg@10", dim=64)
    side = SideVerdict("base", "Base", 384, "Bees", 512, 2, False, 4, 10, best_score=0.9, level=level, quality=quality)
    compared = replace(comparison(64), verdict=Verdict(64, (side, side)))
    draw_card(card_of(compared, "Own"))
    assert "rank 512" in written
    assert any("over 800 questions: Base 90% [88 to 92]" in line for line in written)
    written.clear()
    far = replace(side, best_score=0.1)
    draw_card(card_of(replace(compared, verdict=Verdict(64, (far, far))), "Own"))
    assert "Nothing here seems to answer this: no verdict." in written
    assert not any("rank" in line for line in written)


def test_at_full_length_nothing_is_smaller(written: list[str]) -> None:
    draw_card(replace(CARD, dim=384))
    assert "all 384 numbers: nothing cut" in written
    assert not any("with all 384" in line and "rank" in line for line in written)


@pytest.mark.parametrize(
    "query", [NASTY, "x" * 5_000, "word " * 2_000, "日本語の質問", "\u202e" * 300, "مرحبا 😀", "<b>"]
)
def test_any_query_is_drawn_within_the_card(query: str, written: list[str]) -> None:
    draw_card(replace(CARD, query=query, address=query, collection=query))
    assert max(map(len, written)) < 120
    assert not any(re.search("[\u202e\x00-\x1f]", line) for line in written)


def test_letters_that_the_font_lacks_are_counted_not_drawn_as_boxes(written: list[str]) -> None:
    draw_card(replace(CARD, query="日本語"))
    assert " ".join(written).startswith("(a question of 3 letters this font lacks)")


def test_the_front_card_and_a_length_of_one_are_drawn() -> None:
    assert Image.open(io.BytesIO(draw_front("Matryoshka lab", "How short?"))).size == (1200, 630)
    assert draw_card(ShareCard("q", 1, 4, (), "the known answer", 10, "Own")).startswith(b"\x89PNG")


def test_the_doll_has_the_colours_of_the_page() -> None:
    style = (STATIC / "style.css").read_text(encoding="utf-8")
    for name, colour in DOLL_COLOURS.items():
        kind = "stroke" if name == "mouth" else "fill"
        assert re.search(rf"\.doll \.{name} {{[^}}]*{kind}: {colour}", style), name


def test_curves_end_where_the_path_says() -> None:
    (shape,) = outline("M0 0C0 10 10 10 10 0Q5 -5 0 0Z")
    assert shape[16] == pytest.approx((10, 0))
    assert shape[8] == pytest.approx((5, 7.5))
    assert shape[-1] == pytest.approx((0, 0))
