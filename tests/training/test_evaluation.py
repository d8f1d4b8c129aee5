"""`training evaluate`: every arm on an outside folder, with the shipped models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.core.config import Settings
from mrl_demo.corpora.builtin import load_builtin
from training.data.pairs import DataError
from training.evaluation import ArmScorer, outside_corpus, sections, shares
from training.report import Report

_DIMS = (16, 64, 384)


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """A BEIR folder of the first 60 passages and the queries that each of them answers."""
    corpus = load_builtin(settings.assets_dir)
    documents = corpus.documents[:60]
    ids = {document.id for document in documents}
    asked = [query for query in corpus.queries if set(corpus.judgements[query.id]) <= ids]
    rows = [{"_id": d.id, "title": d.title, "text": d.text} for d in documents]
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    texts = [{"_id": q.id, "text": q.text} for q in asked]
    (tmp_path / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts), encoding="utf-8")
    judged = [f"{q.id}\t{passage}\t1\n" for q in asked for passage in corpus.judgements[q.id]]
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged), encoding="utf-8")
    return tmp_path


def test_all_arms_are_scored_on_the_same_queries_and_rotations_keep_the_full_length(
    settings: Settings, folder: Path
) -> None:
    corpus = outside_corpus(folder, queries=40)
    adapters = {"tuned": settings.assets_dir / "adapters" / "tuned"}
    scored = ArmScorer(settings, adapters, Report(), max_tokens=64, with_adapted=True).score(corpus, "", _DIMS)
    assert list(scored.scores) == ["base", "base-pca", "adapted", "tuned", "tuned-adapted"]
    assert {len(values) for found in scored.scores.values() for values in found.values()} == {40}
    whole = {name: found[384, "ndcg@10"] for name, found in scored.scores.items()}
    np.testing.assert_allclose(whole["base-pca"], whole["base"], atol=1e-6)
    np.testing.assert_allclose(whole["adapted"], whole["base"], atol=1e-6)
    np.testing.assert_allclose(whole["tuned-adapted"], whole["tuned"], atol=1e-6)
    assert shares(scored)["base"][384] == pytest.approx(1)
    assert "40 judged queries over all 60 documents" in scored.setting
    titles = [section["title"] for section in sections(scored, "tuned")]
    assert [title.split(": ")[1] for title in titles] == ["against base", "against base-pca", "against uncut base"]


def test_fewer_queries_are_chosen_by_the_seed_and_a_folder_without_judgements_is_refused(folder: Path) -> None:
    one, again, other = (outside_corpus(folder, 10, seed) for seed in (0, 0, 1))
    assert len(one.queries) == 10
    assert one.queries == again.queries != other.queries
    (folder / "queries.jsonl").unlink()
    (folder / "qrels.tsv").unlink()
    with pytest.raises(DataError, match="no judged queries"):
        outside_corpus(folder, 10)
