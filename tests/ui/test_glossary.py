from __future__ import annotations

import re

import pytest

from mrl_demo.core.config import CODE_ROOT
from mrl_demo.core.glossary import Term
from mrl_demo.ui.components.glossary import term


@pytest.mark.parametrize("word", Term)
def test_every_word_has_one_sentence_and_the_documents_have_the_same(word: Term) -> None:
    assert word.sentence.endswith(".") and ". " not in word.sentence
    assert f"**{word.value}**: {word.sentence}" in (CODE_ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")


def test_a_word_can_be_shown_in_another_form() -> None:
    markup = term(Term.CUT, "cut <short>")
    assert re.search(r">cut &lt;short&gt;</button>$", markup)
    assert f'data-says="{Term.CUT.sentence}"' in markup
