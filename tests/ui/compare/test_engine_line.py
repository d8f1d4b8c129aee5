"""The page says which engine answered, what it finds, and when it did not answer; never where it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mrl_demo.lab.lab import Lab
from mrl_demo.search.engines.opening import open_engine
from mrl_demo.search.engines.vector_engine import CollectionLayout
from mrl_demo.ui.compare.asking import ask
from mrl_demo.ui.compare.state import Question
from mrl_demo.ui.compare.view import results_html
from mrl_demo.ui.curves.view import engine_tables
from mrl_demo.ui.serve import say_index_problems
from tests.ui.samples import comparison


def test_results_name_the_engine_and_what_it_finds() -> None:
    plain = comparison()
    assert "Searched in" not in results_html(plain)
    first = plain.arms[0]
    told = replace(first, result=replace(first.result, engine="Qdrant, finds 98.2% of the exact first ten"))
    page = str(results_html(replace(plain, arms=(told, *plain.arms[1:]))))
    assert f"Searched in Qdrant, finds 98.2% of the exact first ten ({first.spec.label})." in page


def test_a_page_whose_engine_is_down_shows_results_and_a_notice_without_its_address(lab: Lab) -> None:
    lab.add_index("postgresql://me:geheim@127.0.0.2:1/lab", falls_back=True)
    answer = ask(lab, Question("ripen ethylene gas", "fruit", ("tiny", "tiny")), 8)
    assert answer.comparison is not None
    assert "PostgreSQL does not answer" in str(answer.notice_html)
    everything = str(answer.notice_html) + str(results_html(answer.comparison))
    assert not re.search("geheim|127.0.0.2", everything)


def test_the_speed_table_has_the_engine_beside_our_own_index(lab: Lab, tmp_path: Path) -> None:
    lab.load_index("fruit", "tiny", f"file:{tmp_path / 'vectors'}")
    lab.add_index(f"file:{tmp_path / 'vectors'}")
    speed = lab.engine_speed("fruit", "tiny", [8])
    assert speed is not None
    table = str(engine_tables({"Tiny": speed}))
    assert "Tiny in a file of vectors: 5 vectors, 2 queries one at a time" in table
    assert "100% (exact)" in table


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"fingerprint": "other"}, "have changed.*mrl index"),
        ({"layout": CollectionLayout(16)}, "16 numbers a vector, tiny has 32.*mrl index --replace"),
        ({"state": "loading"}, "did not end: run .mrl index. again"),
    ],
)
def test_a_page_whose_collection_is_another_one_shows_results_and_the_next_step(
    change: dict[str, object], match: str, lab: Lab, tmp_path: Path
) -> None:
    url = f"file:{tmp_path / 'geheim'}"
    lab.load_index("fruit", "tiny", url)
    engine = open_engine(url)
    card = engine.read_card()
    assert card
    engine.write_card(replace(card, **change))  # type: ignore[arg-type]
    lab.add_index(url, falls_back=True)
    answer = ask(lab, Question("ripen ethylene gas", "fruit", ("tiny", "tiny")), 8)
    assert answer.comparison is not None
    assert answer.comparison.arms[0].result.hits
    assert re.search(match, str(answer.notice_html))
    assert "geheim" not in str(answer.notice_html)


def test_whoever_starts_a_page_is_told_what_its_engines_lack(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.load_index("fruit", "tiny", f"file:{tmp_path / 'held'}")
    lab.add_index(f"file:{tmp_path / 'held'}", falls_back=True)
    say_index_problems(lab)
    assert capsys.readouterr().out == ""
    lab.add_index("postgresql://me:geheim@127.0.0.2:1/lab?collection=bees", falls_back=True)
    lab.add_index(f"file:{tmp_path / 'missing'}", falls_back=True)
    say_index_problems(lab)
    down, missing = capsys.readouterr().out.splitlines()
    assert down.startswith("Note: PostgreSQL, collection bees cannot be used now. PostgreSQL does not answer: start")
    assert "make it with `mrl index`. The page searches its own index until it can." in missing
    assert "geheim" not in down


def test_the_speed_section_says_why_an_engine_was_not_timed(lab: Lab) -> None:
    lab.add_index("postgresql://me:geheim@127.0.0.2:1/lab", falls_back=True)
    speed = lab.engine_speed("fruit", "tiny")
    assert speed is not None
    assert "was not timed. PostgreSQL does not answer: start it" in str(engine_tables({"Tiny": speed}))
    assert "<table" not in str(engine_tables({"Tiny": speed}))


@pytest.mark.parametrize("url", ["mysql://me:geheim@host/x", "qdrant://me:geheim@host:port/x"])
def test_a_page_does_not_start_with_an_address_that_is_none(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    from mrl_demo.cli import main

    assert main(["serve", "--port", "7", "--index", url]) == 2
    assert "geheim" not in capsys.readouterr().err
