"""The rotation a run starts from, and the titles and sentences it learns from."""

from __future__ import annotations

import numpy as np

from mrl_demo.core.types import Document, FloatMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.corpora.questions.parts import parts_of
from training.fit.start import StartVectors, fit_start

DIM, SUBJECTS = 16, 6


def test_parts_are_titles_and_sentences_of_their_document() -> None:
    documents = [
        Document("a", "Bread and butter pudding", "Slice the bread thinly. Pour the custard over it! Bake."),
        Document("b", "Tea", "Warm the pot first. Pour the custard over it!"),
        Document("c", "", "One sentence that is the whole document."),
    ]
    parts = parts_of(documents, seed=1)
    found = list(zip(parts.texts, parts.wholes, strict=True))
    assert found == [("Bread and butter pudding", 0), ("Slice the bread thinly.", 0), ("Warm the pot first.", 1)]


def test_no_more_parts_than_the_limit_and_the_seed_chooses() -> None:
    documents = [Document(str(i), "", f"Alpha beta {i}. Gamma delta epsilon {i}.") for i in range(20)]
    one, again, other = parts_of(documents, 1, 5), parts_of(documents, 1, 5), parts_of(documents, 2, 5)
    assert len(one.texts) == 5
    assert one == again
    assert one != other
    assert all(text.endswith(f" {whole}.") for text, whole in zip(one.texts, one.wholes, strict=True))


def _start_vectors(seed: int) -> StartVectors:
    """Documents whose subject lies in their last, weakest axes: cut short, base cannot tell them apart."""
    rng = np.random.default_rng(seed)
    subjects = np.zeros((SUBJECTS, DIM), np.float32)
    subjects[:, -SUBJECTS:] = np.eye(SUBJECTS, dtype=np.float32)

    def texts(rows: int) -> FloatMatrix:
        noise = rng.standard_normal((rows, DIM)).astype(np.float32) * 0.15
        return normalise(subjects[np.arange(rows) % SUBJECTS] + noise)

    documents, asked = texts(SUBJECTS), texts(60)
    answers = (np.arange(60) % SUBJECTS).tolist()
    return StartVectors(asked, documents, answers, documents, texts(60), answers, texts(80))


def _found(vectors: StartVectors, matrix: FloatMatrix, dim: int) -> float:
    queries, documents = (normalise((rows @ matrix)[:, :dim]) for rows in (vectors.queries, vectors.positives))
    return float(np.mean((queries @ documents.T).argmax(axis=1) == np.array(vectors.answers)))


def test_the_start_makes_short_prefixes_search_and_keeps_full_cosines() -> None:
    vectors, held_out = _start_vectors(1), _start_vectors(2)
    matrix = fit_start(vectors, (4, 8, DIM), (1.0, 1.0, 1.0), seed=3)
    assert matrix.shape == (DIM, DIM)
    assert _found(held_out, np.eye(DIM, dtype=np.float32), 4) < 0.5
    assert _found(held_out, matrix, 4) > 0.9
    assert np.abs(matrix.T @ matrix - np.eye(DIM)).max() < 0.1


def test_the_start_repeats_exactly_and_follows_its_weights() -> None:
    vectors = _start_vectors(1)
    one, again = (fit_start(vectors, (4, DIM), (1.0, 1.0), seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - fit_start(vectors, (4, DIM), (1.0, 0.0), seed=3)).max() > 1e-4


def test_the_start_does_without_titles_and_sentences() -> None:
    vectors = _start_vectors(1)
    none = StartVectors(
        vectors.queries, vectors.positives, vectors.answers, vectors.searched, vectors.parts[:0], [], vectors.broad
    )
    assert _found(vectors, fit_start(none, (4, DIM), (1.0, 1.0), seed=3), 4) > 0.9
