from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.core.types import Standing
from mrl_demo.lab.lab import Example
from mrl_demo.plots.doll import doll_size
from mrl_demo.ui.components.cards import card, card_list, missing_list, move_mark, spoken
from mrl_demo.ui.components.dimension import dimension_markup, share_text
from mrl_demo.ui.components.doll import doll, slider_position
from mrl_demo.ui.components.examples import example_chips
from mrl_demo.ui.components.metrics import figures
from mrl_demo.ui.components.notice import notice
from tests.ui.samples import NASTY, hit, result


class Tags(HTMLParser):
    """Collects tags, attributes and text; complains about tags that do not close in order."""

    VOID = frozenset({"input", "br", "meta"})

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(markup)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_a_card_shows_rank_title_text_score_and_answer() -> None:
    page = Tags(card(hit(2, 5, answer=True)))
    (item,) = page.named("li")
    assert item["class"] == "card is-answer"
    assert item["aria-label"] == "Rank 2, a known answer: Bees. 5th with the full vector."
    for words in ("2", "was 5th", "Bees", "Known answer", "They dance.", "Similarity 0.500 at this length"):
        assert words in page.text


@pytest.mark.parametrize(
    ("rank", "full_rank", "mark"),
    [
        (1, 4, "was 4th"),
        (5, 10, "was 10th"),
        (5, 11, "newcomer, was 11th"),
        (13, 1, "was 1st"),
        (2, 2, ""),
        (12, 12, ""),
        (3, 54_321, "newcomer, was 54,321st"),
    ],
)
def test_a_card_says_where_the_document_was_with_the_own_full_vector(rank: int, full_rank: int, mark: str) -> None:
    assert Tags(move_mark(hit(rank, full_rank))).text == mark


def test_missing_documents_are_ghosts_answers_first_and_the_rest_is_counted() -> None:
    lost = [Standing(i, hit(title=f"Title {i}").document, 50 + i, i, is_answer=i == 4) for i in range(1, 6)]
    page = Tags(missing_list(lost, "Base"))
    assert [ghost.get("data-doc") for ghost in page.named("li")] == ["4", "1", "2", None]
    assert "Missing: Title 4 Known answer was 4th, now 54th" in page.text
    assert "and 2 more" in page.text
    assert missing_list((), "Base") == ""


def test_cards_are_an_ordered_list_and_an_empty_result_says_so() -> None:
    page = Tags(card_list(result(), "Base"))
    assert page.named("ol")[0]["aria-label"] == "Results of Base"
    assert len(page.named("li")) == 3
    assert Tags(card_list(result(hits=()), "Base")).text == "Nothing found."


def test_a_passage_is_shortened_until_it_is_opened() -> None:
    page = Tags(card(hit(text="word " * 200)))
    assert page.named("details")
    assert page.text.count("word") > 200


@pytest.mark.parametrize("nasty", [NASTY, "</bdi></li>", '" onmouseover="alert(1)', "${alert(1)}{{x}}", "x" * 5_000])
def test_hostile_titles_and_texts_stay_text(nasty: str) -> None:
    page = Tags(card(hit(title=nasty, text=nasty)))
    assert {tag for tag, _ in page.tags} <= {"li", "div", "span", "h3", "bdi", "details", "summary", "small"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]


def test_a_document_without_title_shows_its_id() -> None:
    assert "d1" in Tags(card(hit(title=""))).text
    assert "d1" in spoken(hit(title=""))


def test_a_known_answer_that_is_tied_says_so() -> None:
    assert "tied; rank 1 with the full vector" in Tags(figures(replace(result(), is_answer_tied=True))).text
    assert "tied" not in Tags(figures(result())).text


def test_a_tie_is_seen_and_spoken() -> None:
    assert "tied" in Tags(card(hit(tied=True))).text
    assert "Tied: its neighbour has the same score" in spoken(hit(tied=True))
    assert "tied" not in (card(hit()) + spoken(hit())).lower()


def test_figures_say_agreement_answer_times_and_sizes() -> None:
    text = Tags(figures(result())).text
    for words in (
        "7 of 10",
        "of the results you would get from the full vector",
        "rank 3",
        "rank 1 with the full vector",
        "12 ms",
        "0.41 ms",
        "256 B",
        "256 MB",
        "25.6 GB",
        "10,000 docs",
    ):
        assert words in text


def test_figures_without_a_known_answer_say_none_is_known() -> None:
    assert "none known for this query" in Tags(figures(result(answer=None))).text


@given(st.integers(1, 4_096), st.data())
def test_doll_and_slider_grow_with_the_length(full: int, data: st.DataObject) -> None:
    dim = data.draw(st.integers(1, full))
    assert 0 < doll_size(dim, full) <= doll_size(full, full) == 1
    assert 0 <= slider_position(dim, full) <= slider_position(full, full) == 1
    if dim > 1:
        assert doll_size(dim - 1, full) < doll_size(dim, full)
        assert slider_position(dim - 1, full) < slider_position(dim, full)


def test_the_doll_has_a_shell_for_every_trained_length_and_says_what_it_shows() -> None:
    page = Tags(doll(64, 384, (8, 64, 512)))
    shells = [attrs for attrs in page.named("path") if attrs["class"] == "shell"]
    assert len(shells) == 3  # 8, 64 and the full 384; 512 does not fit.
    assert "64 of 384 numbers" in str(page.named("svg")[0]["aria-label"])


def test_the_slider_reaches_every_prefix_and_the_trained_lengths_are_buttons() -> None:
    page = Tags(dimension_markup(64, 384, (8, 16, 32, 64, 128, 256, 384)))
    (slider,) = page.named("input")
    assert (slider["min"], slider["max"], slider["step"], slider["value"]) == ("1", "384", "1", "64")
    assert slider["aria-valuetext"] == "64 of 384 numbers"
    assert page.named("label")[0]["for"] == slider["id"]
    assert [button["data-dim"] for button in page.named("button")] == ["8", "16", "32", "64", "128", "256", "384"]
    assert [button["data-dim"] for button in page.named("button") if button["aria-pressed"] == "true"] == ["64"]


@pytest.mark.parametrize(("dim", "text"), [(1, "0.3%"), (16, "4.2%"), (64, "17%"), (384, "100%")])
def test_share_of_the_vector(dim: int, text: str) -> None:
    assert share_text(dim, 384) == text


def test_example_chips_carry_positions_not_texts() -> None:
    page = Tags(example_chips([Example(NASTY, NASTY), Example("two", "b")]))
    assert [button.get("data-example") for button in page.named("button")] == [None, "random", "0", "1"]
    assert "<script>" not in example_chips([Example(NASTY, NASTY)])


def test_notices_escape_and_empty_text_clears() -> None:
    assert notice("") == ""
    assert "&lt;b&gt;" in notice("<b>")
