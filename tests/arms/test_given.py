"""Vectors of any model as an arm: every file format, ids matched, faults named, and the whole lab on top of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mrl_demo.arms.given import GivenFiles, read_given
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError, ModelError
from mrl_demo.core.types import Corpus, Document, FloatMatrix, Query
from mrl_demo.corpora import make_corpus
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.lab.lab import Lab
from mrl_demo.models.given.tables import read_vector_table

RANDOM = np.random.default_rng(7)
IDS = [f"d{number}" for number in range(80)]
VECTORS = RANDOM.standard_normal((80, 16)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
ASKED = VECTORS[:40] + 0.1 * RANDOM.standard_normal((40, 16)).astype(np.float32)


def corpus(with_queries: bool = True) -> Corpus:
    documents = [Document(name, f"Title {name}", f"Text of {name}. Some more.") for name in IDS]
    queries = [Query(f"q{number}", f"question {number}") for number in range(40)] if with_queries else []
    return make_corpus("mine", "Mine", documents, queries, {f"q{i}": {f"d{i}": 1} for i in range(40) if queries})


def write_qdrant(path: Path, vectors: FloatMatrix) -> None:
    points = [
        {"id": 1000 + row, "vector": {"dense": vector.tolist()}, "payload": {"doc_id": IDS[row]}}
        for row, vector in enumerate(vectors)
    ]
    path.write_text(json.dumps({"result": {"points": points}, "status": "ok"}), encoding="utf-8")


def write_pgvector(path: Path, vectors: FloatMatrix) -> None:
    frame = pd.DataFrame({"id": IDS[: len(vectors)], "embedding": [json.dumps(row.tolist()) for row in vectors]})
    frame.to_csv(path, index=False)


def write_faiss(path: Path, vectors: FloatMatrix) -> None:
    index = faiss.IndexIDMap(faiss.IndexFlatIP(vectors.shape[1]))
    index.add_with_ids(vectors, np.arange(len(vectors)))
    faiss.write_index(index, str(path))


def write_jsonl(path: Path, vectors: FloatMatrix) -> None:
    rows = [json.dumps({"_id": IDS[row], "embedding": vector.tolist()}) for row, vector in enumerate(vectors)]
    path.write_text("\n".join(rows), encoding="utf-8")


WRITERS: dict[str, Callable[[Path, FloatMatrix], Any]] = {
    "v.npz": lambda path, vectors: np.savez(path, ids=np.array(IDS[: len(vectors)]), embeddings=vectors),
    "v.parquet": lambda path, vectors: pq.write_table(
        pa.table({"id": IDS[: len(vectors)], "vector": [row.tolist() for row in vectors]}), path
    ),
    "v.jsonl": write_jsonl,
    "v.json": write_qdrant,
    "v.csv": write_pgvector,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_back_its_vectors_and_ids(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name, VECTORS)
    table = read_vector_table(tmp_path / name)
    assert table.ids == tuple(IDS)
    np.testing.assert_allclose(table.vectors, VECTORS, rtol=1e-6)


def test_a_faiss_index_gives_its_vectors_under_its_own_ids(tmp_path: Path) -> None:
    write_faiss(tmp_path / "v.faiss", VECTORS)
    table = read_vector_table(tmp_path / "v.faiss")
    assert table.ids == tuple(map(str, range(80)))
    np.testing.assert_allclose(table.vectors, VECTORS, rtol=1e-6)


def test_rows_follow_the_ids_and_strangers_are_left_out_with_a_note(tmp_path: Path) -> None:
    order = RANDOM.permutation(80)
    np.savez(tmp_path / "v.npz", ids=np.array([*(IDS[i] for i in order), "x"]), v=VECTORS[[*order, 0]])
    given = read_given(GivenFiles("a", tmp_path / "v.npz"), corpus())
    texts = [document.content for document in corpus().documents]
    np.testing.assert_allclose(given.encode_documents(texts), VECTORS, atol=1e-6)
    assert "1 vectors of v.npz belong to no documents" in " ".join(given.notes)


def changed(**cells: float) -> FloatMatrix:
    vectors = VECTORS.copy()
    for row, value in cells.items():
        vectors[int(row[1:])] = value
    return vectors


@pytest.mark.parametrize(
    ("vectors", "says"),
    [
        (changed(r3=np.nan), r"1 of 80 vectors hold NaN or infinity \(first: row 4\)"),
        (changed(r2=0, r9=0), r"2 of 80 vectors hold nothing but zeros.*row 3"),
        (VECTORS[:79], "79 vectors without ids, and mine has 80 documents"),
        (VECTORS[0], r"shape \(16,\)"),
        (np.array([["a"] * 16] * 80), "holds no vectors"),
        (np.array([{"a": 1}] * 80, dtype=object), "cannot be read as vectors"),
    ],
)
def test_bad_arrays_are_named(vectors: Any, says: str, tmp_path: Path) -> None:
    np.save(tmp_path / "docs.npy", vectors, allow_pickle=True)
    with pytest.raises(ModelError, match=says):
        read_given(GivenFiles("a", tmp_path / "docs.npy"), corpus())


def test_faults_of_ids_and_lengths_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "docs.npy", VECTORS)
    np.save(tmp_path / "short.npy", ASKED[:, :8])
    docs = tmp_path / "docs.npy"
    ids = tmp_path / "ids.txt"
    with pytest.raises(ModelError, match="8 numbers a vector, the documents have 16"):
        read_given(GivenFiles("a", docs, tmp_path / "short.npy"), corpus())
    for listed, says in (
        (IDS[:-1], "80 vectors and there are 79 ids"),
        ([*IDS[:-1], "d0"], r"id 'd0' twice \(rows 1 and 80\)"),
        ([*IDS[:-1], "zzz"], "no vector of 1 of 80 documents of mine .first: 'd79'"),
    ):
        ids.write_text("\n".join(listed), encoding="utf-8")
        with pytest.raises(ModelError, match=says):
            read_given(GivenFiles("a", docs, ids=ids), corpus())
    (tmp_path / "v.jsonl").write_text('{"id": 1, "vector": [1, 2]}\n{"id": 2, "vector": [1]}', encoding="utf-8")
    with pytest.raises(ModelError, match=r"row 2: 1 numbers, and the first row has 2"):
        read_vector_table(tmp_path / "v.jsonl")


@pytest.mark.parametrize("given", ["docs.npy", "=docs.npy", "a=", "a=1,2,3,4,5"])
def test_a_flag_that_says_no_name_or_no_file_is_refused(given: str) -> None:
    with pytest.raises(ModelError, match="write NAME=DOCUMENTS"):
        GivenFiles.parse(given)


def test_a_wrong_order_is_noticed_by_the_known_answers(tmp_path: Path) -> None:
    np.save(tmp_path / "q.npy", ASKED)
    for vectors, is_wrong in ((VECTORS, False), (np.roll(VECTORS, 1, axis=0), True)):
        np.save(tmp_path / "d.npy", vectors)
        given = read_given(GivenFiles("a", tmp_path / "d.npy", tmp_path / "q.npy"), corpus())
        assert ("no nearer to their queries" in " ".join(given.notes)) is is_wrong


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    folder = tmp_path / "mine"
    folder.mkdir()
    rows = [json.dumps({"_id": doc.id, "title": doc.title, "text": doc.text}) for doc in corpus().documents]
    (folder / "corpus.jsonl").write_text("\n".join(rows), encoding="utf-8")
    np.save(tmp_path / "d.npy", VECTORS)
    np.save(tmp_path / "q.npy", ASKED)
    return Lab(replace(Settings(), cache_dir=tmp_path / "cache"))


def with_judgements(folder: Path) -> None:
    queries = [json.dumps({"_id": query.id, "text": query.text}) for query in corpus().queries]
    (folder / "queries.jsonl").write_text("\n".join(queries), encoding="utf-8")
    (folder / "qrels").mkdir()
    judged = "\n".join(f"q{i}\td{i}\t1" for i in range(40))
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}\n", encoding="utf-8")


def test_given_vectors_are_measured_rotated_advised_and_funnelled_without_a_model(lab: Lab, tmp_path: Path) -> None:
    with_judgements(tmp_path / "mine")
    name = lab.add_corpus(tmp_path / "mine")
    arm = lab.add_vectors(GivenFiles("mine-v", tmp_path / "d.npy", tmp_path / "q.npy"), name)
    arms = lab.add_arms([arm, f"{arm}+pca", f"{arm}+adapted"])
    sweep = lab.evaluate(name, SweepPlan(arms=tuple(arms), dims=(4, 16), metrics=("ndcg@10",)))
    assert min(row.value for row in sweep.rows if row.dim == 16) > 0.99
    found = lab.compare("Question 3", corpus=name, arms=[arm], dim=16).arms[0]
    assert found.result.hits[0].document.id == "d3"
    assert any("given queries can be searched" in note.text for note in found.notes)
    with pytest.raises(ModelError, match="such as 'question 0'"):
        lab.compare("anything else", corpus=name, arms=[arm], dim=16)
    with pytest.raises(LabError, match="has none of the"):
        lab.evaluate("builtin", SweepPlan(arms=(arm,), dims=(4,), metrics=("ndcg@10",)))
    assert lab.funnel(name, arm, "4:20,full:10").n_queries == 40
    assert not list((tmp_path / "cache").glob("vectors/**/*.safetensors"))  # Nothing of it is kept.


def test_documents_alone_are_measured_by_agreement(lab: Lab, tmp_path: Path) -> None:
    name = lab.add_corpus(tmp_path / "mine")
    arm = lab.add_vectors(GivenFiles("mine-v", tmp_path / "d.npy"), name)
    sweep = lab.evaluate(name, SweepPlan(arms=(arm,), dims=(4, 16), metrics=("overlap@10",)))
    assert sweep.stand_ins == "documents"
    assert [row.value for row in sweep.rows if row.dim == 16] == [1.0]
    with pytest.raises(ModelError, match="mine has no queries"):
        lab.add_vectors(GivenFiles("other", tmp_path / "d.npy", tmp_path / "q.npy"), name)
