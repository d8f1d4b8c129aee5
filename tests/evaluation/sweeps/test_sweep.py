from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import Cancelled, CorpusError, InvalidDimensionError, LabError, ModelError
from mrl_demo.core.types import Corpus, Document, FloatMatrix, Progress, Query, ScoredPair
from mrl_demo.core.vectors import normalise, truncate
from mrl_demo.corpora import make_corpus
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.evaluation.sweeps.plan import DEFAULT_METRICS, UNCUT_BASE, default_dims, metrics_for
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.evaluation.sweeps.scoring import sample_positions, score_blocks
from mrl_demo.search.quantised import ALL_PRECISIONS, Precision, parse_precision
from tests.evaluation.word_world import WordEncoder, run_sweep, word_corpus

Make = Callable[..., SpaceBuilder]


def naive(builder: SpaceBuilder, corpus: Corpus, dim: int) -> dict[str, float]:
    """Cut, normalise, sort and count in the plainest way."""
    documents = truncate(builder.documents("minilm", corpus), dim).astype(np.float64)
    queries = truncate(builder.queries("minilm", corpus), dim).astype(np.float64)
    found: dict[str, list[float]] = {"ndcg@10": [], "mrr@10": [], "recall@10": []}
    for query, vector in zip(corpus.queries, queries, strict=True):
        judged = corpus.judgements[query.id]
        ranking = [corpus.documents[i].id for i in np.argsort(-(documents @ vector), kind="stable")][:10]
        gains = [judged.get(doc, 0) for doc in ranking]
        ideal = sorted(judged.values(), reverse=True)[:10]
        discount = [1 / np.log2(place + 2) for place in range(10)]
        best = sum(g * d for g, d in zip(ideal, discount, strict=False))
        found["ndcg@10"].append(sum(g * d for g, d in zip(gains, discount, strict=True)) / best)
        found["mrr@10"].append(next((1 / place for place, gain in enumerate(gains, 1) if gain), 0.0))
        found["recall@10"].append(sum(gain > 0 for gain in gains) / len(judged))
    return {name: float(np.mean(values)) for name, values in found.items()}


def test_the_sweep_equals_cutting_and_sorting(make_builder: Make) -> None:
    builder, corpus = make_builder(), word_corpus()
    dims = (2, 3, 8, 13, 32, 48)
    result = run_sweep(builder, corpus, ["base"], dims)
    for dim in dims:
        for metric, value in naive(builder, corpus, dim).items():
            row = result.row("base", dim, metric)
            assert row is not None and row.value == pytest.approx(value, abs=1e-6)
            assert row.low <= row.value <= row.high and row.n_queries == 24
    assert {row.dim for row in result.rows} == set(dims)


