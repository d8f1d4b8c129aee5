from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from mrl_demo.arms.catalogue import arm_styles, shipped_arms
from mrl_demo.core.types import Note
from mrl_demo.core.verdict import AnswerLevel
from mrl_demo.ui.compare.view import breaking_words, breaks_html, figure, results_html, shared_full_dim
from tests.ui.samples import NASTY, comparison, paths


def test_results_show_both_arms_the_length_and_the_query() -> None:
    markup = results_html(comparison(16))
    assert 'data-dim="16"' in markup
    assert markup.index('data-arm="base"') < markup.index('data-arm="tuned"')
    assert "how do bees talk" in markup


def test_a_hostile_query_is_escaped() -> None:
    markup = results_html(comparison(query=NASTY))
    assert "<script" not in markup
    assert "\u202e" not in markup


def test_what_was_done_to_the_documents_is_shown_and_escaped() -> None:
    assert "corpus-notes" not in results_html(comparison())
    markup = results_html(replace(comparison(), corpus_notes=(Note("cut-document", f"2 cut in {NASTY}.", 2),)))
    assert "How the documents were read" in markup and "2 cut in &lt;script" in markup
    assert "<script" not in markup and "\u202e" not in markup


def test_breaking_point_in_words() -> None:
    assert breaking_words(paths()) == (
        "breaks below 64 numbers: from there up the known answer, “Document 0”, stays in the first 10, but at 8 it"
        " falls to 7th."
    )


def test_the_best_of_several_answers_counts() -> None:
    words = breaking_words(paths(ranks=((40, 9, 2, 1), (50, 5, 4, 2)), answers=(True, True)))
    assert words.endswith("at 8 it falls to 5th.")


def test_without_an_answer_the_full_length_winner_is_tracked() -> None:
    words = breaking_words(paths(tracked="top", answers=(False, False)))
    assert "its own best, “Document 0”, stays in the first 10, but at 8 it falls to 7th." in words


@pytest.mark.parametrize(
    ("holds_from", "words"),
    [
        (None, "misses it even with the full vector: the known answer, “Document 0”, is 1st, not in the first 10"),
        (1, "never breaks"),
    ],
)
def test_queries_that_always_or_never_hold(holds_from: int | None, words: str) -> None:
    assert words in breaking_words(paths(holds_from=holds_from))


def test_breaks_name_every_arm() -> None:
    assert "<b>Base</b>" in breaks_html(comparison())
    assert "<b>Tuned</b>" in breaks_html(comparison())


def test_chart_titles_are_made_visible_before_they_are_drawn() -> None:
    base = comparison()
    arms = tuple(replace(arm, paths=paths(titles=(NASTY, "b"))) for arm in base.arms)
    drawn = figure(replace(base, arms=arms)).to_json()
    assert "\\u202e" not in drawn
    assert "\u202e" not in drawn


def test_the_slider_ends_where_the_shorter_arm_ends() -> None:
    base = comparison()
    longer = replace(base.arms[1], result=replace(base.arms[1].result, full_dim=768))
    assert shared_full_dim(replace(base, arms=(base.arms[0], longer))) == 384


def test_an_arm_has_the_colour_of_the_charts_on_either_side() -> None:
    base, tuned = (arm_styles((name,))[name].colour for name in ("base", "tuned"))
    markup = results_html(comparison()) + breaks_html(comparison())
    assert markup.count(f"--colour:{base}") == markup.count(f"--colour:{tuned}") == 2
    swapped = replace(comparison(), arms=comparison().arms[::-1])
    assert f'side-b" style="--colour:{base}"' in results_html(swapped)
    assert figure(swapped).layout.annotations[1].font.color == base


@pytest.mark.parametrize("ink", ["#000000", "#ffffff"], ids=["light", "dark"])
def test_text_in_the_colour_of_any_arm_can_be_read(ink: str) -> None:
    sheet = "#ffffff" if ink == "#000000" else "#1c1e23"
    spare = [f"model-{i}" for i in range(40)]  # Chosen by name: together they meet all spare styles.
    for style in arm_styles((*(arm.name for arm in shipped_arms()), *spare)).values():
        text = [0.7 * colour + 0.3 * end for colour, end in zip(rgb(style.colour), rgb(ink), strict=True)]
        assert contrast(text, rgb(sheet)) >= 4.5, style


def rgb(colour: str) -> list[float]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """WCAG 2 contrast of two colours."""

    def light(colour: Sequence[float]) -> float:
        linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in colour)]
        return sum(part * share for part, share in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_verdict_stands_above_the_results_and_each_outcome_over_its_cards() -> None:
    markup = results_html(comparison())
    assert "<b>6 times smaller</b>: 256 B instead of 1.5 kB a vector" in markup
    assert "2 of 10" not in markup and "are still there" in markup and markup.count("7 of 10 (") == 2
    left, right = markup.split('class="arm side-b"')
    assert "falls from 1st to 3rd" in left and "stays 2nd" in right


def test_a_query_without_an_answer_gets_a_grey_line_and_no_verdict() -> None:
    base = comparison()
    assert base.verdict is not None
    level = AnswerLevel(0.45, 50, "judged questions", 300, 97, 0.02, 0.3)
    far = tuple(replace(side, is_known_answer=False, best_score=0.27, level=level) for side in base.verdict.sides)
    unanswered = replace(base, verdict=replace(base.verdict, sides=far))
    markup = results_html(unanswered)
    assert "Nothing here seems to answer this" in markup and "times smaller" not in markup
    assert "falls" not in markup
    assert "breaks below" not in breaks_html(unanswered)


def test_the_ranks_of_the_chart_are_there_as_tables() -> None:
    markup = breaks_html(comparison())
    assert markup.count("rank of each document by length") == 4  # Name and caption of both.
    assert "<td>40</td><td>7</td><td>2</td><td>1</td>" in markup
