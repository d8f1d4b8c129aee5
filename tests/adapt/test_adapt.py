from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import TruncatedSVD
from torch.nn import functional

from mrl_demo.adapt import AdaptError, AdaptSettings, Rotation, default_prefixes, fit_adapted, fit_pca
from mrl_demo.adapt.batches import Batches
from mrl_demo.adapt.objective import Objective, Questions
from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise, truncate

FAST = AdaptSettings(steps=60, batch_size=128, check_every=20)


def clustered(rows: int, dimension: int, seed: int = 0, nuisance: float = 3.0) -> FloatMatrix:
    """Documents in small clusters on 16 axes, and 4 loud axes that hold one of two values each.

    PCA gives its first numbers to the loud axes, which split the documents into 16 heaps
    but do not say who is near whom in one.
    """
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(rows // 4, 16))
    signal = centres[generator.integers(len(centres), size=rows)] + 0.15 * generator.normal(size=(rows, 16))
    loud = nuisance * generator.choice([-1.0, 1.0], size=(rows, 4))
    rest = 0.1 * generator.normal(size=(rows, dimension - 20))
    basis, _ = np.linalg.qr(generator.normal(size=(dimension, dimension)))
    return normalise(np.hstack([signal, loud, rest]) @ basis)


def overlap_at_10(full: FloatMatrix, cut: FloatMatrix) -> float:
    """Mean share of the full-dimension nearest ten that the cut vectors keep."""
    near = [set(row) for row in np.argsort(-(full @ full.T), axis=1)[:, 1:11]]
    kept = [set(row) for row in np.argsort(-(cut @ cut.T), axis=1)[:, 1:11]]
    return float(np.mean([len(a & b) / 10 for a, b in zip(near, kept, strict=True)]))


@pytest.fixture(scope="module")
def documents() -> FloatMatrix:
    return clustered(600, 48)


@pytest.fixture(scope="module")
def adapted(documents: FloatMatrix) -> Rotation:
    return fit_adapted(documents, FAST)


@pytest.mark.parametrize("fit", [fit_pca, lambda rows: fit_adapted(rows, FAST)], ids=["pca", "adapted"])
def test_full_dimension_cosines_stay(documents: FloatMatrix, fit) -> None:  # noqa: ANN001
    rotation = fit(documents)
    turned = rotation.apply(documents)
    assert turned.dtype == np.float32
    np.testing.assert_allclose(turned @ turned.T, documents @ documents.T, atol=2e-6)
    np.testing.assert_allclose(rotation.matrix.T @ rotation.matrix, np.eye(48), atol=2e-6)
    assert rotation.orthogonality_error < 2e-6


def test_pca_spans_what_truncated_svd_spans(documents: FloatMatrix) -> None:
    oracle = TruncatedSVD(10, algorithm="arpack").fit(documents).components_.T
    ours = fit_pca(documents).matrix[:, :10]
    np.testing.assert_allclose(ours @ ours.T, oracle @ oracle.T, atol=1e-3)


def test_the_order_that_a_matryoshka_model_gave_its_numbers_counts() -> None:
    few = np.random.default_rng(0).normal(size=(40, 24)).astype(np.float32)  # Too few to learn from: the start is kept.
    plain = fit_adapted(few, AdaptSettings.for_model(()))
    np.testing.assert_array_equal(plain.matrix, fit_pca(few).matrix)
    trusting = fit_adapted(few, AdaptSettings.for_model((8, 16, 24)))
    assert np.square(trusting.matrix[:8, :8]).sum() > 2 * np.square(plain.matrix[:8, :8]).sum()
    assert trusting.orthogonality_error < 2e-6


def test_adapted_keeps_more_neighbours_than_pca_and_than_a_plain_cut() -> None:
    documents = clustered(800, 64, seed=1)
    rotation = fit_adapted(documents, AdaptSettings(prefixes=(4, 8, 16), steps=150, batch_size=256))
    pca = fit_pca(documents)
    assert rotation.held_out_after < rotation.held_out_before
    for prefix in (4, 8):
        learnt = overlap_at_10(documents, truncate(rotation.apply(documents), prefix))
        assert learnt > overlap_at_10(documents, truncate(pca.apply(documents), prefix)) + 0.02
        assert learnt > overlap_at_10(documents, truncate(documents, prefix)) + 0.02


def test_it_helps_documents_it_never_saw() -> None:
    everything = clustered(1200, 64, seed=2)
    seen, unseen = everything[:900], everything[900:]
    rotation, pca = fit_adapted(seen, AdaptSettings(steps=150, batch_size=256)), fit_pca(seen)
    learnt = overlap_at_10(unseen, truncate(rotation.apply(unseen), 8))
    assert learnt > overlap_at_10(unseen, truncate(pca.apply(unseen), 8))


def test_the_seed_decides_everything(documents: FloatMatrix, adapted: Rotation) -> None:
    assert fit_adapted(documents, FAST).fingerprint == adapted.fingerprint
    other = AdaptSettings(steps=60, batch_size=128, check_every=20, seed=1)
    assert fit_adapted(documents, other).fingerprint != adapted.fingerprint


def asked_and_answered(rows: int, seed: int) -> tuple[FloatMatrix, FloatMatrix]:
    """Documents that differ most on 16 axes nobody asks about, and queries that ask about 6 weaker ones."""
    generator = np.random.default_rng(seed)
    kinds = generator.normal(size=(40, 6))
    subject = generator.integers(40, size=rows)
    documents = np.hstack([2.0 * generator.normal(size=(rows, 16)), kinds[subject], np.zeros((rows, 10))])
    queries = np.hstack([0.2 * generator.normal(size=(rows, 16)), kinds[subject], np.zeros((rows, 10))])
    basis, _ = np.linalg.qr(generator.normal(size=(32, 32)))
    return normalise(documents @ basis), normalise(queries @ basis)


def test_queries_turn_the_axes_to_what_is_asked() -> None:
    documents, queries = asked_and_answered(900, 3)
    seen, unseen = queries[:600], queries[600:]
    settings = AdaptSettings(prefixes=(4, 8, 16), steps=150, batch_size=256)
    asked, unasked = fit_adapted(documents, settings, None, seen), fit_adapted(documents, settings)

    def kept(rotation: Rotation) -> float:
        cut = truncate(rotation.apply(unseen), 8) @ truncate(rotation.apply(documents), 8).T
        full = unseen @ documents.T
        nearest = [set(row) for row in np.argsort(-full, axis=1)[:, :10]]
        found = [set(row) for row in np.argsort(-cut, axis=1)[:, :10]]
        return float(np.mean([len(a & b) / 10 for a, b in zip(nearest, found, strict=True)]))

    assert kept(asked) > kept(unasked) + 0.1
    assert asked.orthogonality_error < 2e-6
    assert fit_adapted(documents, settings, None, seen).fingerprint == asked.fingerprint


@pytest.mark.parametrize("queries", [None, np.zeros((0, 48), np.float32), clustered(400, 48)[:49]])
def test_too_few_queries_change_nothing(documents: FloatMatrix, adapted: Rotation, queries: FloatMatrix | None) -> None:
    assert fit_adapted(documents, FAST, None, queries).fingerprint == adapted.fingerprint


def test_queries_of_another_model_are_refused(documents: FloatMatrix) -> None:
    with pytest.raises(AdaptError, match="32 numbers and documents 48"):
        fit_adapted(documents, FAST, None, clustered(400, 32))


def test_the_gradient_is_that_of_the_loss() -> None:
    """Against automatic differentiation of torch's own divergence, and the loss against a difference quotient."""
    generator = torch.Generator().manual_seed(0)
    rows = functional.normalize(torch.randn(30, 12, generator=generator, dtype=torch.float64), dim=1)
    others = functional.normalize(torch.randn(7, 12, generator=generator, dtype=torch.float64), dim=1)
    questions = Questions.of(rows, 9, others, 0.6)
    objective = Objective((3, 6), temperature=0.1, prefix_weight=0.5)
    axes = torch.linalg.qr(torch.randn(12, 6, generator=generator, dtype=torch.float64))[0].requires_grad_(True)

    expected = torch.zeros(())
    masked = torch.zeros(16, 30, dtype=torch.float64)
    masked[torch.arange(9), torch.arange(9)] = -1e9
    asking = torch.cat([rows[:9], others])
    wanted = (asking @ rows.T / 0.1 + masked).softmax(1)
    weights = torch.cat([torch.full((9,), 0.4 / 9), torch.full((7,), 0.6 / 7)])
    shares = torch.tensor([3**0.5, 6**0.5]) / (3**0.5 + 6**0.5)
    for prefix, share in zip((3, 6), shares, strict=True):
        cut = functional.normalize((asking @ axes)[:, :prefix], dim=1)
        found = cut @ functional.normalize((rows @ axes)[:, :prefix], dim=1).T / 0.1 + masked
        divergence = functional.kl_div(found.log_softmax(1), wanted, reduction="none").sum(1)
        expected = expected + share * (weights * divergence).sum()
    assert objective.loss(questions, axes.detach()) == pytest.approx(expected.item(), rel=1e-5)
    (gradient,) = torch.autograd.grad(expected, axes)
    torch.testing.assert_close(objective.gradient(questions, axes.detach()), gradient, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("rows", [3, 40, 2_000])
def test_a_batch_holds_no_document_twice_and_what_is_near_its_queries(rows: int) -> None:
    pool, queries = (torch.from_numpy(clustered(2_000, 48, seed)[:rows]) for seed in (4, 5))
    drawn = Batches(pool, queries, AdaptSettings(batch_size=256, query_neighbours=2)).draw(torch.Generator())
    assert len(drawn.candidates.unique(dim=0)) == len(drawn.candidates)
    assert float(drawn.weights.sum()) == pytest.approx(1)
    torch.testing.assert_close(drawn.asking[: drawn.own], drawn.candidates[: drawn.own])
    best = (drawn.asking[drawn.own :] @ pool.T).amax(1)
    torch.testing.assert_close((drawn.asking[drawn.own :] @ drawn.candidates.T).amax(1), best, atol=0.01, rtol=0)


@pytest.mark.parametrize("rows", [1, 2, 5, 49])
def test_few_documents_get_pca_and_a_word_why(rows: int) -> None:
    few = clustered(400, 32)[:rows]
    rotation = fit_adapted(few, FAST)
    assert rotation.kind == "adapted"
    assert rotation.steps == 0
    assert str(rows) in rotation.note
    np.testing.assert_array_equal(rotation.matrix, fit_pca(few).matrix)


def test_fewer_documents_than_dimensions_stay_orthogonal() -> None:
    rotation = fit_adapted(clustered(80, 128), FAST)
    assert rotation.orthogonality_error < 2e-6


def test_noise_without_neighbours_is_left_at_pca_or_no_worse() -> None:
    noise = normalise(np.random.default_rng(0).normal(size=(60, 128)))
    rotation = fit_adapted(noise, FAST)
    assert rotation.held_out_after <= rotation.held_out_before


def test_duplicates_teach_nothing() -> None:
    one = np.repeat(clustered(400, 32)[:3], 200, axis=0)
    rotation = fit_adapted(one, FAST)
    assert rotation.steps == 0
    assert "3 distinct" in rotation.note


def test_duplicates_do_not_spoil_a_fit(documents: FloatMatrix) -> None:
    rotation = fit_adapted(np.vstack([documents, documents[:50]]), FAST)
    assert rotation.held_out_after < rotation.held_out_before


def test_zero_rows_are_left_out_and_stay_zero(documents: FloatMatrix) -> None:
    with_zero = np.vstack([np.zeros((2, 48), np.float32), documents])
    rotation = fit_pca(with_zero)
    np.testing.assert_allclose(rotation.matrix, fit_pca(documents).matrix, atol=1e-6)
    assert rotation.documents == len(documents)
    assert not rotation.apply(with_zero)[:2].any()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.zeros((3, 8)), "All 3 vectors are zero"),
        (np.zeros(8), r"shape \(8,\)"),
        (np.zeros((3, 0)), r"shape \(3, 0\)"),
        (np.zeros((0, 8)), "All 0 vectors"),
        (np.array([["a", "b"]]), "not <U1"),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), "row 1"),
        (np.array([[np.inf, 2.0], [0.0, 1.0]]), "row 0"),
    ],
)
def test_bad_vectors_say_what_is_wrong(bad: np.ndarray, words: str) -> None:
    for fit in (fit_pca, fit_adapted):
        with pytest.raises(AdaptError, match=words):
            fit(bad)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("steps", 1.5),
        ("batch_size", 1),
        ("temperature", 0.0),
        ("learning_rate", float("nan")),
        ("time_limit_s", -1.0),
        ("prefixes", (16, 8)),
        ("prefixes", (8, 8)),
        ("prefixes", (0,)),
        ("neighbours", 0),
        ("axis_prior", -0.5),
    ],
)
def test_bad_settings_carry_the_value(name: str, value: object) -> None:
    with pytest.raises(AdaptError) as caught:
        AdaptSettings(**{name: value})  # type: ignore[arg-type]
    assert name in str(caught.value)
    assert repr(value) in str(caught.value)


