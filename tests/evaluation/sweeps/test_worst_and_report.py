from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import LabError
from mrl_demo.evaluation.sweeps.report import print_report
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.evaluation.sweeps.worst import worst_queries
from tests.evaluation.word_world import WordEncoder, run_sweep, word_corpus

Make = Callable[..., SpaceBuilder]


def test_broken_queries_are_lost_where_they_say(make_builder: Make) -> None:
    corpus = word_corpus(n_documents=200, n_queries=60)
    dims = (2, 4, 8, 16, 48)
    result = run_sweep(make_builder(), corpus, ["base"], dims, metrics=("mrr@10",))
    found = worst_queries(result, corpus, "base", k=10, limit=1000)
    full = result.values(("base", 48, "float32", "mrr@10"))
    assert found.n_queries == 60
    assert found.n_found == np.count_nonzero(full)
    assert 0 < found.n_broken == len(found.worst) <= found.n_found
    for each in found.worst:
        row = result.query_ids.index(each.query_id)
        by_dim = {dim: result.values(("base", dim, "float32", "mrr@10"))[row] > 0 for dim in dims}
        assert not by_dim[each.breaks_at] and by_dim[each.holds_from] and by_dim[48]
        assert dims.index(each.holds_from) == dims.index(each.breaks_at) + 1
        best = [document for document in corpus.documents if corpus.judgements[each.query_id].get(document.id) == 2]
        assert each.answer in {document.title or document.text[:80] for document in best}
        assert each.full_rank <= found.k < each.broken_rank
    assert [each.breaks_at for each in found.worst] == sorted((each.breaks_at for each in found.worst), reverse=True)
    assert len(worst_queries(result, corpus, "base", limit=3).worst) == 3


def test_stored_results_have_no_ranks(make_builder: Make) -> None:
    corpus = word_corpus()
    result = SweepResult.from_json(run_sweep(make_builder(), corpus, ["base"], (8,)).to_json())
    with pytest.raises(LabError, match="measure it here"):
        worst_queries(result, corpus, "base")


def test_the_report_shows_every_figure_and_escapes_names(make_builder: Make) -> None:
    corpus = replace(word_corpus(), name="[red]mine[/red]")
    builder = make_builder(minilm=WordEncoder(), weak=WordEncoder(8))
    result = run_sweep(builder, corpus, ["base", "weak", "bm25", "tuned"], (4, 16), metrics=("ndcg@10", "overlap@5"))
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    print_report(result, console)
    text = console.export_text()
    for row in result.rows:
        assert f"{row.value:.3f}".replace("0.", ".") in text
    for expected in (
        "[red]mine[/red]",
        "any length",
        "weak has 8 dimensions: 16 left out",
        "tuned is left out",
        "24 queries",
    ):
        assert expected in text
