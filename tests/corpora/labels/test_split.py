"""What labels may teach: never a document that any classification asks about; and labels that are paths."""

from __future__ import annotations

import numpy as np
import pytest

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Document
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.labels.paths import with_label_paths
from mrl_demo.corpora.labels.split import labels_of, taught_levels
from mrl_demo.evaluation.sweeps.plan import metrics_for


def shelf(labels: list[str], domains: list[str]) -> list[Document]:
    rows = zip(labels, domains, strict=True)
    return [Document(str(n), "", f"text {n}", label, domain) for n, (label, domain) in enumerate(rows)]


def test_what_is_asked_at_one_level_teaches_at_none() -> None:
    topics = [f"t{n // 10}" for n in range(120)]
    corpus = make_corpus("shelf", "Shelf", shelf(topics, [f"d{n // 40}" for n in range(120)]))
    taught = taught_levels(corpus)
    assert taught.fields == ("domain", "topic")
    for label in taught.fields:
        assert (taught.classes[:, labels_of(corpus, label).test] == -1).all()
    assert (taught.classes >= 0).sum(axis=1).min() > 30


def test_without_labels_nothing_is_taught_and_the_error_says_what_to_give() -> None:
    with pytest.raises(CorpusError, match=r"column called label.*Health/Heart"):
        taught_levels(make_corpus("bare", "Bare", shelf([""] * 5, [""] * 5)))


def test_paths_give_domains_that_everything_measures_by() -> None:
    labels = [f"{domain} / {topic}" for domain in ("a", "b") for topic in ("x", "y") for _ in range(5)]
    documents, notes = with_label_paths(shelf(labels, [""] * 20))
    assert [document.domain for document in documents] == ["a"] * 10 + ["b"] * 10
    assert str(notes[0]) == "Labels are read as paths: 2 first parts are domains, 4 whole paths topics."
    assert "accuracy@domain" in metrics_for(make_corpus("paths", "Paths", documents))


@pytest.mark.parametrize("labels", [["TCP/IP", "news"], ["a/x", "b/y"], ["a/x", "a/y"], ["a/", "a/x", "b/z"], []])
def test_a_slash_alone_makes_no_path(labels: list[str]) -> None:
    documents = shelf(labels, [""] * len(labels))
    assert with_label_paths(documents) == (documents, ())
    assert not np.any([document.domain for document in documents])