def test_a_prefix_above_the_dimension_is_named(documents: FloatMatrix) -> None:
    with pytest.raises(AdaptError, match="Prefix 96 is longer"):
        fit_adapted(documents, AdaptSettings(prefixes=(8, 96)))


def test_the_full_length_as_the_only_prefix_needs_no_fit(documents: FloatMatrix) -> None:
    assert fit_adapted(documents, AdaptSettings(prefixes=(48,))).steps == 0


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [(384, (8, 16, 32, 64, 128, 192)), (1024, (8, 16, 32, 64, 128, 256, 512)), (16, (8,)), (3, (1,)), (1, (1,))],
)
def test_default_prefixes(dimension: int, expected: tuple[int, ...]) -> None:
    assert default_prefixes(dimension) == expected


def test_the_time_limit_keeps_the_best_so_far(documents: FloatMatrix) -> None:
    rotation = fit_adapted(documents, AdaptSettings(time_limit_s=1e-6))
    assert rotation.steps <= 1
    assert rotation.orthogonality_error < 2e-6


def test_progress_rises_and_may_cancel(documents: FloatMatrix) -> None:
    shares: list[float] = []
    fit_adapted(documents, FAST, lambda share, _line: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] <= 1

    def stop(_share: float, _line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_adapted(documents, FAST, stop)


def test_apply_refuses_other_vectors(adapted: Rotation) -> None:
    with pytest.raises(AdaptError, match="48 numbers, not of 47"):
        adapted.apply(np.ones((2, 47), np.float32))
    with pytest.raises(AdaptError, match="row 0"):
        adapted.apply(np.full((1, 48), np.nan, np.float32))


@pytest.mark.parametrize("matrix", [np.ones((2, 3)), np.zeros((0, 0)), 2 * np.eye(3), np.full((2, 2), np.nan)])
def test_what_is_no_rotation_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(AdaptError):
        Rotation(matrix, "pca")


def test_save_and_load_give_the_same_rotation(adapted: Rotation, tmp_path: Path) -> None:
    adapted.save(tmp_path / "new" / "rotation.safetensors")
    loaded = Rotation.load(tmp_path / "new" / "rotation.safetensors")
    np.testing.assert_array_equal(loaded.matrix, adapted.matrix)
    for name in ("kind", "fingerprint", "held_out_before", "held_out_after", "steps", "seconds", "documents", "note"):
        assert getattr(loaded, name) == getattr(adapted, name)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["rotation.safetensors"]


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped", "text"])
def test_a_damaged_file_is_never_used(adapted: Rotation, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "rotation.safetensors"
    adapted.save(path)
    raw = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(raw[:-100])
    elif damage == "text":
        path.write_text("not a rotation")
    else:
        raw[-2] ^= 1  # A low mantissa bit: still a rotation, but not the one that was saved.
        path.write_bytes(raw)
    with pytest.raises(ModelError, match=r"rotation\.safetensors"):
        Rotation.load(path)


@settings(max_examples=15, deadline=None)
@given(rows=st.integers(1, 70), dimension=st.integers(1, 40), seed=st.integers(0, 9))
def test_any_shape_gives_a_rotation(rows: int, dimension: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32)
    rotation = fit_adapted(vectors, AdaptSettings(steps=3, batch_size=16))
    assert rotation.dimension == dimension
    assert rotation.orthogonality_error < 5e-6
