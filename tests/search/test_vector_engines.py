"""One suite over our own indexes and every engine that keeps vectors elsewhere: answers, ties, filters, funnels."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.core.errors import Cancelled, InvalidDimensionError, LabError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.search.cascade import Cascade, parse_cascade
from mrl_demo.search.engine import Engine
from mrl_demo.search.engines.collection import CollectionIndex
from mrl_demo.search.engines.errors import EngineDownError, EngineError, EngineMismatchError
from mrl_demo.search.engines.loading import LoadOptions, LoadReport, VectorRows, load_collection
from mrl_demo.search.engines.opening import open_engine
from mrl_demo.search.engines.vector_engine import (
    READY,
    CollectionCard,
    CollectionLayout,
    VectorBatch,
    VectorEngine,
    content_key,
)
from mrl_demo.search.flat import FlatIndex
from mrl_demo.search.funnel import FunnelIndex
from mrl_demo.search.prefix import PrefixIndex
from mrl_demo.search.sketch import SketchIndex
from tests.search.brute_force import cosines, nearest, random_vectors

N, D = 300, 24
LAYOUT = CollectionLayout(D, (4, 8, 16))
#: Eight equal vectors apart from each other, and two of zeros.
TWINS, ZEROS = [3, 40, 41, 99, 150, 222, 280, 299], [7, 200]
EXTERNAL = ("file", "qdrant", "milvus", "postgresql")
EMBEDDED: dict[str, Callable[[FloatMatrix], Engine]] = {
    "prefix": PrefixIndex,
    "sketch": lambda vectors: SketchIndex(PrefixIndex(vectors), few=1.0),
    "faiss": lambda vectors: FlatIndex(vectors, "float32", lengths_kept=4),
}
_names = (f"tests_{number}" for number in itertools.count())

every_external = pytest.mark.parametrize("kind", EXTERNAL)


def make_vectors() -> FloatMatrix:
    vectors = normalise(random_vectors(N, D))
    vectors[TWINS] = vectors[3]
    vectors[ZEROS] = 0
    return vectors


VECTORS = make_vectors()
QUERIES = random_vectors(6, D, seed=1)
KEYS = [content_key(f"d{row}", "text") for row in range(N)]
ROWS = VectorRows(KEYS, VECTORS, [{"id": f"d{row}", "topic": f'it\'s "ü" {row % 3}'} for row in range(N)])
CARD = CollectionCard("tests", "f1", "base", "m1", "", LAYOUT, N)


@dataclass
class Places:
    """Addresses of engines for this run, a fresh collection each time one is asked for."""

    folder: Path
    postgres: Callable[[], str]

    def url(self, kind: str, *, reopens: bool = False) -> str:
        name = next(_names)
        if kind == "qdrant" and not reopens:  # Its files take 30 ms a point.
            return f"qdrant:///:memory:?collection={name}"
        if kind == "postgresql":
            address = self.postgres()
            return f"{address}{'&' if '?' in address else '?'}collection={name}"
        path = {"file": self.folder / name, "qdrant": self.folder / "qdrant" / name, "milvus": self.folder / "m.db"}
        return f"{kind}://{path[kind]}?collection={name}"


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Places:
    return Places(tmp_path_factory.mktemp("engines"), lambda: request.getfixturevalue("postgres"))


@pytest.fixture(scope="module")
def loaded(places: Places) -> Iterator[Callable[[str], CollectionIndex]]:
    """The collection in an engine, loaded once."""
    indexes: dict[str, CollectionIndex] = {}

    def get(kind: str) -> CollectionIndex:
        if kind not in indexes:
            engine = open_engine(places.url(kind))
            load_collection(engine, CARD, ROWS, LoadOptions(batch=90))
            card = engine.read_card()
            assert card == replace(CARD, state=READY)
            indexes[kind] = CollectionIndex(engine, card, KEYS)
        return indexes[kind]

    yield get
    for index in indexes.values():
        index.engine.drop()
        index.engine.close()


@pytest.fixture(params=[*EMBEDDED, *EXTERNAL])
def engine(request: pytest.FixtureRequest, loaded: Callable[[str], CollectionIndex]) -> Engine:
    kind = request.param
    return EMBEDDED[kind](VECTORS) if kind in EMBEDDED else loaded(kind)


@pytest.mark.parametrize("dim", [1, 4, 5, 8, 16, 23, 24])
def test_every_length_finds_what_comparing_everything_finds(engine: Engine, dim: int) -> None:
    top = engine.search(QUERIES, dim, 10)
    assert (top.indices.shape, top.indices.dtype, top.scores.dtype) == ((6, 10), np.int64, np.float32)
    for row, query in enumerate(QUERIES):
        expected = cosines(VECTORS, query, dim)
        np.testing.assert_allclose(top.scores[row], np.sort(expected)[::-1][:10], atol=3e-6)
        np.testing.assert_allclose(expected[top.indices[row]], top.scores[row], atol=3e-6)


@pytest.mark.parametrize("k", [1, 3, 8, 9, 60, N, N + 5])
def test_equal_documents_come_in_their_order(engine: Engine, k: int) -> None:
    found = engine.search(VECTORS[3], D, k).indices[0].tolist()
    assert found[:8] == TWINS[:k]
    assert len(set(found)) == min(k, N)
    assert found[: min(k, 60)] == nearest(VECTORS, VECTORS[3], D, min(k, 60)).tolist()


def test_vectors_of_zeros_have_cosine_zero(engine: Engine) -> None:
    top = engine.search(QUERIES[0], D, N)
    places = [top.indices[0].tolist().index(row) for row in ZEROS]
    assert np.abs(top.scores[0][places]).max() == 0
    assert (np.diff(top.scores[0]) <= 0).all()
    assert engine.search(np.zeros(D, np.float32), D, 3).indices.tolist() == [[0, 1, 2]]


def test_it_refuses_what_every_engine_refuses(engine: Engine) -> None:
    assert (engine.n, engine.dimension) == (N, D)
    with pytest.raises(InvalidDimensionError, match="1 to 24"):
        engine.search(QUERIES, 25, 3)
    with pytest.raises(LabError, match="k=0"):
        engine.search(QUERIES, 8, 0)
    with pytest.raises(LabError, match="NaN"):
        engine.search(np.full(D, np.nan, np.float32), 8, 3)
    with pytest.raises(LabError, match="do not fit"):
        engine.search(np.ones(D - 1, np.float32), 8, 3)
    assert engine.search(np.empty((0, D), np.float32), 8, 3).indices.shape == (0, 3)


@every_external
def test_it_says_what_it_is_and_takes(kind: str, loaded: Callable[[str], CollectionIndex]) -> None:
    index = loaded(kind)
    assert index.is_exact == index.engine.has_all_lengths == (kind in {"file", "postgresql"})
    assert index.is_exact_at(8)
    assert index.is_exact_at(5) == index.engine.has_all_lengths
    assert index.engine.count() == N
    total = index.engine.stats().total
    assert total is None if kind == "qdrant" else total and total > 4 * N * D * (kind != "milvus")


@every_external
@pytest.mark.parametrize("dim", [8, 5])
def test_a_filter_leaves_the_best_of_what_fits(kind: str, dim: int, loaded: Callable[[str], CollectionIndex]) -> None:
    index = loaded(kind)
    fits = [row for row in range(N) if row % 3 == 1]
    top = index.search(QUERIES[2], dim, 20, where={"topic": 'it\'s "ü" 1'})
    expected = [fits[row] for row in nearest(VECTORS[fits], QUERIES[2], dim, 20)]
    assert top.indices[0].tolist() == expected
    assert index.search(QUERIES[2], dim, 5, where={"topic": 'it\'s "ü" 1', "id": "d4"}).indices.tolist() == [[4]]
    assert index.search(QUERIES[2], dim, 5, where={"topic": "no"}).indices.shape == (1, 0)


@every_external
@pytest.mark.parametrize("stages", ["4:60,24:10", "8:100,16:30,24:10", "6:80,24:10", "24:10"])
def test_its_funnel_is_our_funnel(kind: str, stages: str, loaded: Callable[[str], CollectionIndex]) -> None:
    cascade = parse_cascade(stages, D)
    queries = normalise(QUERIES)
    ours = FunnelIndex(PrefixIndex(VECTORS)).search(queries, cascade, 10)
    top = loaded(kind).funnel(QUERIES, cascade, 10)
    assert top.indices.tolist() == ours.indices.tolist()
    np.testing.assert_allclose(top.scores, ours.scores, atol=3e-6)


@every_external
def test_a_funnel_that_begins_with_codes_is_refused(kind: str, loaded: Callable[[str], CollectionIndex]) -> None:
    with pytest.raises(EngineError, match="begin with numbers"):
        loaded(kind).funnel(QUERIES, parse_cascade("binary@24:50,24:10", D), 10)


@every_external
def test_a_second_run_sends_only_what_is_new_and_removes_what_is_gone(kind: str, places: Places) -> None:
    engine = open_engine(places.url(kind))
    changed = VectorRows([*KEYS[20:40], *KEYS[:10]], VECTORS[[*range(20, 40), *range(10)]], ROWS.attributes[:30])

    def load(rows: VectorRows, **changes: object) -> LoadReport:
        return load_collection(engine, replace(CARD, count=len(rows.keys), **changes), rows, LoadOptions(batch=7))

    first = VectorRows(KEYS[:30], VECTORS[:30], ROWS.attributes[:30])
    report = load(first)
    assert (report.sent, report.kept, report.removed) == (30, 0, 0)
    assert load(first).sent == 0
    report = load(changed, fingerprint="f2")
    assert (report.sent, report.kept, report.removed) == (10, 20, 10)
    assert engine.keys() == {*changed.keys}
    card = engine.read_card()
    assert card and (card.fingerprint, card.state, card.count) == ("f2", READY, 30)
    top = CollectionIndex(engine, card, changed.keys).search(QUERIES, 8, 5)
    assert top.indices.tolist() == [nearest(changed.vectors, query, 8, 5).tolist() for query in QUERIES]
    with pytest.raises(EngineMismatchError, match="no longer holds these documents"):
        CollectionIndex(engine, card, KEYS[10:40]).search(QUERIES, 8, 30)
    for change, match in (({"model": "m2"}, "another model"), ({"rotation": "r"}, "another rotation")):
        with pytest.raises(EngineMismatchError, match=f"{match}.*--replace"):
            load(changed, **change)
    assert load_collection(engine, replace(CARD, model="m2"), first, replaces=True).sent == 30
    engine.drop()
    assert engine.read_card() is None
    engine.drop()
    engine.close()


@every_external
def test_a_cancelled_upload_goes_on_where_it_was(kind: str, places: Places) -> None:
    url = places.url(kind, reopens=True)
    engine, rows = open_engine(url), VectorRows(KEYS[:40], VECTORS[:40], ROWS.attributes[:40])

    def cancel(share: float, line: str) -> None:
        if share > 0.3:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        load_collection(engine, CARD, rows, LoadOptions(batch=5, workers=1), cancel)
    card = engine.read_card()
    assert card and card.state == "loading"
    engine.close()
    engine = open_engine(url)  # Another process, for all it knows.
    sent = len(engine.keys())
    assert 0 < sent < 40
    report = load_collection(engine, CARD, rows, LoadOptions(batch=5))
    assert (report.kept, report.sent) == (sent, 40 - sent)
    assert engine.keys() == {*KEYS[:40]}
    engine.drop()
    engine.close()


@every_external
def test_sending_rows_twice_keeps_one_of_each(kind: str, places: Places) -> None:
    engine = open_engine(places.url(kind))
    engine.create(replace(CARD, count=5))
    batch = VectorBatch(KEYS[:5], VECTORS[:5], ROWS.attributes[:5])
    engine.upload(batch)
    engine.upload(batch)
    engine.delete([*KEYS[:2], KEYS[100]])
    engine.finish()
    assert engine.keys() == {*KEYS[2:5]}
    assert engine.count() == 3
    engine.drop()
    engine.close()


@every_external
def test_a_collection_that_is_not_there_is_said(kind: str, places: Places) -> None:
    engine = open_engine(places.url(kind))
    with pytest.raises(EngineMismatchError, match="mrl index"):
        engine.search(QUERIES, 8, 3)
    assert engine.read_card() is None
    engine.close()


class Flaky:
    """An engine that does not answer every third time."""

    def __init__(self, engine: VectorEngine) -> None:
        self.engine, self.asked = engine, 0

    def __getattr__(self, name: str) -> object:
        value = getattr(self.engine, name)
        if not callable(value):
            return value

        def ask(*given: object) -> object:
            self.asked += 1
            if self.asked % 3 == 2:
                raise EngineDownError("It does not answer.")
            return value(*given)

        return ask


def test_an_engine_that_fails_now_and_then_is_asked_again(tmp_path: Path) -> None:
    engine = open_engine(f"file:{tmp_path / 'vectors'}")
    waits: list[float] = []
    flaky: VectorEngine = Flaky(engine)  # type: ignore[assignment]
    report = load_collection(flaky, CARD, ROWS, LoadOptions(batch=50, workers=1, sleep=waits.append))
    assert (report.sent, engine.keys()) == (N, {*KEYS})
    assert waits
    with pytest.raises(EngineDownError):
        load_collection(flaky, CARD, ROWS, LoadOptions(attempts=1))


def test_rows_that_cannot_be_kept_are_named(tmp_path: Path) -> None:
    engine = open_engine(f"file:{tmp_path / 'vectors'}")
    twice = VectorRows([KEYS[0], KEYS[0]], VECTORS[:2], ROWS.attributes[:2])
    with pytest.raises(EngineError, match="same id and text"):
        load_collection(engine, CARD, twice)
    broken = VECTORS.copy()
    broken[5, 3] = np.nan
    with pytest.raises(EngineError, match="Vector 5 holds NaN"):
        load_collection(engine, CARD, replace(ROWS, vectors=broken))


def test_a_file_torn_by_a_kill_is_mended(tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    engine = open_engine(f"file:{folder}")
    engine.create(CARD)
    engine.upload(VectorBatch(KEYS[:50], VECTORS[:50], ROWS.attributes[:50]))
    for name, torn in (("vectors.f32", b"abc" * 40), ("keys.bin", b"12345"), ("attributes.jsonl", b'{"id": "to')):
        with (folder / "staging" / name).open("ab") as handle:
            handle.write(torn)
    (folder / "generation-0001").mkdir()  # And one that was never finished.
    again = open_engine(f"file:{folder}")
    assert load_collection(again, CARD, ROWS).sent == N - 50
    index = CollectionIndex(again, CARD, KEYS)
    assert index.search(QUERIES, 8, 5).indices.tolist() == PrefixIndex(VECTORS).search(QUERIES, 8, 5).indices.tolist()
    assert index.search(QUERIES[0], 24, 3, where={"id": "d60"}).indices.tolist() == [[60]]
    assert not (folder / "staging").exists()


def test_codes_of_milvus_lite_are_rescored_by_float32(places: Places) -> None:
    engine = open_engine(places.url("milvus"))
    layout = CollectionLayout(D, (16,), is_approximate=True, precision="int8")
    load_collection(engine, replace(CARD, layout=layout), ROWS)
    index = CollectionIndex(engine, replace(CARD, layout=layout), KEYS)
    for dim in (16, D, 5):
        top = index.search(QUERIES, dim, 10)
        expected = np.stack(
            [cosines(VECTORS, query, dim)[rows] for query, rows in zip(QUERIES, top.indices, strict=True)]
        )
        np.testing.assert_allclose(top.scores, expected, atol=3e-6)
        exact = PrefixIndex(VECTORS).search(QUERIES, dim, 10).scores
        assert np.isclose(top.scores, exact, atol=3e-6).mean() > 0.95
    engine.drop()
    engine.close()


@pytest.mark.parametrize("precision", ["float32", "float16", "binary"])
def test_an_approximate_index_keeps_its_recall(precision: str, places: Places) -> None:
    engine = open_engine(places.url("postgresql"))
    layout = CollectionLayout(
        D, (16,), is_approximate=True, precision=precision, parts=2 if precision == "binary" else 1
    )
    load_collection(engine, replace(CARD, layout=layout), ROWS)
    index = CollectionIndex(engine, replace(CARD, layout=layout), KEYS)
    assert not index.is_exact
    exact = PrefixIndex(VECTORS)
    for dim in (16, D):
        found, wanted = index.search(QUERIES, dim, 10).indices, exact.search(QUERIES, dim, 10).indices
        kept = np.mean([len({*a} & {*b}) / 10 for a, b in zip(found.tolist(), wanted.tolist(), strict=True)])
        assert kept >= (0.6 if precision == "binary" else 0.95)
    assert index.is_exact_at(5)
    assert index.search(QUERIES, 5, 10).indices.tolist() == exact.search(QUERIES, 5, 10).indices.tolist()
    fits = [row for row in range(N) if row % 3 == 1]
    filtered = index.search(QUERIES[2], 16, 20, where={"topic": 'it\'s "ü" 1'}).indices[0].tolist()
    assert (len(filtered), {*filtered} <= {*fits}) == (20, True)  # A filter leaves no list short.
    funnel = Cascade(parse_cascade("16:100,24:10", D).stages)
    assert index.funnel(QUERIES, funnel, 10).indices.shape == (6, 10)
    assert (engine.stats().indexes or 0) > 0
    engine.drop()
    engine.close()


@pytest.mark.parametrize(
    ("layout", "match"),
    [
        ({"dims": (0,)}, "do not fit"),
        ({"dims": (25,)}, "do not fit"),
        ({"precision": "int4"}, "int4"),
        ({"precision": "binary"}, "--hnsw"),
        ({"parts": 0}, "0 parts"),
    ],
)
def test_layouts_that_cannot_be_are_refused(layout: dict[str, object], match: str) -> None:
    with pytest.raises(EngineError, match=match):
        CollectionLayout(D, **layout)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("mysql://host/db", "'mysql' is no engine's scheme"),
        ("documents.db", "is no engine's scheme"),
        ("qdrant://host:99999/docs", "port"),
        ("qdrant://host/Robert'); DROP", "no collection's name"),
        ("postgresql://host/db?collection=a-b", "no collection's name"),
        ("milvus:///data", "ends in .db"),
        ("file:", "names no folder"),
        ("file://elsewhere/x", "names no folder"),
    ],
)
def test_addresses_that_cannot_be_are_refused_without_their_password(url: str, match: str) -> None:
    with pytest.raises(EngineError, match=match):
        open_engine(url)
    with pytest.raises(EngineError) as error:
        open_engine("mysql://me:geheim@host/db")
    assert "geheim" not in str(error.value)