def test_scores_do_not_depend_on_the_block_size(make_builder: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    precisions = ["float32", "int8", "binary", "binary+rescore", "int8+rescore"]
    builder, corpus = make_builder(), word_corpus()
    whole = run_sweep(builder, corpus, ["base"], (4, 16), precisions)
    monkeypatch.setattr("mrl_demo.evaluation.sweeps.scoring._SCORE_BYTES", 4 * 60 * 5)
    assert run_sweep(builder, corpus, ["base"], (4, 16), precisions).rows == whole.rows


@pytest.mark.parametrize("name", ALL_PRECISIONS)
def test_every_precision_orders_as_its_definition_says(name: str, make_builder: Make) -> None:
    from mrl_demo.search.quantised import SHORTLIST, quantise

    builder, corpus = make_builder(), word_corpus(150)
    documents, queries = builder.documents("minilm", corpus), builder.queries("minilm", corpus)
    precision = parse_precision(name)
    for block in score_blocks(queries, documents, (8, 20), [precision]):
        assert block.precision == precision
        rows = sample_positions(len(documents), precision=name)
        coded = quantise(documents, block.dim, name, rows)
        stored = coded.query_side(queries) @ coded.decode().T
        rows = sample_positions(len(documents))
        finer = quantise(documents, block.dim, precision.rescorer, rows).decode()
        exact = truncate(queries, block.dim) @ normalise(finer).T
        for row in range(len(queries)):
            expected = np.argsort(-stored[row], kind="stable")
            if precision.rescored:
                edge = stored[row, expected[SHORTLIST - 1]]
                listed = int((stored[row] >= edge - 1e-5).sum())  # Whatever ties with the last is listed too.
                head = expected[:listed]
                head = head[np.lexsort((head, -exact[row, head]))]
                expected = np.concatenate([head, expected[listed:]])
            order = np.argsort(-block.scores[row], kind="stable")
            np.testing.assert_allclose(stored[row][order[60:]], stored[row][expected[60:]], atol=1e-5)
            np.testing.assert_allclose(exact[row][order[:10]], exact[row][expected[:10]], atol=1e-5)


def test_full_dimension_agrees_with_itself_and_binary_does_not(make_builder: Make) -> None:
    result = run_sweep(
        make_builder(), word_corpus(), ["base"], (4, 48), ("float32", "binary"), ("overlap@10", "rbo@20", "ndcg@10")
    )
    for metric in ("overlap@10", "rbo@20"):
        full, cut, binary = (
            result.row("base", 48, metric),
            result.row("base", 4, metric),
            result.row("base", 48, metric, "binary"),
        )
        assert full is not None and cut is not None and binary is not None
        assert full.value == pytest.approx(1)
        assert cut.value < 1 and binary.value < 1


def test_agreement_over_a_handful_of_documents_is_said_to_mean_little(make_builder: Make) -> None:
    (note,) = run_sweep(make_builder(), word_corpus(5, 3), ["base"], (4, 48), metrics=("overlap@10",)).notes
    assert "Only 5 documents: a random order shares 100% of its first 10" in note
    assert not run_sweep(make_builder(), word_corpus(5, 3), ["base"], (4, 48), metrics=("ndcg@10",)).notes
    assert not run_sweep(make_builder(), word_corpus(5, 3), ["base"], (4, 48), metrics=("overlap@1",)).notes


def test_all_arms_of_one_model(make_builder: Make) -> None:
    arms = ["base", "corpus-pca", "base+pca", "base-random", "minilm", "minilm+adapted", "bm25"]
    result = run_sweep(make_builder(), word_corpus(), arms, (4, 48), metrics=DEFAULT_METRICS)
    assert [arm.name for arm in result.arms] == arms
    assert not result.notes

    def value(arm: str, dim: int | None = 4) -> float:
        row = result.row(arm, dim, "ndcg@10", "none" if dim is None else "float32")
        assert row is not None
        return row.value

    assert value("base") == value("minilm")
    assert value("corpus-pca") == value("base+pca")
    for arm in ("corpus-pca", "base-random", "minilm+adapted"):
        assert value(arm, 48) == pytest.approx(value("base", 48), abs=1e-6)
    assert 0 < value("bm25", None) <= 1
    assert result.row("bm25", None, "overlap@10", "none") is None
    random = result.row("base-random", 4, "ndcg@10")
    assert random is not None and random.band_low is not None and random.band_high is not None
    assert random.band_low < random.value < random.band_high
    assert result.row("base", 4, "ndcg@10").band_low is None  # type: ignore[union-attr]


def test_differences_and_retention(make_builder: Make) -> None:
    builder = make_builder(minilm=WordEncoder(), weak=WordEncoder(3))
    result = run_sweep(builder, word_corpus(n_queries=60), ["base", "weak"], (2, 3))
    row, base, weak = (
        result.row(*key) for key in (("base", 3, "ndcg@10"), ("base", 2, "ndcg@10"), ("weak", 2, "ndcg@10"))
    )
    assert row is not None and base is not None and weak is not None
    gain = result.difference(weak, "base")
    assert gain is not None and gain.difference == pytest.approx(weak.value - base.value, abs=1e-6)
    assert gain.low <= gain.difference <= gain.high and gain.p <= gain.p_holm <= 1
    loss = result.difference(base, "full")
    assert loss is not None and loss.verdict == "worse" and loss.high < 0
    retention = result.retention(base)
    full = next(each for each in result.full if (each.arm, each.metric) == ("base", "ndcg@10"))
    assert full.dim == 48 and retention == pytest.approx(base.value / full.value)
    kept = result.retention_row(base)
    assert kept is not None and kept.value == pytest.approx(retention)
    assert 0 < kept.low < kept.value < kept.high < 1
    assert result.difference(base, "base") is None
    np.testing.assert_allclose(result.values(base.key).mean(), base.value, atol=1e-6)


def test_json_and_csv(make_builder: Make) -> None:
    result = run_sweep(make_builder(), word_corpus(), ["base", "base-random", "bm25"], (4, 48), ("float32", "int8"))
    again = SweepResult.from_json(result.to_json())
    assert again == result and not again.per_query
    raw = json.loads(result.to_json())
    assert set(raw["rows"][0]) == {"arm", "dim", "precision", "metric", "value", "low", "high", "n_queries"}
    assert raw["corpus"] == "words" and raw["hardware"] and raw["date"].endswith("+00:00")
    lines = result.to_csv().splitlines()
    assert lines[0].startswith("arm,dim,precision,metric,value,low,high,n_queries,")
    assert len(lines) == len(result.rows) + 1
    with pytest.raises(CorpusError, match="measure them again"):
        SweepResult.from_json('{"rows": []}')


class NaNEncoder(WordEncoder):
    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        rows = super().encode_documents(texts, progress)
        rows[list(texts).index(word_corpus().documents[2].text), 1] = np.nan
        return rows


class BrokenEncoder(WordEncoder):
    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        raise OSError(f"no such file: weights.bin (for {len(texts)} texts)")


def test_what_cannot_be_measured_is_left_out_and_named(make_builder: Make) -> None:
    builder = make_builder(minilm=WordEncoder(), broken=BrokenEncoder(seed="b"), spoilt=NaNEncoder(seed="n"))
    result = run_sweep(builder, word_corpus(), ["base", "tuned", "broken", "spoilt"], (8, 64))
    assert [arm.name for arm in result.arms] == ["base"]
    assert {row.dim for row in result.rows} == {8}
    notes = "\n".join(result.notes)
    assert "base has 48 dimensions: 64 left out" in notes
    assert "tuned is left out: There is no model 'tuned'" in notes
    assert "broken is left out: no such file: weights.bin" in notes
    assert "spoilt is left out: The vectors of 1 document texts hold NaN or infinity (first: 'd002')" in notes


def test_an_arm_that_there_is_not_is_refused_before_any_work(make_builder: Make) -> None:
    builder = make_builder(minilm=BrokenEncoder())
    with pytest.raises(ModelError, match="There is no arm 'nothing': choose among base"):
        run_sweep(builder, word_corpus(), ["base", "nothing"], (8,))


def test_nothing_measurable_is_an_error(make_builder: Make) -> None:
    with pytest.raises(LabError, match=r"No arm could be measured.*fewer than 4096"):
        run_sweep(make_builder(), word_corpus(), ["base"], (4096,))
    with pytest.raises(LabError, match="choose among"):
        run_sweep(make_builder(), word_corpus(), ["base"], (8,), ("int3",))
    with pytest.raises(InvalidDimensionError):
        run_sweep(make_builder(), word_corpus(), ["base"], (0,))
    with pytest.raises(LabError, match="is already rotated"):
        run_sweep(make_builder(), word_corpus(), ["corpus-pca+adapted"], (8,))
    with pytest.raises(CorpusError, match="no query to score"):
        run_sweep(make_builder(), replace(word_corpus(), queries=()), ["base"], (8,))


def test_odd_judgements_are_reported(make_builder: Make) -> None:
    corpus = word_corpus()
    judgements = {query: dict(grades) for query, grades in corpus.judgements.items()}
    judgements["q0"]["gone"] = 1
    judgements["q1"] = {"also-gone": 2}
    judgements["q2"] = {"d001": 0}
    judgements["stranger"] = {"d001": 1}
    queries = (*corpus.queries, Query("q3", "word1 word2"), Query("blank", "  "), Query("unjudged", "word5"))
    documents = (*corpus.documents, Document("d001", "", "word7"), Document("empty", "", ""))
    odd = replace(corpus, judgements=judgements, queries=queries, documents=documents, fingerprint="odd")
    notes = "\n".join(judged_set(odd).notes)
    assert "2 judged documents are not in the collection ('also-gone', 'gone'): they count as never found" in notes
    assert "Judgements of 1 queries that are not there ('stranger')" in notes
    assert "2 of 25 queries have no relevant document ('q2', 'unjudged')" in notes
    assert "1 queries repeat an id ('q3')" in notes
    assert "1 queries without text ('blank')" in notes
    assert "1 document ids stand more than once ('d001')" in notes
    assert "1 documents have no text ('empty')" in notes
    result = run_sweep(make_builder(), odd, ["base"], (8,))
    assert result.n_queries == 23 and set(judged_set(odd).notes) <= set(result.notes)


def test_no_judgement_leaves_agreement(make_builder: Make) -> None:
    result = run_sweep(make_builder(), replace(word_corpus(), judgements={}), ["base", "bm25"], (8,))
    assert {row.metric for row in result.rows} == {"overlap@10", "rbo@100"}
    assert any("only agreement" in note for note in result.notes)
    assert any(note.startswith("bm25 is left out") for note in result.notes)


def test_one_query_says_too_little(make_builder: Make) -> None:
    corpus = word_corpus()
    result = run_sweep(make_builder(), replace(corpus, queries=corpus.queries[:1]), ["base"], (2, 48))
    assert any("One query" in note for note in result.notes)
    row = result.row("base", 48, "ndcg@10")
    assert row is not None and row.low == row.value == row.high


def test_a_split_is_chosen_where_there_is_one() -> None:
    corpus = word_corpus()
    split = tuple(replace(query, split="test" if i < 5 else "train") for i, query in enumerate(corpus.queries))
    chosen = judged_set(replace(corpus, queries=split))
    assert [query.id for query in chosen.queries] == ["q0", "q1", "q2", "q3", "q4"]
    assert any("5 of 24 queries are scored: the 'test' split" in note for note in chosen.notes)


def test_an_unknown_or_ambiguous_split_names_those_there_are() -> None:
    corpus = word_corpus()
    halves = tuple(replace(query, split="dev" if i % 2 else "train") for i, query in enumerate(corpus.queries))
    for split, message in (("test", "no split 'test': it has dev, train"), ("", "has the splits dev, train: choose")):
        with pytest.raises(CorpusError, match=message):
            judged_set(replace(corpus, queries=halves), split)
    with pytest.raises(CorpusError, match="not split"):
        judged_set(corpus, "dev")
    lone = tuple(replace(query, split="dev") for query in corpus.queries)
    assert len(judged_set(replace(corpus, queries=lone)).queries) == 24


def test_a_sample_of_the_queries_is_drawn_by_its_seed() -> None:
    corpus = word_corpus()
    one, again, other = (judged_set(corpus, sample=10, seed=seed) for seed in (0, 0, 1))
    assert len(one.queries) == 10
    assert one.queries == again.queries != other.queries
    assert "10 of 24 queries are scored: drawn with seed 0." in one.notes


def test_labels_and_scored_pairs_are_metrics_of_the_plan(make_builder: Make) -> None:
    corpus = word_corpus(120)
    documents = tuple(replace(doc, domain=f"d{i % 3}", topic=f"t{i % 12}") for i, doc in enumerate(corpus.documents))
    pairs = tuple(ScoredPair(f"word{i} word{i + 1}", f"word{i} word{i + 2}", float(i)) for i in range(12))
    labelled = replace(corpus, documents=documents, pairs=pairs)
    metrics = ("ndcg@10", "accuracy", "knn-macro-f1@topic", "spearman")
    result = run_sweep(make_builder(), labelled, ["base", "base+pca"], (4, 48), metrics=metrics)
    assert {row.metric for row in result.rows} == set(metrics)
    whole, short = result.row("base", 48, "accuracy"), result.row("base", 4, "accuracy")
    assert whole is not None and short is not None and 0 <= short.low <= short.value <= short.high <= 1
    kept = result.retention_row(short)
    assert kept is not None and kept.value == pytest.approx(short.value / whole.value)
    uncut = result.row("base+pca", 48, "spearman")
    full = result.row("base", 48, "spearman")
    assert uncut is not None and full is not None and uncut.value == pytest.approx(full.value, abs=1e-6)
    nothing = run_sweep(make_builder(), word_corpus(), ["base"], (8,), metrics=("ndcg@10", "accuracy", "spearman"))
    notes = "\n".join(nothing.notes)
    assert "accuracy is left out: words has no labels" in notes
    assert "spearman is left out: words has no scored pairs" in notes


def labelled_corpus() -> Corpus:
    """Two kinds of documents, each with words of its own, no queries."""
    words = {"sea": ["tide", "fish", "salt"], "sky": ["cloud", "star", "wing"]}
    generator = np.random.default_rng(0)
    kinds = [["sea", "sky"][i % 2] for i in range(60)]
    texts = [" ".join(generator.choice(words[kind], size=5)) for kind in kinds]
    documents = [Document(f"t{i}", "", text, kind) for i, (text, kind) in enumerate(zip(texts, kinds, strict=True))]
    return make_corpus("labelled", "Labelled", documents)


def test_labels_need_no_queries_and_what_needs_them_says_so(make_builder: Make) -> None:
    corpus = labelled_corpus()
    assert metrics_for(corpus) == ("accuracy", *(f"{k}-shot-accuracy" for k in (1, 2, 5, 10)))
    result = run_sweep(make_builder(), corpus, ["base"], (2, 48), metrics=("accuracy", "macro-f1", "mrr@10"))
    whole = result.row("base", 48, "accuracy")
    assert whole is not None and whole.value == 1 and whole.n_queries == 18
    assert 0.8 < whole.low < 0.9 and whole.high == 1  # 18 of 18 is not surely all.
    assert result.row("base", 48, "macro-f1") is not None and result.n_queries == 0
    assert [note for note in result.notes if note.startswith("mrr@10 is left out: labelled has no query")]
    with pytest.raises(CorpusError, match=r"no query to score.*or measure its labels"):
        run_sweep(make_builder(), corpus, ["base"], metrics=("ndcg@10",))
    with pytest.raises(CorpusError, match="no split 'dev'"):
        run_sweep(make_builder(), corpus, ["base"], metrics=("accuracy",), split="dev")


def test_neither_labels_nor_pairs_is_refused_before_anything_is_encoded(make_builder: Make) -> None:
    builder = make_builder(minilm=BrokenEncoder())
    with pytest.raises(CorpusError, match=r"accuracy is left out: words has no labels.*spearman.*no scored pairs"):
        run_sweep(builder, word_corpus(), ["base"], metrics=("accuracy", "spearman"))


def test_an_arm_of_seeds_is_classified_by_the_mean_of_its_seeds(make_builder: Make) -> None:
    result = run_sweep(make_builder(), labelled_corpus(), ["base", "base-random"], (2,), metrics=("accuracy",))
    row, base = result.row("base-random", 2, "accuracy"), result.row("base", 2, "accuracy")
    assert row is not None and base is not None
    assert row.value * 18 * 5 == pytest.approx(round(row.value * 18 * 5), abs=1e-3)
    assert result.difference(row, "base") is not None


def test_uncut_base_and_other_arms_to_compare_with(make_builder: Make) -> None:
    arms = ["base", "base+pca"]
    result = run_sweep(
        make_builder(), word_corpus(), arms, (4, 48), metrics=("ndcg@10",), against=("base", "base+pca", UNCUT_BASE)
    )
    values = {row.key: row.value for row in result.rows}
    full = values["base", 48, "float32", "ndcg@10"]
    by_against = {(row.arm, row.dim, row.against): row.difference for row in result.differences}
    for arm in arms:
        gain = by_against[arm, 4, UNCUT_BASE]
        assert gain == pytest.approx(values[arm, 4, "float32", "ndcg@10"] - full, abs=1e-6)
    assert ("base", 4, "base+pca") in by_against and ("base", 48, UNCUT_BASE) not in by_against


def test_progress_rises_and_can_cancel(make_builder: Make) -> None:
    seen: list[float] = []
    run_sweep(make_builder(), word_corpus(), ["base", "bm25"], (8, 16), progress=lambda share, _: seen.append(share))
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1)

    class StopError(Exception):
        pass

    for error in (Cancelled("stop"), StopError()):

        def stop(share: float, _: str, error: Exception = error) -> None:
            if share > 0.6:
                raise error

        with pytest.raises(type(error)):
            run_sweep(make_builder(), word_corpus(), ["base"], (8, 16), progress=stop)


def test_default_dims_end_at_full_length() -> None:
    assert default_dims(384) == (8, 16, 32, 64, 96, 128, 192, 256, 384)
    assert default_dims(768)[-2:] == (512, 768)
    assert default_dims(5) == (5,)


def test_memory_stays_bounded() -> None:
    """Peak beyond the given vectors: three score buffers and the norms, whatever the number of queries."""
    import tracemalloc

    documents = np.zeros((50_000, 16), dtype=np.float32)
    documents[:, 0] = 1
    queries = documents[:2_000]
    tracemalloc.start()
    for _ in score_blocks(queries, documents, (4, 8, 16), [Precision("float32")]):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * 2**20
