"""The Decide tab's words and tables, without a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mrl_demo.advisor.blind import Preference
from mrl_demo.advisor.consult import consult
from mrl_demo.advisor.recommend import Advice, advice_plan
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Note, Query
from mrl_demo.lab.lab import Lab
from mrl_demo.scale.growth import measure_growth
from mrl_demo.thresholds.measure import ThresholdQuestion
from mrl_demo.ui.decide.advice import draw_advice
from mrl_demo.ui.decide.cost import costs_of, draw_costs
from mrl_demo.ui.decide.cutoff import draw_cutoff
from mrl_demo.ui.decide.growth import draw_growth
from mrl_demo.ui.decide.judging import draw_pair, verdicts_file
from mrl_demo.ui.decide.state import Decided, DecideState
from mrl_demo.ui.ids import Id
from tests.evaluation.word_world import WordEncoder, word_corpus
from tests.ui.samples import NASTY

NOTHING_YET = DecideState(Decided(), "words", "ndcg@10", "0.9", ("tiny",), cut_arm="tiny", cut_dim=8)


@pytest.fixture
def measured(lab: Lab) -> DecideState:
    """A consultation over queries and documents with nasty texts."""
    lab.encoders.add("words", WordEncoder())
    corpus = word_corpus(n_documents=200, n_queries=60)
    queries = tuple(Query(query.id, f"{query.text} {NASTY}") for query in corpus.queries)
    documents = tuple(replace(document, title=NASTY) for document in corpus.documents)
    corpus = replace(corpus, queries=queries, documents=documents, notes=(Note("n", NASTY),))
    advice = Advice(0.4, reference="words")
    consultation = consult(lab.builder, corpus, advice, advice_plan(advice, ["words"], dims=(6, 12, 48)))
    return replace(NOTHING_YET, decided=Decided(consultation, lab.blind_pairs(consultation)))


def test_before_anything_is_measured_every_section_has_a_hint(lab: Lab) -> None:
    assert "Press “Recommend”" in draw_advice(NOTHING_YET)[Id.DECIDE_ANSWER]
    assert "First let a setting be recommended" in draw_pair(NOTHING_YET)[Id.DECIDE_PAIR]
    assert "full length" in draw_cutoff(NOTHING_YET)[Id.DECIDE_CUTOFF_ANSWER]
    assert "Press “Measure growth”" in draw_growth(NOTHING_YET)[Id.DECIDE_GROWTH_ANSWER]
    assert verdicts_file(NOTHING_YET) is None


def test_what_was_measured_is_shown_and_nothing_of_it_is_markup(measured: DecideState) -> None:
    drawn = draw_advice(measured)
    for elem_id in (Id.DECIDE_ANSWER, Id.DECIDE_SETTINGS, Id.DECIDE_GROUPS, Id.DECIDE_LOST):
        assert "<script>" not in drawn[elem_id]
    assert "recommended" in drawn[Id.DECIDE_SETTINGS] and "worst first" in drawn[Id.DECIDE_GROUPS]
    assert "&lt;script&gt;" in drawn[Id.DECIDE_LOST]
    assert len(drawn[Id.DECIDE_FIGURE].data) == 3


def test_an_engine_that_could_not_be_timed_is_said_beside_the_answer(measured: DecideState, lab: Lab) -> None:
    lab.add_index("postgresql://me:geheim@127.0.0.2:1/lab", falls_back=True)
    decided = replace(measured.decided, engine=lab.engine_speed("fruit", "tiny"))
    answer = str(draw_advice(replace(measured, decided=decided))[Id.DECIDE_ANSWER])
    assert "was not timed. PostgreSQL does not answer: start it, or check host and port." in answer
    assert "geheim" not in answer


def test_growth_is_shown_with_where_its_line_ends(lab: Lab) -> None:
    lab.encoders.add("words", WordEncoder())
    state = replace(NOTHING_YET, cut_arm="words", grow_to=8_000)
    growth = measure_growth(lab.builder, word_corpus(n_documents=800), state.growth_question)
    drawn = draw_growth(replace(state, decided=Decided(growth=growth)))
    assert growth.sentence() in drawn[Id.DECIDE_GROWTH_ANSWER]
    assert "line at 8,000" in drawn[Id.DECIDE_GROWTH_TABLE]
    lines = [trace for trace in drawn[Id.DECIDE_GROWTH_FIGURE].data if trace.line.dash == "dot"]
    assert len(lines) == len(growth.lengths) and max(line.x[-1] for line in lines) == 8_000
    assert all(line.x[-1] <= 8_000 and line.y[-1] >= 0 for line in lines)
    with pytest.raises(LabError, match="write a whole number"):
        assert replace(state, grow_to=0.5).growth_question
    with pytest.raises(LabError, match="write a smaller number"):
        assert replace(state, grow_to=10**400).growth_question


def test_verdicts_move_on_to_the_next_pair_and_can_be_saved(measured: DecideState) -> None:
    pairs = measured.decided.pairs
    assert pairs and f"Pair 1 of {len(pairs)}" in draw_pair(measured)[Id.DECIDE_PAIR]
    decided = measured.decided.judged(Preference.SAME)
    state = replace(measured, decided=decided)
    drawn = draw_pair(state)
    assert "<script>" not in drawn[Id.DECIDE_PAIR] and "1 judged" in drawn[Id.DECIDE_VERDICTS]
    file = verdicts_file(state)
    assert file is not None and '"preferred": "same"' in file.text
    for _ in pairs:
        decided = decided.judged(Preference.LEFT)
    assert len(decided.verdicts) == len(pairs)
    assert f"All {len(pairs)} pairs are judged" in draw_pair(replace(measured, decided=decided))[Id.DECIDE_PAIR]


def test_a_translated_cutoff_has_its_table_and_its_picture(lab: Lab) -> None:
    translated = lab.translate_threshold("fruit", ThresholdQuestion(0.2, "tiny", 8))
    drawn = draw_cutoff(replace(NOTHING_YET, decided=Decided(threshold=translated)))
    assert "equal precision" in drawn[Id.DECIDE_CUTOFF_ANSWER]
    assert len(drawn[Id.DECIDE_CUTOFF_FIGURE].data) == 4


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"vectors": None}, "number of vectors is empty"),
        ({"replicas": 1.5}, "replicas is 1.5"),
        ({"memory_price": -1.0}, "memory_gib_month is -1.0"),
        ({"cut_dim": 99.0}, "from 1 to 32"),
    ],
)
def test_a_number_that_is_none_is_named_instead_of_priced(lab: Lab, wrong: dict[str, float], says: str) -> None:
    assert "a month" in draw_costs(lab, NOTHING_YET)[Id.DECIDE_COSTS]
    drawn = draw_costs(lab, replace(NOTHING_YET, **wrong))  # type: ignore[arg-type]
    assert says in drawn[Id.DECIDE_COSTS] and drawn[Id.DECIDE_COST_FIGURE] is None


def test_own_prices_are_used(lab: Lab) -> None:
    costs = costs_of(lab, replace(NOTHING_YET, memory_price=1.0, currency="EUR"))
    assert costs.prices.currency == "EUR" and costs.prices.source == "as you gave them"
    with pytest.raises(LabError, match="cut-off is empty"):
        _ = replace(NOTHING_YET, cutoff=None).question
