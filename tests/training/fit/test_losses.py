from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from training.config import ObjectiveConfig, TrainConfig
from training.fit.losses import build_losses, likely_answers, neighbour_divergence
from training.fit.trainer import planned_steps


def _rows(n: int = 12, d: int = 16, seed: int = 0) -> torch.Tensor:
    return functional.normalize(torch.randn(n, d, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_the_divergence_of_the_teacher_from_itself_is_zero() -> None:
    teacher = _rows()
    assert float(neighbour_divergence(teacher, teacher, 0.05)) == pytest.approx(0, abs=1e-6)
    turned = teacher @ torch.linalg.qr(torch.randn(16, 16))[0]
    assert float(neighbour_divergence(turned, teacher, 0.05)) == pytest.approx(0, abs=1e-4)


def test_the_divergence_is_that_of_a_plain_loop() -> None:
    student, teacher = _rows(5, 8, 1), _rows(5, 8, 2)
    expected = 0.0
    for i in range(5):
        others = [j for j in range(5) if j != i]
        p = torch.softmax(torch.stack([teacher[i] @ teacher[j] for j in others]) / 0.1, 0)
        q = torch.softmax(torch.stack([student[i] @ student[j] for j in others]) / 0.1, 0)
        expected += float((p * (p / q).log()).sum()) / 5
    assert float(neighbour_divergence(student, teacher, 0.1)) == pytest.approx(expected, rel=1e-4)


def test_following_the_gradient_brings_a_short_prefix_to_the_full_neighbours() -> None:
    teacher = _rows(24, 16)
    matrix = torch.eye(16, requires_grad=True)
    optimiser = torch.optim.Adam([matrix], lr=0.02)
    losses = []
    for _ in range(60):
        loss = neighbour_divergence((teacher @ matrix)[:, :4], teacher, 0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]
    assert all(np.isfinite(losses))


@pytest.fixture(scope="module")
def batch(tiny_base: Path) -> tuple[object, dict[str, torch.Tensor], np.ndarray]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny_base), device="cpu").eval()
    texts = ["bread and oven", "moon and star", "liver and lung", "rain and river", "loan and bank"]
    teacher = _rows(9, 32, 3).numpy()
    return model, model.preprocess(texts), teacher


def _distilled(batch: tuple, dims: tuple[int, ...], weights: tuple[float, ...] = (), matryoshka: bool = True) -> float:
    model, features, teacher = batch
    config = TrainConfig("x").changed(dims=dims, weights=weights, matryoshka=matryoshka)
    loss = build_losses(model, config.objective, teacher)["broad"]
    with torch.no_grad():
        return float(loss([dict(features)], torch.tensor([0, 2, 4, 6, 8])))


def test_matryoshka_at_the_full_length_alone_is_the_plain_loss(batch: tuple) -> None:
    assert _distilled(batch, (32,)) == pytest.approx(_distilled(batch, (32,), matryoshka=False), rel=1e-5)


def test_the_teacher_is_never_cut_and_the_full_length_weighs_as_much_as_all_together(batch: tuple) -> None:
    model, features, teacher = batch
    with torch.no_grad():
        vectors = model(dict(features))["sentence_embedding"]
    target = torch.from_numpy(teacher)[[0, 2, 4, 6, 8]]
    by_dim = {dim: float(neighbour_divergence(vectors[:, :dim], target, 0.05)) for dim in (8, 32)}
    expected = (3 * by_dim[8] + (1 + 4) * by_dim[32]) / 8
    assert _distilled(batch, (8, 32), (3.0, 1.0)) == pytest.approx(expected, rel=1e-4)


def test_losses_follow_the_configuration(batch: tuple) -> None:
    model, _, teacher = batch
    dims = (8, 32)
    assert set(build_losses(model, ObjectiveConfig(dims=dims), teacher)) == {"pairs", "broad"}
    assert set(build_losses(model, ObjectiveConfig(dims=dims), None)) == {"pairs"}
    assert set(build_losses(model, ObjectiveConfig(dims=dims, loss="none"), teacher)) == {"broad"}
    cached = build_losses(model, ObjectiveConfig(dims=dims, loss="cached-mnrl"), None)["pairs"]
    assert type(cached.loss).__name__ == "CachedMultipleNegativesRankingLoss"


def _guided(batch: tuple, guides: tuple[np.ndarray, np.ndarray], **levers: float) -> float:
    model, features, _ = batch
    config = TrainConfig("x").changed(dims=(32,), guided=True, distillation=False, **levers)
    loss = build_losses(model, config.objective, None, guides)["pairs"]
    with torch.no_grad():
        return float(loss([dict(features), dict(features)], torch.arange(5)))


def test_a_model_that_is_its_own_guide_has_nothing_to_keep(batch: tuple) -> None:
    model, features, _ = batch
    with torch.no_grad():
        own = functional.normalize(model(dict(features))["sentence_embedding"], dim=1).numpy()
    levers = {"contrastive_weight": 0.0, "anchor_weight": 1.0}
    assert _guided(batch, (own, own), **levers) == pytest.approx(0, abs=1e-5)
    other = _rows(5, 32, 4).numpy()
    assert _guided(batch, (other, other), **levers) > 0.5


def test_what_the_base_finds_as_near_is_no_negative() -> None:
    queries = torch.eye(4)[:3]
    answers = functional.normalize(torch.tensor([[1.0, 0.99, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0.99]]), dim=1)
    unwanted = likely_answers(queries, answers)
    assert unwanted.tolist() == [[False] * 3, [False] * 3, [False] * 3]
    near = likely_answers(
        queries, functional.normalize(torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]]), dim=1)
    )
    assert near.tolist() == [[False, False, False], [True, False, True], [False, True, False]]


def test_a_batch_of_likely_answers_alone_has_no_contrastive_loss(batch: tuple) -> None:
    same = np.tile(_rows(1, 32).numpy(), (5, 1))
    loss = _guided(batch, (same, same), distillation_weight=1e-9, contrastive_weight=1.0)
    assert loss == pytest.approx(0, abs=1e-5)


def test_planned_steps() -> None:
    config = TrainConfig("x").changed(batch_size=10)
    assert planned_steps(config, rows=100, broad=0) == 10
    assert planned_steps(config, rows=100, broad=50) == 20
    assert planned_steps(TrainConfig("x").changed(steps=7), rows=100, broad=50) == 7
