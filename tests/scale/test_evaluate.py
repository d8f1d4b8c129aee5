"""Shards give what an ordinary evaluation of the same vectors gives, in one pass that can be interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.errors import Cancelled, LabError
from mrl_demo.core.shards import ShardAbout, ShardError, ShardFolder, ShardWriter
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.evaluation.judging.metrics import Relevant
from mrl_demo.evaluation.sweeps.measure import measure_vectors
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.scale import scan
from mrl_demo.scale.evaluate import ShardedResult, evaluate_shards
from mrl_demo.scale.questions import ShardQuestions

PRECISIONS = ("float32", "int8", "binary", "int4", "int4+rescore@10")
PLAN = SweepPlan(("any",), (2, 5, 8), PRECISIONS, ("ndcg@5", "mrr@5", "recall@5", "overlap@5", "map@5"), resamples=10)


def write_folder(
    folder: Path, documents: FloatMatrix, questions: ShardQuestions, arm: str = "mine", rows_a_shard: int = 7
) -> Path:
    folder.mkdir(exist_ok=True)
    with ShardWriter(folder, ShardAbout(arm, dtype="float32"), rows_a_shard) as writer:
        for start in range(0, len(documents), 5):
            writer.append(documents[start : start + 5])
    questions.write(folder)
    return folder


def make_world(seed: int, n: int, q: int, coarse: bool) -> tuple[FloatMatrix, ShardQuestions]:
    """Documents, some of them equal, and questions with one to three graded answers; `coarse` makes many ties."""
    generator = np.random.default_rng(seed)
    documents = generator.normal(size=(n, 8)).astype(np.float32)
    if coarse:
        documents = np.rint(documents)
        documents[generator.integers(n, size=n // 3)] = documents[0]
    documents, queries = normalise(documents), normalise(generator.normal(size=(q, 8)).astype(np.float32))
    pairs = sorted({(i, int(d)) for i in range(q) for d in generator.integers(-1, n, size=1 + i % 3)})
    query, document = np.array(pairs).T
    grade = generator.integers(1, 4, size=len(pairs)).astype(np.float64)
    own = np.where(generator.random(q) < 0.3, generator.integers(n, size=q), -1)
    own[np.isin(np.arange(q) * n + own, query * n + document)] = -1
    return documents, ShardQuestions(queries, Relevant(query, document, grade, q), tuple(map(str, range(q))), own)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(9, 90), st.integers(1, 6), st.booleans(), st.integers(3, 40))
def test_shards_give_the_values_of_an_ordinary_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, n: int, q: int, coarse: bool, block: int
) -> None:
    monkeypatch.setattr(scan, "_BLOCK_ROWS", block)
    documents, questions = make_world(seed, n, q, coarse)
    result = evaluate_shards([write_folder(tmp_path / "world", documents, questions)], PLAN)
    expected = measure_vectors(
        ArmVectors(questions.vectors, documents),
        questions.relevant,
        PLAN.dims or (),
        PLAN.parsed_precisions(),
        PLAN.ranking_metrics(),
        excluded=questions.own_row,
    )
    assert {key[1:] for key in result.sweep.per_query} == set(expected.values)
    is_cut = any("tie with the last of a shortlist" in note for note in result.sweep.notes)
    for key, values in result.sweep.per_query.items():
        if is_cut and "rescore" in key[2]:
            continue
        np.testing.assert_allclose(values, expected.values[key[1:]], atol=1e-6, err_msg=str(key))


def test_a_pass_that_is_interrupted_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_BLOCK_ROWS", 16)
    monkeypatch.setattr(scan, "_KEEP_EVERY_S", 0.0)
    documents, questions = make_world(3, n=200, q=5, coarse=True)
    folder, kept = write_folder(tmp_path / "world", documents, questions, rows_a_shard=90), tmp_path / "kept"
    whole = evaluate_shards([folder], PLAN, sizes=[50, 120])

    def stop_at_two_thirds(share: float, _line: str) -> None:
        if share > 2 / 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        evaluate_shards([folder], PLAN, [50, 120], kept, stop_at_two_thirds)
    (stored,) = kept.glob("*.npz")
    shares: list[float] = []
    resumed = evaluate_shards([folder], PLAN, [50, 120], kept, lambda share, _line: shares.append(share))
    assert min(shares) > 2 / 3
    assert not stored.exists()
    assert resumed.growth == whole.growth
    assert resumed.sweep.rows == whole.sweep.rows


def test_a_damaged_record_of_a_pass_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_KEEP_EVERY_S", 0.0)
    documents, questions = make_world(4, n=60, q=3, coarse=False)
    folder, kept = write_folder(tmp_path / "world", documents, questions, rows_a_shard=20), tmp_path / "kept"

    def stop(share: float, _line: str) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        evaluate_shards([folder], PLAN, (), kept, stop)
    (stored,) = kept.glob("*.npz")
    stored.write_bytes(stored.read_bytes()[:-100])
    assert evaluate_shards([folder], PLAN, (), kept).sweep.rows == evaluate_shards([folder], PLAN).sweep.rows


def test_growth_is_what_the_first_rows_and_the_answers_alone_give(tmp_path: Path) -> None:
    documents, questions = make_world(5, n=80, q=6, coarse=False)
    plan = replace(PLAN, precisions=("float32",), metrics=("ndcg@5", "recall@5"))
    grown = evaluate_shards([write_folder(tmp_path / "all", documents, questions)], plan, sizes=[30])
    assert [point.n for point in grown.growth] == [30, 80]
    for query in range(6):
        answers = questions.relevant.document[questions.relevant.query == query]
        kept = np.union1d(np.arange(30), answers[answers >= 0])
        row = np.searchsorted(kept, answers)
        relevant = Relevant(np.zeros(len(row), int), np.where(answers < 0, -1, row), np.ones(len(row)), 1)
        own = np.searchsorted(kept, questions.own_row[query]) if questions.own_row[query] in kept else -1
        alone = ShardQuestions(questions.vectors[query : query + 1], relevant, ("0",), np.array([own]))
        folder = write_folder(tmp_path / f"alone-{query}", documents[kept], alone)
        expected = evaluate_shards([folder], plan).sweep.row("mine", 2, "recall@5")
        assert expected is not None
        assert _value_of(tmp_path / "all", plan, query) == pytest.approx(expected.value)


def _value_of(folder: Path, plan: SweepPlan, query: int) -> float:
    """Recall of one question at 2 numbers among the first 30 rows."""
    questions = ShardQuestions.read(folder, 8, 80)
    shards = ShardFolder.open(folder)
    scorer = scan.BlockScorer.fit(questions.vectors, (2,), plan.parsed_precisions(), shards.read_rows, shards.n)
    values = scan.ShardScan(shards, questions, scorer, plan.ranking_metrics(), sizes=(30,)).run()
    return float(values[30][2, "float32", "recall@5"][query])


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (replace(PLAN, metrics=("map",)), "name a depth"),
        (replace(PLAN, precisions=("binary+rescore-int8",)), "rescore by float32"),
        (replace(PLAN, dims=(9,)), "fewer than 9"),
        (replace(PLAN, metrics=("accuracy",)), "no labels"),
    ],
)
def test_what_a_pass_cannot_measure_is_refused_with_what_it_can(tmp_path: Path, plan: SweepPlan, says: str) -> None:
    folder = write_folder(tmp_path / "world", *make_world(6, n=20, q=2, coarse=False))
    with pytest.raises(LabError, match=says):
        evaluate_shards([folder], plan)


def test_folders_of_two_collections_are_not_measured_together(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one", *make_world(7, n=20, q=2, coarse=False), arm="one")
    other = write_folder(tmp_path / "other", *make_world(8, n=21, q=2, coarse=False), arm="other")
    with pytest.raises(ShardError, match="one collection"):
        evaluate_shards([one, other], PLAN)


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    documents, questions = make_world(9, n=20, q=2, coarse=False)
    folder = write_folder(tmp_path / "world", documents, questions)
    (folder / "qrels.tsv").write_text("query\tdocument\tgrade\n0\t20\t1\n", encoding="utf-8")
    with pytest.raises(ShardError, match="line 2: question 0 or document 20"):
        evaluate_shards([folder], PLAN)
    (folder / "vectors-00001.npy").unlink()
    with pytest.raises(ShardError, match="2 of 3 shards"):
        evaluate_shards([folder], PLAN)
    np.save(folder / "vectors-00001.npy", np.full((7, 8), np.nan, np.float32))
    questions.write(folder)
    with pytest.raises(ShardError, match=r"Row (7|8|9|1\d) of .* NaN"):
        evaluate_shards([folder], PLAN)


def test_plain_files_of_somebody_else_are_measured(tmp_path: Path) -> None:
    documents, questions = make_world(10, n=20, q=2, coarse=False)
    np.save(tmp_path / "vectors-a.npy", documents[:9].astype(np.float16))
    np.save(tmp_path / "vectors-b.npy", documents[9:].astype(np.float16))
    np.save(tmp_path / "queries.npy", questions.vectors)
    (tmp_path / "qrels.tsv").write_text("0\t3\t1\n1\t12\t1\n", encoding="utf-8")
    result: ShardedResult = evaluate_shards([tmp_path], PLAN)
    assert result.sweep.n_documents == 20
    assert result.sweep.arms[0].name == tmp_path.name


def test_questions_without_answers_are_measured_by_agreement(tmp_path: Path) -> None:
    documents, questions = make_world(11, n=30, q=3, coarse=False)
    folder = write_folder(tmp_path / "world", documents, questions)
    (folder / "qrels.tsv").unlink()
    sweep = evaluate_shards([folder], PLAN).sweep
    assert {row.metric for row in sweep.rows} == {"overlap@5"}
    assert any("No question has an answer" in note for note in sweep.notes)


def test_ties_that_a_list_has_no_room_for_are_counted_and_said(tmp_path: Path) -> None:
    documents, questions = make_world(12, n=300, q=4, coarse=False)
    documents[:200] = questions.vectors[0]
    notes = evaluate_shards([write_folder(tmp_path / "world", documents, questions)], PLAN).sweep.notes
    assert any("rescored" in note and "2 int4+rescore@10" in note for note in notes)
    assert any("their agreement is with the first of them" in note for note in notes)
