"""What cannot be decided, searched, priced or exported: one line with the value and the next step, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mrl_demo import cli
from mrl_demo.advisor.budget import byte_plan
from mrl_demo.advisor.recommend import Advice
from mrl_demo.core.errors import LabError
from mrl_demo.gating.allocation import GateQuestion
from mrl_demo.lab.exporting import ExportChoice
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.decide.state import Decided, DecideState

REFUSED = {
    "funnel 64:100,32:10": "Stage 2 reads 32 numbers after 64",
    "funnel 64:5": "fewer than the 10 results",
    "funnel 64:100,9999:10": "from 1 to 384",
    "funnel int3@64:100,full:10": "'int3'",
    "funnel nonsense": "'nonsense' is no stage",
    "funnel --keep 1.2": "keep is 1.2",
    "funnel --arm bm25": "'bm25' has no vectors",
    "gate --target 2": "target is 2.0",
    "gate --dims 9999": "Dimension 9999",
    "gate --load 1.5": "load is 1.5",
    "gate --budget-ms 0": "budget is 0.0 ms",
    "budget 0": "0 bytes holds no vector",
    "budget 96 --dims 9999": "384 numbers, fewer than 9999",
    "budget 96 --shortlist 5": "is 5: give 10",
    "budget 96 --arms bm25": "bm25 has no vectors",
    "recommend --target 1.5": "target is 1.5",
    "recommend --target nan": "target is nan",
    "recommend --bytes -1": "-1 bytes hold no vector",
    "recommend --bytes 1 --dims 64": "fits into 1 bytes a vector: the smallest takes 8",
    "recommend --dims 9999": "384 numbers, fewer than 9999",
    "recommend --precisions int3": "'int3'",
    "recommend --shortlist 3": "is 3: give 10",
    "recommend --arms nobody": "no arm 'nobody'",
    "recommend --metric precision@5": "no metric 'precision@5'",
    "recommend --queries -1": "queries is -1",
    "threshold 0.5 --dim 9999": "Dimension 9999",
    "threshold 70": "cut-off is 70",
    "threshold 0.5 --arm bm25": "'bm25' has no vectors",
    "cost --count 0": "vectors is 0",
    "cost --memory-price nan": "memory_gib_month is nan",
    "cost --disk-price -1": "disk_gb_month is -1.0",
    "cost --replicas 0": "replicas is 0",
    "export --format faiss --arm base --rescore-dim 384 --shortlist 3 --out OUT": "shortlist is 3",
    "migration --format faiss --arm bm25 --out OUT": "bm25 has no vectors",
    "migration --format faiss --dim 9999 --out OUT": "Dimension '9999'",
    "migration --format faiss --cutoff 7 --out OUT": "cut-off is 7.0",
    "report --cutoff 70 --out OUT": "cut-off is 70.0",
    "report --target 3 --out OUT": "target is 3.0",
    "report --engine oracle --out OUT": "no export 'oracle'",
    "check-server --url ftp://x --model m --dim 8": "'ftp://x' is no address",
}


@pytest.mark.parametrize(("command", "words"), REFUSED.items())
def test_the_command_line_names_the_value_in_one_line(
    command: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.html"
    assert cli.main([f"--cache-dir={tmp_path / 'cache'}", *command.replace("OUT", str(out)).split()]) == 2
    told = capsys.readouterr()
    assert words in told.err and told.out == ""
    assert len(told.err.strip().splitlines()) == 1
    assert not out.exists()


def test_a_price_in_words_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["cost", "--memory-price", "cheap"])
    assert "'cheap'" in capsys.readouterr().err


def test_a_target_out_of_reach_and_an_arm_without_lengths_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recommend", "--arms", "base,bm25", "--dims", "8", "--target", "1", "--precisions", "binary"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "No setting is sure to keep 100%" in told and "bm25 has no vectors, so no length to choose" in told


def test_one_query_settles_nothing(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    (folder / "qrels").mkdir(parents=True)
    rows = [f'{{"_id": "d{i}", "title": "", "text": "text {i} on thing {i * 7}"}}' for i in range(30)]
    (folder / "corpus.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "thing 14"}\n', encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td2\t1\n", encoding="utf-8")
    advice = Advice(reference="tiny")
    from mrl_demo.advisor.recommend import advice_plan

    answer = lab.consult(lab.add_corpus(folder), advice, advice_plan(advice, ["tiny"])).recommendation
    assert answer.n_queries == 1 and not answer.settlement.is_settled
    assert any("One query" in note for note in answer.notes)


IN_PYTHON: dict[str, tuple[Callable[[], object], str]] = {
    "target": (lambda: Advice(target=1.5), "target is 1.5"),
    "bytes": (lambda: Advice(most_bytes=-1), "-1 bytes"),
    "shortlist": (lambda: byte_plan(["base"], shortlist=9), "is 9: give 10"),
    "load": (lambda: GateQuestion(load=-0.1), "load is -0.1"),
    "precision": (lambda: ExportChoice("base", 64, "int3").stored, "'int3'"),
}


@pytest.mark.parametrize("name", IN_PYTHON)
def test_python_names_the_value(name: str) -> None:
    ask, words = IN_PYTHON[name]
    with pytest.raises(LabError, match=words):
        ask()


@pytest.mark.parametrize(
    ("wrong", "ask", "words"),
    [
        ({"target": "1.5"}, lambda state: state.advice, "target is 1.5"),
        ({"most_bytes": -3}, lambda state: state.advice, "-3 bytes"),
        ({"rescored": 4}, lambda state: state.precisions_measured, "is 4: give 10"),
        ({"rescored": None}, lambda state: state.shortlist_rescored, "shortlist"),
        ({"cut_dim": 3.5}, lambda state: state.question, "length"),
        ({"cutoff": None}, lambda state: state.question, "cut-off"),
        ({"cutoff": 7.0}, lambda state: state.question, "cut-off is 7.0"),
        ({"vectors": 0}, lambda state: state.deployment(384), "vectors is 0"),
        ({"cut_dim": 9999}, lambda state: state.deployment(384), "Dimension 9999"),
        ({"memory_price": float("nan")}, lambda state: state.prices, "is nan"),
    ],
)
def test_the_page_names_the_value(wrong: dict[str, object], ask: Callable[[DecideState], object], words: str) -> None:
    known = {"corpus": "builtin", "metric": "ndcg@10", "target": "0.95", "arms": ("base",), **wrong}
    with pytest.raises(LabError, match=words):
        ask(DecideState(Decided(), **known))  # type: ignore[arg-type]
