"""`training evaluate`: every arm on an outside folder, with the shipped models, by the one evaluation there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mrl_demo.core.config import Settings
from mrl_demo.corpora.shipped.builtin import load_builtin
from mrl_demo.lab.lab import Lab
from training.evaluation import evaluation_plan, shares
from training.result.measure import card_sections


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """A BEIR folder of the first 60 passages and the queries that each of them answers."""
    corpus = load_builtin(settings.assets_dir)
    documents = corpus.documents[:60]
    ids = {document.id for document in documents}
    asked = [query for query in corpus.queries if set(corpus.judgements[query.id]) <= ids]
    folder = tmp_path / "outside"
    folder.mkdir()
    rows = [{"_id": d.id, "title": d.title, "text": d.text} for d in documents]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    texts = [{"_id": q.id, "text": q.text} for q in asked]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts), encoding="utf-8")
    judged = [f"{q.id}\t{passage}\t1\n" for q in asked for passage in corpus.judgements[q.id]]
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged), encoding="utf-8")
    return folder


@pytest.mark.real_model
def test_all_arms_are_scored_on_the_same_queries_and_rotations_keep_the_full_length(
    settings: Settings, folder: Path
) -> None:
    lab = Lab(settings)
    plan = evaluation_plan([lab.add_arm(str(settings.assets_dir / "adapters" / "tuned"))], 40, 64, True)
    result = lab.evaluate(lab.add_corpus(folder), plan)
    assert [arm.name for arm in result.arms] == ["base", "base-pca", "adapted", "tuned", "tuned+adapted"]
    assert {row.n_queries for row in result.rows} == {40}
    whole = {row.arm: row.value for row in result.rows if (row.dim, row.metric) == (384, "ndcg@10")}
    for name, origin in (("base-pca", "base"), ("adapted", "base"), ("tuned+adapted", "tuned")):
        assert whole[name] == pytest.approx(whole[origin], abs=1e-6)
    assert shares(result)["base"][384] == pytest.approx(1)
    parts = card_sections(result, "tuned", 64)
    assert "40 judged queries over all 60 documents" in parts[0].setting
    assert [part.title.split(": ")[1] for part in parts] == [
        "against base",
        "against base-pca",
        "against uncut base",
    ]
    assert {row.dim for row in parts[0].rows} == {8, 16, 32, 64, 128, 256, 384}
