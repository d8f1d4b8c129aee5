"""An arm of sparse codes on a person's own documents: searched, evaluated, and refused by name everywhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mrl_demo.adapt.supervised import SupervisedMap
from mrl_demo.arms.names import resolve_arm
from mrl_demo.core.errors import CorpusError, ModelError
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.lab.lab import Lab


@pytest.fixture
def plants(lab: Lab, tmp_path: Path) -> str:
    """80 documents with a question each, and the arm "tiny+csr" on the menu."""
    folder = tmp_path / "plants"
    folder.mkdir()
    rows = [{"_id": str(i), "title": f"Plant {i} here", "text": f"Leaf {i % 9} and root {i}."} for i in range(80)]
    asked = [{"_id": f"q{i}", "text": f"root {i} of plant {i}"} for i in range(80)]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, asked)), encoding="utf-8")
    judged = "".join(f"q{i}\t{i}\t1\n" for i in range(80))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged, encoding="utf-8")
    arm = resolve_arm("tiny+csr", lab.builder.menu)
    lab.builder.menu.add(replace(arm, transform=replace(arm.transform, settings=_quick(arm))))
    return lab.add_corpus(folder)


def _quick(arm: object) -> object:
    return replace(arm.transform.settings, steps=5, batch_size=32)  # type: ignore[attr-defined]


def test_it_is_searched_and_measured_at_any_number_of_units(lab: Lab, plants: str) -> None:
    side = lab.compare("root 7 of plant 7", corpus=plants, arms=["tiny+csr"], dim=8).arms[0].result
    assert (side.dim, side.full_dim, len(side.hits)) == (8, 32, lab.settings.top_k)
    plan = SweepPlan(("tiny", "tiny+csr"), dims=(8, 32), metrics=("ndcg@10", "overlap@10"), against=("tiny",))
    result = lab.evaluate(plants, plan)
    assert result.row("tiny+csr", 32, "overlap@10").value == pytest.approx(1.0)
    assert 0 < result.row("tiny+csr", 8, "ndcg@10").value <= 1
    assert {(row.arm, row.against) for row in result.differences} >= {("tiny+csr", "tiny")}


def test_a_collection_leaves_out_what_cannot_serve_it_and_says_why(lab: Lab, plants: str) -> None:
    reasons = lab.unserved("fruit")
    assert "50 documents or more, and there are 5" in reasons["csr"]
    assert "judged questions or more of a train split, and there are 0" in reasons["supervised"]
    assert "labels that several documents share" in reasons["hierarchical"]
    assert "base" not in reasons and "csr" not in lab.unserved(plants)
    assert lab.arms_serving("fruit", ["base", "supervised"]) == ("base", "tuned")
    assert lab.arms_serving("builtin", ["hierarchical", "supervised"]) == ("hierarchical", "supervised")


def test_what_needs_a_prefix_refuses_it_by_name(lab: Lab, plants: str) -> None:
    with pytest.raises(ModelError, match=r"tiny\+csr keeps sparse codes"):
        lab.funnel(plants, "tiny+csr", "")
    with pytest.raises(ModelError, match="no prefix to cut"):
        lab.map(plants, ["tiny+csr"])


def test_a_head_from_judged_questions_wants_a_train_split(lab: Lab, plants: str) -> None:
    with pytest.raises(CorpusError, match="no judged questions in a train split"):
        lab.builder.space(resolve_arm("tiny+supervised", lab.builder.menu), lab.corpus(plants))
    corpus = lab.corpus(plants)
    split = tuple(replace(query, split="train" if i % 2 else "test") for i, query in enumerate(corpus.queries))
    space = lab.builder.space(resolve_arm("tiny+supervised", lab.builder.menu), replace(corpus, queries=split))
    assert isinstance(space.transform, SupervisedMap)
    assert space.transform.queries == 40
