"""Collections in engines behind a lab: loaded, searched, filtered, out of date, down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.cli import main
from mrl_demo.core.errors import InvalidDimensionError
from mrl_demo.core.types import Corpus
from mrl_demo.lab.curves import CurvesService
from mrl_demo.lab.indexes import IndexPlan
from mrl_demo.lab.lab import Lab
from mrl_demo.search.engines.attached import AttachedIndex
from mrl_demo.search.engines.collection import CollectionIndex
from mrl_demo.search.engines.errors import EngineDownError, EngineError, EngineMismatchError, EngineRefusedError
from mrl_demo.search.engines.opening import open_engine
from mrl_demo.search.engines.vector_engine import CollectionLayout
from mrl_demo.search.prefix import PrefixIndex

QUESTION = "ripen ethylene gas"
NOWHERE = "postgresql://me:geheim@127.0.0.1:1/lab"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"file:{tmp_path / 'vectors'}"


@pytest.fixture(autouse=True)
def _no_index_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("MRL_INDEX", raising=False)
    yield


def search(lab: Lab, dim: int = 8) -> dict[str, object]:
    return lab.compare(QUESTION, corpus="fruit", arms=["tiny"], dim=dim).arms[0].result.to_dict()


def test_an_index_answers_as_the_lab_does_and_says_so(lab: Lab, url: str) -> None:
    before = search(lab)
    report = lab.load_index("fruit", "tiny", url, IndexPlan(dims=(8,)))
    assert (report.load.sent, [row.dim for row in report.speed.lengths]) == (5, [8, 32])
    assert all(row.recall == 1 and row.is_exact for row in report.speed.lengths)
    assert lab.load_index("fruit", "tiny", url, IndexPlan(dims=(8,))).load.sent == 0
    assert lab.add_index(url) == "a folder of vectors"
    after = search(lab)
    assert after["engine"] == "a file of vectors, exact"
    assert before["engine"] == ""
    assert [hit["id"] for hit in after["hits"]] == [hit["id"] for hit in before["hits"]]  # type: ignore[attr-defined]


def test_the_engine_alone_filters_and_funnels(lab: Lab, url: str) -> None:
    lab.load_index("fruit", "tiny", url)
    with pytest.raises(EngineMismatchError, match="No engine"):
        lab.search_index(QUESTION, corpus="fruit", arm="tiny", dim=8)
    lab.add_index(url)
    answer = lab.search_index(QUESTION, corpus="fruit", arm="tiny", dim=8, where={"id": "fig"})
    assert [hit.document.id for hit in answer.hits] == ["fig"]
    funnel = lab.search_index(QUESTION, corpus="fruit", arm="tiny", dim=8, top_k=2, stages="8:4,full:2")
    assert funnel.to_dict()["engine"] == "a file of vectors, 8:4,32:2"
    assert funnel.hits[0].document.id == "banana"
    with pytest.raises(EngineError, match="no filter"):
        lab.search_index(QUESTION, corpus="fruit", arm="tiny", dim=8, where={"id": "fig"}, stages="8:4,full:2")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"fingerprint": "other"}, "have changed.*mrl index"),
        ({"model": "other"}, "another model.*--replace"),
        ({"rotation": "other"}, "another rotation.*--replace"),
        ({"state": "loading"}, "did not end.*mrl index"),
        ({"layout": CollectionLayout(16)}, "16 numbers a vector, tiny has 32: .*--replace"),
    ],
)
def test_a_collection_in_another_state_is_refused_with_the_fix(
    change: dict[str, object], match: str, lab: Lab, url: str
) -> None:
    lab.load_index("fruit", "tiny", url)
    _rewrite_card(url, **change)
    lab.add_index(url)
    with pytest.raises(EngineMismatchError, match=match):
        search(lab)


def test_an_index_of_something_else_is_left_alone_or_named(lab: Lab, url: str) -> None:
    lab.load_index("fruit", "tiny", url)
    _rewrite_card(url, corpus="elsewhere")
    lab.add_index(url)
    assert search(lab)["engine"] == ""
    with pytest.raises(EngineMismatchError, match="holds tiny over elsewhere, not tiny over fruit"):
        lab.require_index("fruit", ["tiny"])


def _rewrite_card(url: str, **change: object) -> None:
    engine = open_engine(url)
    card = engine.read_card()
    assert card
    engine.write_card(replace(card, **change))  # type: ignore[arg-type]


def test_changed_documents_send_only_what_is_new(lab: Lab, url: str, beir_folder: Path) -> None:
    lab.load_index("fruit", "tiny", url)
    rows = (beir_folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    rows.append(json.dumps({"_id": "kiwi", "title": "Kiwis", "text": "A kiwi climbs."}))
    (beir_folder / "corpus.jsonl").write_text("\n".join(rows), encoding="utf-8")
    lab.add_corpus(beir_folder)
    report = lab.load_index("fruit", "tiny", url)
    assert (report.load.sent, report.load.kept, report.load.removed) == (1, 4, 1)


def test_a_page_goes_on_without_its_engine_and_says_so(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    before = search(lab)
    shown = lab.add_index(NOWHERE, falls_back=True)
    comparison = lab.compare(QUESTION, corpus="fruit", arms=["tiny"], dim=8)
    assert "PostgreSQL does not answer" in comparison.note
    assert "own index answered instead" in comparison.note
    assert [hit.document.id for hit in comparison.arms[0].result.hits] == [hit["id"] for hit in before["hits"]]  # type: ignore[attr-defined]
    everything = f"{shown} {comparison} {caplog.text} {lab.indexes()}"
    assert "geheim" not in everything
    assert "127.0.0.1" not in everything


def test_a_script_is_told_that_its_engine_is_down(lab: Lab) -> None:
    lab.add_index(NOWHERE)
    with pytest.raises(EngineDownError, match="PostgreSQL does not answer"):
        search(lab)


def test_an_engine_is_asked_before_anything_is_encoded_for_it(lab: Lab, url: str, tmp_path: Path) -> None:
    with pytest.raises(EngineDownError, match="PostgreSQL does not answer"):
        lab.load_index("fruit", "tiny", NOWHERE)
    lab.load_index("fruit", "tiny", url)
    _rewrite_card(url, corpus="elsewhere", model="other")
    with pytest.raises(EngineMismatchError, match=r"another model.*--replace"):
        lab.load_index("fruit", "tiny", url)
    assert lab.load_index("fruit", "tiny", url, IndexPlan(replaces=True)).load.sent == 5
    fresh = Lab(lab.settings)
    fresh.encoders.add("tiny", lab.encoders.encoder("tiny"))
    with pytest.raises(EngineDownError):
        fresh.load_index("builtin", "tiny", NOWHERE)
    with pytest.raises(EngineError, match="leave --hnsw"):
        fresh.load_index("builtin", "tiny", url, IndexPlan(dims=(8,), is_approximate=True, replaces=True))
    (tmp_path / "plain").write_text("no folder", encoding="utf-8")
    with pytest.raises(EngineRefusedError, match="cannot be used"):
        fresh.load_index("builtin", "tiny", f"file:{tmp_path / 'plain' / 'vectors'}")
    assert fresh.builder.texts_encoded == 0


@pytest.mark.parametrize("command", [["index"], ["search", "bees", "--index"], ["recommend", "--index"]])
@pytest.mark.parametrize(
    ("url", "match"),
    [
        (NOWHERE, "PostgreSQL does not answer: start it, or check host and port."),
        ("mysql://me:geheim@host/x", "is no engine's scheme; write postgresql://"),
        ("postgresql://me:geheim@host:port/x", "no port that is a number"),
    ],
)
def test_the_command_line_says_in_one_line_what_is_wrong_with_an_engine(
    command: list[str], url: str, match: str, beir_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, url, "--corpus", str(beir_folder), "--cache-dir", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert match in said
    assert len(said.strip().splitlines()) == 1
    assert "geheim" not in said


def test_a_collection_that_is_not_there_is_said_with_the_command_that_makes_it(
    beir_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = f"file:{tmp_path / 'geheim'}"
    asked = ["--corpus", str(beir_folder), "--index", nothing, "--cache-dir", str(tmp_path)]
    for command in (["search", "bees"], ["funnel", "8:4,full:2"], ["recommend"]):
        assert main([*command, *asked]) == 2
        assert "nothing of the lab's yet in a folder of vectors: check the address, or make it with `mrl index`" in (
            capsys.readouterr().err
        )


class Moody:
    """Finds a collection, or not."""

    def __init__(self, problem: Exception | None) -> None:
        self.asked, self.problem = 0, problem

    def __call__(self) -> CollectionIndex | None:
        self.asked += 1
        if self.problem:
            raise self.problem
        return None


def test_an_engine_that_was_down_is_asked_again_after_a_rest() -> None:
    find, now = Moody(EngineDownError("It is down.")), iter([0.0, 0.0, 5.0, 20.0, 20.0])
    index = AttachedIndex(find, PrefixIndex(np.eye(3, dtype=np.float32)), falls_back=True, now=lambda: next(now))
    query = np.array([0, 1, 0], np.float32)
    assert [index.search_answered(query, 3, 1).problem for _ in range(2)] == ["It is down."] * 2
    assert find.asked == 1
    find.problem = None
    answered = index.search_answered(query, 3, 1)
    assert (find.asked, answered.problem, answered.top.indices.tolist()) == (2, "", [[1]])


def test_a_client_that_breaks_in_an_unforeseen_way_stops_no_page() -> None:
    query = np.array([0, 1, 0], np.float32)
    embedded = PrefixIndex(np.eye(3, dtype=np.float32))
    index = AttachedIndex(Moody(KeyError("secret")), embedded, falls_back=True)
    answered = index.search_answered(query, 3, 1)
    assert (answered.top.indices.tolist(), "nobody foresaw" in answered.problem) == ([[1]], True)
    assert "secret" not in answered.problem
    with pytest.raises(InvalidDimensionError):
        index.search(query, 9, 1)
    with pytest.raises(KeyError):
        AttachedIndex(Moody(KeyError("secret")), embedded, falls_back=False).search(query, 3, 1)


def test_the_command_line_loads_and_searches(
    tmp_path: Path, beir_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vectors = tmp_path / "own.npy", tmp_path / "queries.npy"
    for path, rows in zip(vectors, (5, 2), strict=True):
        np.save(path, np.random.default_rng(rows).standard_normal((rows, 16)).astype(np.float32))
    given = f"own={vectors[0]},{vectors[1]}"
    common = ["--corpus", str(beir_folder), "--vectors", given, "--arm", "own", "--cache-dir", str(tmp_path)]
    url = f"file:{tmp_path / 'index'}"
    assert main(["index", url, "--dims", "8", *common, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["sent"], report["bytes"]["total"] > 0, len(report["lengths"])) == (5, True, 2)
    assert main(["index", url, "--dims", "8", *common]) == 0
    assert "0 vectors sent, 5 were there" in capsys.readouterr().out
    asked = ["search", QUESTION, "--dim", "8", "--index", url, *common]
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["arms"][0]["engine"] == "a file of vectors, exact"
    assert main([*asked, "--where", "id=fig", "--json"]) == 0
    (side,) = json.loads(capsys.readouterr().out)["arms"]
    assert ([hit["id"] for hit in side["hits"]], side["n_documents"]) == (["fig"], 1)
    assert side["engine"] == "a file of vectors, exact"
    assert main([*asked, "--where", "topic=none"]) == 2
    assert "its documents have no topic" in capsys.readouterr().err
    assert main([*asked, "--stages", "8:5,full:5"]) == 0
    assert "a file of vectors, 8:5,16:5" in capsys.readouterr().out
    assert main(["recommend", "--arms", "own", "--reference", "own", "--index", url, *common[:4], *common[6:]]) == 0
    assert "a file of vectors at 16 numbers: p50" in capsys.readouterr().out
    for flags, match in (
        (["--dims", "99"], "do not fit"),
        (["--hnsw"], "searched exactly"),
        (["--precision", "binary"], "--hnsw"),
    ):
        assert main(["index", f"file:{tmp_path / 'other'}", *common, *flags]) == 2
        assert match in capsys.readouterr().err
    assert main(["index", url, "--remove"]) == 0
    assert not (tmp_path / "index").exists()


def test_flags_for_an_engine_need_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cache = ["--cache-dir", str(tmp_path)]
    assert main(["search", "bees", "--stages", "8:4,full:2", *cache]) == 2
    assert "--index" in capsys.readouterr().err
    assert main(["index", *cache]) == 2
    assert "MRL_INDEX" in capsys.readouterr().err


def test_a_private_collection_is_searched_here(lab: Lab, url: str) -> None:
    lab.load_index("fruit", "tiny", url)
    lab.add_index(url)
    mine = lab.add_private(Corpus("mine", "Mine", lab.corpus("fruit").documents, "f"))
    assert lab.compare(QUESTION, corpus=mine, arms=["tiny"], dim=8).arms[0].result.engine == ""


def test_a_funnel_runs_in_the_engine_and_finds_what_ours_finds(lab: Lab, url: str) -> None:
    ours = lab.funnel("fruit", "tiny", "8:5,full:5")
    lab.load_index("fruit", "tiny", url)
    lab.add_index(url)
    theirs = lab.funnel("fruit", "tiny", "8:5,full:5")
    assert (ours.times.engine, theirs.times.engine) == ("", "a file of vectors")
    assert "both in a file of vectors" in theirs.sentence()
    assert (theirs.agreement, theirs.quality) == (ours.agreement, ours.quality)
    assert [stage.answers_lost for stage in theirs.stages] == [stage.answers_lost for stage in ours.stages]
    coarse = lab.funnel("fruit", "tiny", "binary@32:5,full:5")
    assert (coarse.times.engine, coarse.notes[-1][:12]) == ("", "Coarse codes")


def test_times_and_recall_come_from_the_engine(lab: Lab, url: str) -> None:
    assert lab.engine_speed("fruit", "tiny") is None
    lab.load_index("fruit", "tiny", url, IndexPlan(dims=(8,)))
    lab.add_index(url)
    speed = lab.engine_speed("fruit", "tiny", [4, 32])
    assert speed and [(row.dim, row.recall, row.is_exact) for row in speed.lengths] == [(4, 1, True), (32, 1, True)]
    assert [text.split(":")[0] for text in speed.sentences()] == [
        "a file of vectors at 4 numbers",
        "a file of vectors at 32 numbers",
    ]
    service = CurvesService(lab)
    assert list(service.engine_speeds("fruit")) == [next(arm.label for arm in lab.arms() if arm.name == "tiny")]
    down = Lab(lab.settings)
    down.add_index(NOWHERE, falls_back=True)
    speed = down.engine_speed("builtin", "base")
    assert speed and not speed.lengths
    assert "was not timed. PostgreSQL does not answer: start it, or check host and port." in speed.sentences()[0]
    assert len(CurvesService(down).engine_speeds("builtin")) == 1  # The others are not waited for.
