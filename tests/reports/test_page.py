"""The report: whole, self-contained, harmless, and with the numbers of the recommendation."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest

from mrl_demo import cli
from mrl_demo.advisor.consult import Consultation, consult
from mrl_demo.advisor.recommend import Advice, advice_plan
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Query
from mrl_demo.lab.lab import Lab
from tests.evaluation.word_world import WordEncoder, word_corpus

NASTY = "<script>alert('x')</script>{corpus}"


@pytest.fixture
def consultation(lab: Lab) -> Consultation:
    lab.encoders.add("words", WordEncoder())
    corpus = word_corpus(n_documents=200, n_queries=60)
    corpus = replace(corpus, queries=tuple(Query(query.id, f"{query.text} {NASTY}") for query in corpus.queries))
    advice = Advice(0.4, reference="words")
    return consult(lab.builder, corpus, advice, advice_plan(advice, ["words"], dims=(6, 12, 48)))


def test_the_report_holds_every_section_and_needs_no_network(lab: Lab, consultation: Consultation) -> None:
    report = lab.report(consultation, cutoff=0.4, vectors=5_000_000)
    assert report.threshold is not None and report.costs is not None
    page = replace(report, migration="Roll back: switch the alias.").to_html()
    text = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    for heading in ("Recommendation", "Curves", "Queries that break", "Cut-off", "Cost", "Migration sheet", "Method"):
        assert f"<h2>{heading}" in text
    for says in (report.costs.sentence(), "60 judged queries", "5,000,000 vectors", "60 queries; 95% intervals"):
        assert says in text
    assert "alert" not in "".join(re.findall(r"<script[^>]*>[^<]*alert", text))
    assert "&lt;script&gt;alert" in text and "<script>alert" not in text
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page.split("<body>")[1])
    assert page.count("plotly.js v") == 1 and text.count("plotly-graph-div") == 4


def test_what_was_not_measured_is_said(lab: Lab, consultation: Consultation) -> None:
    agreed = replace(consultation, recommendation=replace(consultation.recommendation, kind="agreement"))
    page = lab.report(agreed).to_html()
    assert "No cut-off was translated" in page
    with pytest.raises(LabError, match="The cut-off is 7"):
        lab.report(consultation, cutoff=7)
    with pytest.raises(LabError, match="vectors is 0"):
        lab.report(consultation, vectors=0)


@pytest.mark.real_model
def test_the_command_writes_the_report_whole_or_not_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.html"
    command = ["report", "--arms", "base", "--dims", "64,384", "--queries", "100", f"--cache-dir={tmp_path}"]
    command += ["--engine", "faiss"]
    assert cli.main([*command, "--cutoff", "70", f"--out={out}"]) == 2
    assert "cut-off is 70" in capsys.readouterr().err and not out.exists()
    assert cli.main([*command, f"--out={out}"]) == 0
    assert capsys.readouterr().out.splitlines()[0] in html.unescape(out.read_text(encoding="utf-8"))
