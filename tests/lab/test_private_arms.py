"""Vectors and models of single visitors: on no menu, called by their secret names alone, gone when they say so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.api.calls import ask_search
from mrl_demo.arms.given import GivenFiles
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError, ModelError
from mrl_demo.core.secret_names import shown_name
from mrl_demo.core.types import Document, Query
from mrl_demo.corpora import make_corpus
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.lab.lab import Lab
from mrl_demo.models.given.bounds import check_unpacked_size
from tests.conftest import FRUIT, HashingEncoder
from tests.training.tiny import make_tiny_model as tiny_model

DOCUMENTS = [Document(*row) for row in FRUIT]
ASKED = make_corpus("fruit", "Fruit", DOCUMENTS, [Query("q1", "wasps"), Query("q2", "wine")], {"q1": {"fig": 1.0}})
ROWS = HashingEncoder().encode_documents([document.content for document in DOCUMENTS])
QUESTIONS = HashingEncoder().encode_queries(["wasps", "wine"])


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(replace(Settings(), cache_dir=tmp_path / "cache"))
    made.encoders.add("mine", HashingEncoder())
    made.add_arm("mine")
    return made


def saved(tmp_path: Path, *, with_questions: bool = True) -> GivenFiles:
    np.save(tmp_path / "docs.npy", ROWS)
    np.save(tmp_path / "asked.npy", QUESTIONS)
    return GivenFiles("given", tmp_path / "docs.npy", tmp_path / "asked.npy" if with_questions else None)


def test_private_vectors_are_searched_and_measured_by_their_secret_name_alone(lab: Lab, tmp_path: Path) -> None:
    public = [arm.name for arm in lab.builder.menu.contenders()], lab.encoders.names()
    name = lab.add_private(ASKED)
    arms = lab.add_private_vectors(saved(tmp_path), name, ["pca"])
    assert [shown_name(arm.name) for arm in arms] == ["given", "given+pca"]
    assert arms[0].label == "Yours: given"
    assert ([arm.name for arm in lab.builder.menu.contenders()], lab.encoders.names()) == public
    found = lab.compare("wasps", corpus=name, arms=[arms[0].name, "mine"], dim=32)
    assert [hit.document.id for hit in found.arms[0].result.hits] == [
        hit.document.id for hit in found.arms[1].result.hits
    ]
    plan = SweepPlan((arms[0].name, arms[1].name, "mine"), dims=(8, 32), metrics=("ndcg@10",))
    assert len(lab.evaluate(name, plan).arms) == 3
    with pytest.raises(ModelError, match="There is no arm"):
        ask_search(lab, "wasps", arm=arms[0].name)
    with pytest.raises(ModelError) as refused:
        lab.compare("wasps", corpus=name, arms=["nobody"], dim=8)
    assert "given" not in str(refused.value)
    for arm in arms:
        lab.remove_private_arm(arm.name)
        lab.remove_private_arm(arm.name)
    with pytest.raises(ModelError, match="There is no arm"):
        lab.compare("wasps", corpus=name, arms=[arms[0].name], dim=32)


def test_vectors_without_questions_are_measured_by_agreement(lab: Lab, tmp_path: Path) -> None:
    name = lab.add_private(replace(ASKED, queries=(), judgements={}))
    (arm,) = lab.add_private_vectors(saved(tmp_path, with_questions=False), name)
    assert lab.evaluate(name, SweepPlan((arm.name,), dims=(8,), metrics=("overlap@10",))).n_queries == 5


@pytest.mark.parametrize(("rows", "says"), [(ROWS[:3], "3 vectors without ids"), (ROWS * np.nan, "NaN or infinity")])
def test_vectors_that_do_not_fit_are_refused_and_leave_nothing(
    lab: Lab, tmp_path: Path, rows: np.ndarray, says: str
) -> None:
    name = lab.add_private(ASKED)
    np.save(tmp_path / "bad.npy", rows)
    with pytest.raises(ModelError, match=says):
        lab.add_private_vectors(GivenFiles("given", tmp_path / "bad.npy"), name)
    with pytest.raises(ModelError, match="no way 'x' to re-order"):
        lab.add_private_vectors(saved(tmp_path), name, ["x"])
    assert not lab.encoders._private


def test_a_model_of_a_visitor_is_loaded_for_them_alone(lab: Lab, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "tiny")
    told: list[str] = []
    (arm,) = lab.add_private_model(str(folder), progress=lambda _, line: told.append(line))
    assert told[-1] == "Ready" and arm.label == "Yours: tiny"
    assert arm.name not in {each.name for each in lab.builder.menu.contenders()}
    name = lab.add_private(ASKED)
    lab.prepare(name, [arm.name])
    assert lab.compare("wasps", corpus=name, arms=[arm.name], dim=8).arms[0].result.hits
    assert lab.compare("wasps", corpus=name, arms=[f"{arm.name}@1"], dim=8).arms[0].result.hits
    with pytest.raises(ModelError, match=r"^tiny has 2 layers, not 9"):
        lab.compare("wasps", corpus=name, arms=[f"{arm.name}@9"], dim=8)
    lab.remove_private_arm(arm.name)
    assert lab.encoders.private_models() == 0


def test_cancelling_keeps_no_model(lab: Lab, tmp_path: Path) -> None:
    def stop(share: float, line: str) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab.add_private_model(str(tiny_model(tmp_path / "tiny")), progress=stop)
    assert lab.encoders.private_models() == 0


@pytest.mark.parametrize(
    ("changes", "given", "says"),
    [
        ({}, "", "Name a model"),
        ({}, "openai:text-embedding-3-small", "costs money"),
        ({}, "/nowhere", "neither a folder here nor"),
        ({"host": "0.0.0.0"}, "/etc", "not loaded on this public page"),
        ({"host": "0.0.0.0", "own_models": "a/b"}, "c/d", r"MRL_OWN_MODELS \(a/b\)"),
        ({"host": "0.0.0.0", "own_models": "a/b"}, "../a/b", "not loaded on this public page"),
        ({"own_models_kept": 1}, "a/b", "has them already"),
    ],
)
def test_models_that_are_not_allowed_are_refused_in_a_line(
    tmp_path: Path, changes: dict[str, object], given: str, says: str
) -> None:
    lab = Lab(replace(Settings(), cache_dir=tmp_path / "cache", **changes))  # type: ignore[arg-type]
    if changes.get("own_models_kept"):
        lab.add_private_model(str(tiny_model(tmp_path / "tiny")))
    with pytest.raises(LabError, match=says):
        lab.add_private_model(given)


def test_files_that_unpack_to_too_much_are_refused_before_they_are_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", vectors=np.zeros((1_000, 100), np.float32))
    np.save(tmp_path / "a.npy", np.zeros((1_000, 100), np.float32))
    (tmp_path / "b.npy").write_bytes(b"none")
    for name in ("a.npz", "a.npy"):
        check_unpacked_size(tmp_path / name, 500_000)
        with pytest.raises(ModelError, match="MB are the limit here"):
            check_unpacked_size(tmp_path / name, 300_000)
    check_unpacked_size(tmp_path / "b.npy", 300_000)  # Its reader says what is wrong.
