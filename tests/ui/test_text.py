from __future__ import annotations

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.core.wording import human_bytes
from mrl_demo.ui.components.markup import escape, html, join_html, user_text
from mrl_demo.ui.components.text import milliseconds, shorten, visible

BIDI_AND_CONTROLS = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e",
]


@given(st.text())
def test_escaped_text_has_no_live_markup_and_reads_back_as_the_visible_text(text: str) -> None:
    escaped = escape(text)
    assert not set("<>\"'") & set(escaped)
    assert unescape(escaped) == visible(text)


@given(st.text(alphabet=st.one_of(st.sampled_from(BIDI_AND_CONTROLS), st.characters(codec="utf-8"))))
def test_nothing_that_could_reorder_or_break_the_page_survives(text: str) -> None:
    assert not set(BIDI_AND_CONTROLS) & set(visible(text))


def test_script_tags_are_shown_as_text() -> None:
    assert escape("<script>alert('x')</script>") == "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"


@given(st.text())
def test_values_of_a_template_are_escaped_and_markup_is_not(text: str) -> None:
    assert html('<b title="{t}">{t}</b>', t=text) == f'<b title="{escape(text)}">{escape(text)}</b>'
    assert html("<p>{inner}</p>", inner=html("<b>{t}</b>", t=text)) == f"<p><b>{escape(text)}</b></p>"
    assert join_html([text, html("<br>")]) == f"{escape(text)}<br>"


def test_a_forgotten_value_is_an_error_and_a_format_is_kept() -> None:
    assert html("{a:.2f} {b:,}", a=0.5, b=1234) == "0.50 1,234"
    with pytest.raises(KeyError):
        html("<p>{missing}</p>")


def test_direction_overrides_are_named_and_text_is_isolated() -> None:
    assert user_text("\u202egnp") == '<bdi dir="auto">⟨RLO⟩gnp</bdi>'


def test_control_characters_become_pictures_and_line_breaks_spaces() -> None:
    assert visible("a\x07b\x1bc\nd\r\n\te\x9bf\x7f") == "a␇b␛c d e⟨9B⟩f␡"


def test_lone_surrogates_can_be_sent_as_utf8() -> None:
    assert escape("\ud800").encode() == "\ufffd".encode()


@pytest.mark.parametrize("text", ["👩‍👩‍👧‍👦", "🏳️‍🌈", "שלום", "مرحبا", "日本語"])
def test_emoji_and_scripts_stay_whole(text: str) -> None:
    assert visible(text) == text


@given(st.text(max_size=300), st.integers(1, 80))
def test_shortened_text_keeps_its_limit_and_short_text_its_letters(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == text if len(text) <= limit else short.endswith("…")


def test_text_is_cut_between_words() -> None:
    assert shorten("the bees dance on the comb", 16) == "the bees dance…"


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (32, "32 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (1_536, "1.5 kB"),
        (256_000_000, "256 MB"),
        (999_999_999, "1 GB"),
        (25_600_000_000, "25.6 GB"),
        (153_600_000_000, "154 GB"),
    ],
)
def test_bytes_in_human_units(size: int, words: str) -> None:
    assert human_bytes(size) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0.0412, "0.04 ms"), (4.26, "4.3 ms"), (11.8, "12 ms"), (1_234.5, "1,234 ms")]
)
def test_milliseconds(value: float, words: str) -> None:
    assert milliseconds(value) == words
