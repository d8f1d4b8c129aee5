from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.core.types import Document
from mrl_demo.corpora.questions.parts import stand_in_queries


def test_titles_first_sentences_and_one_other_stand_in() -> None:
    documents = [
        Document("a", "Bread and butter pudding", "Slice the bread. Pour the custard over! Bake it for long."),
        Document("b", "", "tar: Make an archive. tar cf target.tar file"),
        Document("c", "", "One sentence that is the whole document."),
        Document("d", "", "tar: Make an archive. tar xf source.tar -C folder"),
        Document("e", "", "東京は日本の首都です。人口は一千三百万人を超えます。"),
        Document("f", "", "Yes. No."),
    ]
    found = stand_in_queries(documents)
    assert found[0] == "Bread and butter pudding"
    assert found[1] in {"Slice the bread.", "Pour the custard over!", "Bake it for long."}
    assert found[2:] == (
        "tar: Make an archive.",
        "tar cf target.tar file",
        "tar xf source.tar -C folder",
        "東京は日本の首都です。",
        "人口は一千三百万人を超えます。",
    )


def test_the_seed_chooses_and_the_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mrl_demo.corpora.questions.parts._MOST_ASKED", 7)
    documents = [Document(str(i), "", f"Alpha beta {i}. Gamma {'delta ' * 100}{i}. Eta theta {i}.") for i in range(20)]
    one = stand_in_queries(documents, 1)
    assert len(one) == 7
    assert max(map(len, one)) <= 300
    assert one == stand_in_queries(documents, 1) != stand_in_queries(documents, 2)
    assert stand_in_queries([]) == ()


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=200)), max_size=8))
def test_any_text_gives_distinct_texts_of_its_own(texts: list[tuple[str, str]]) -> None:
    documents = [Document(str(i), title, text) for i, (title, text) in enumerate(texts)]
    found = stand_in_queries(documents)
    assert len(set(found)) == len(found)
    assert all(any(part in document.title or part in document.text for document in documents) for part in found)
    assert all(part.strip() for part in found)
