"""Data sets of a stand-in of the Hub over HTTP, through the real client code: rows, caps, revisions, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mrl_demo import cli
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import Cancelled, CorpusError
from mrl_demo.corpora.own.hub import HubDataSet, HubRows, read_hub_rows
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.data.intake import hub_rows
from mrl_demo.ui.data.state import DataState
from tests.training.hub_stand_in import COMMIT, Repository, serving

CONFIGS = """---
configs:
- config_name: default
  data_files: [{split: test, path: test.jsonl}]
- config_name: corpus
  data_files: [{split: corpus, path: corpus.jsonl}]
- config_name: queries
  data_files: [{split: queries, path: queries.jsonl}]
---
"""
LABELLED = """---
configs:
- config_name: en
  data_files: [{split: train, path: en/train.parquet}, {split: test, path: en/test.parquet}]
- config_name: de
  data_files: [{split: train, path: en/test.parquet}]
dataset_info:
- config_name: en
  features:
  - {name: title, dtype: string}
  - {name: body, dtype: string}
  - {name: label, dtype: {class_label: {names: {'0': bees, '1': tides}}}}
---
"""


def lines(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repository, ...]:
    home = tmp_path_factory.mktemp("data-sets")
    plain, judged, labelled, script, away = (home / name for name in ("plain", "judged", "labelled", "script", "away"))
    for folder in (plain, judged, labelled / "en", script, away):
        folder.mkdir(parents=True)
    lines(plain / "rows.jsonl", [{"id": str(i), "text": f"Rule {i}"} for i in range(30)])
    lines(judged / "corpus.jsonl", [{"_id": f"d{i}", "title": "", "text": f"Rule {i}"} for i in range(9)])
    lines(judged / "queries.jsonl", [{"_id": "q1", "text": "what is rule one"}])
    lines(judged / "test.jsonl", [{"query-id": "q1", "corpus-id": "d1", "score": 1}])
    (judged / "README.md").write_text(CONFIGS, encoding="utf-8")
    table = pd.DataFrame({"title": ["Bees", "Tides"], "body": ["They dance.", "The moon."], "label": [0, 1]})
    for split in ("train", "test"):
        table.to_parquet(labelled / "en" / f"{split}.parquet")
    (labelled / "README.md").write_text(LABELLED, encoding="utf-8")
    (script / "script.py").write_text("raise SystemExit('ran')", encoding="utf-8")
    (home / "secret.txt").write_text("secret", encoding="utf-8")
    (away / "README.md").write_text(
        f"---\nconfigs:\n- config_name: default\n  data_files: {home / 'secret.txt'}\n---\n", encoding="utf-8"
    )
    (away / "a.txt").write_text("a", encoding="utf-8")
    found = tuple(Repository(f"me/{path.name}", path, "datasets") for path in (plain, judged, labelled, script, away))
    gated = Repository("me/gated", plain, "datasets", refusal=(403, "GatedRepo"))
    return (*found, gated, Repository("me/broken", plain, "datasets", refusal=(500, "Internal")))


@contextmanager
def reached(monkeypatch: pytest.MonkeyPatch, home: Path, address: str) -> Iterator[None]:
    """Let the Hub's own client ask that address, with an empty cache."""
    monkeypatch.setenv("HF_ENDPOINT", address)
    for name in ("huggingface_hub.constants.ENDPOINT", "datasets.config.HF_ENDPOINT"):
        monkeypatch.setattr(name, address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    for module in ("huggingface_hub.constants", "huggingface_hub.file_download"):
        monkeypatch.setattr(f"{module}.HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    yield


@pytest.fixture
def hub(repositories: tuple[Repository, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths that a stand-in of the Hub is asked for."""
    asked: list[str] = []
    with serving(*repositories, asked=asked) as address, reached(monkeypatch, tmp_path, address):
        yield asked


def read(given: str, folder: Path, most: int = 100) -> HubRows:
    return read_hub_rows(HubDataSet.parse(given), folder / "rows", most)


def test_rows_are_streamed_once_capped_and_pinned(hub: list[str], tmp_path: Path) -> None:
    rows = read("hub:me/plain", tmp_path, 20)
    corpus = rows.load(20, ColumnChoice())
    assert [document.id for document in corpus.documents] == [str(i) for i in range(20)]
    assert corpus.label == f"me/plain@{COMMIT[:7]}"
    assert "Only the first 20 rows" in str(corpus.notes[0])
    assert rows.data_set.revision == COMMIT
    assert any(f"resolve/{COMMIT}/rows.jsonl" in path for path in hub)
    hub.clear()
    assert read(f"hub:me/plain@{COMMIT}", tmp_path, 20).path == rows.path
    assert hub == []  # A commit never changes: nobody needs to be asked.
    whole = read("hub:me/plain", tmp_path, 30).load(30, ColumnChoice())
    assert (len(whole), whole.notes) == (30, ())


def test_without_a_network_earlier_rows_are_read_and_that_is_said(
    hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read("hub:me/plain", tmp_path)
    with reached(monkeypatch, tmp_path, "http://127.0.0.1:9"):
        corpus = read("hub:me/plain", tmp_path).load(100, ColumnChoice())
        assert len(corpus) == 30
        assert "The Hub did not answer" in str(corpus.notes[0])
        with pytest.raises(CorpusError, match="Check the connection"):
            read("hub:me/judged", tmp_path)


def test_a_judged_collection_comes_whole(hub: list[str], tmp_path: Path) -> None:
    corpus = read("hub:me/judged", tmp_path).load(100, ColumnChoice())
    assert (len(corpus), [query.text for query in corpus.queries]) == (9, ["what is rule one"])
    assert corpus.judgements == {"q1": {"d1": 1.0}}
    assert len(read("hub:me/judged:corpus", tmp_path).load(100, ColumnChoice())) == 9


def test_labels_have_their_names_and_a_split_that_was_chosen_is_said(hub: list[str], tmp_path: Path) -> None:
    rows = read("hub:me/labelled:en", tmp_path)
    preview, corpus = rows.preview(100, ColumnChoice())
    assert [document.topic for document in corpus.documents] == ["bees", "tides"]
    assert {column.name: column.role for column in preview.columns}["body"] == "text"
    assert "split train is read, test not" in str(preview.notes[0])
    assert rows.data_set.split == "train"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("hub:me/none", "has no data set me/none for you"),
        ("hub:me/gated", "is gated: accept its terms"),
        ("hub:me/broken", "HTTP 500"),
        ("hub:me/script", "code of others is not run here"),
        ("hub:me/away", "don't belong to me/away"),
        ("hub:me/plain@v9", "has no revision 'v9'"),
        ("hub:me/plain:default:dev", "there is no split 'dev'; choose one of train"),
        ("hub:me/plain:other", "'other' not found"),
        ("hub:me/labelled", r"several configurations \(en, de\): name one"),
        ("hub:../../etc/passwd", "names no data set of the Hub"),
        ("hub:plain", "names no data set of the Hub"),
        ("hub:a/b:c:d:e", "names no data set of the Hub"),
    ],
)
def test_what_cannot_be_had_is_said_and_leaves_nothing(hub: list[str], tmp_path: Path, given: str, words: str) -> None:
    with pytest.raises(CorpusError, match=words) as error:
        read(given, tmp_path)
    assert str(tmp_path) not in str(error.value).replace("secret.txt", "")
    assert not [*tmp_path.glob("rows/*")]


def test_a_person_who_stops_is_obeyed(hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mrl_demo.corpora.own.hub._TOLD_EVERY", 10)

    def stop(_share: float, _line: str) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        read_hub_rows(HubDataSet.parse("hub:me/plain"), tmp_path / "rows", 100, stop)
    assert not [*tmp_path.glob("rows/*")]


def test_the_command_line_and_python_take_them_where_files_go(
    hub: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--cache-dir", str(tmp_path / "cache"), "inspect", "hub:me/plain", "hub:me/judged", "--json"]) == 0
    plain, judged = json.loads(capsys.readouterr().out)
    assert (plain["n_documents"], judged["n_queries"], judged["name"]) == (30, 1, f"me/judged@{COMMIT[:7]}")
    lab = Lab(replace(Settings(), cache_dir=tmp_path / "cache"))
    name = lab.add_hub_corpus("hub:me/judged")
    assert len(lab.corpus(name)) == 9
    assert lab.corpora()[-1].description == f"The data set me/judged@{COMMIT[:7]} of the Hub"
    assert cli.main(["inspect", "hub:me/none"]) == 2
    assert "set HF_TOKEN if it is private" in capsys.readouterr().err


def given_on_page(hub: str, text: str = "") -> DataState:
    nothing: dict[str, Any] = dict.fromkeys(field.name for field in fields(DataState))
    return DataState(**nothing | {"text": text, "hub": hub})


def test_a_public_page_reads_only_what_its_owner_lists(hub: list[str], tmp_path: Path) -> None:
    local = replace(Settings(), cache_dir=tmp_path)
    assert hub_rows(given_on_page("me/plain"), local).load(30, ColumnChoice()).label.startswith("me/plain@")
    public = replace(local, host="0.0.0.0")
    listing = replace(public, hub_data="me/plain, me/judged")
    assert hub_rows(given_on_page("me/plain"), listing)
    for settings in (public, replace(listing, hub_data="me/judged"), replace(local, share=True)):
        with pytest.raises(CorpusError, match="MRL_HUB_DATA"):
            hub_rows(given_on_page("me/plain"), settings)
    assert (local.allows_hub_data(), public.allows_hub_data(), listing.allows_hub_data()) == (True, False, True)
    with pytest.raises(CorpusError, match="one too many"):
        hub_rows(given_on_page("me/plain", "pasted"), local)
