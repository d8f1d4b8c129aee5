"""Random tables written by the tools people use come back equal, or are refused by their line.

`--hypothesis-profile=thorough` tries 5,200 files in all; the default 650, in seconds.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Document, Query
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.own.beir import write_beir
from mrl_demo.corpora.own.files import load_path

FEW = settings(max_examples=settings().max_examples // 4)  # There are 26 such tests.
HEADERS = [("id", "text"), ("id", "title", "text"), ("text",), ("text", "id"), ("title", "text", "id")]
HARD = ",;\t|\"'\n\r \\#\ufeff\u2028\x85\x0c\0éß語🎹\u0301"
WORDS = st.sampled_from(
    ["nan", "NULL", "None", "1.10", "007", "1e5", "true", "2024-01-01", "-", "=1+1", "sep=;", "[]", "{}", "text", "id"]
)
ANY = st.text(st.one_of(st.sampled_from(HARD), st.characters(exclude_categories=["Cs"])), max_size=12)
TEXTS = st.one_of(ANY, WORDS, st.text("abc ,;", min_size=1, max_size=8))
IDS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=6)


@dataclass(frozen=True)
class Sample:
    """A table of texts: a header and rows of as many cells."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def records(self) -> list[dict[str, str]]:
        return [dict(zip(self.header, row, strict=True)) for row in self.rows]


@st.composite
def samples(draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS) -> Sample:
    header = draw(st.sampled_from(HEADERS))
    ids = draw(st.lists(IDS, min_size=1, max_size=5, unique=True))
    rows = [tuple(name if column == "id" else draw(texts) for column in header) for name in ids]
    return Sample(header, tuple(rows))


def expected(sample: Sample) -> list[tuple[str, str, str]]:
    """Id, title and text of every row that says something."""
    documents = []
    for number, row in enumerate(sample.records, 1):
        title, text = row.get("title", "").strip(), row["text"].strip()
        if title or text:
            documents.append((row.get("id", f"row-{number}"), title, text))
    return documents


def written(sample: Sample, **style: Any) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, **style).writerows([sample.header, *sample.rows])
    return out.getvalue()


def frame(sample: Sample) -> pd.DataFrame:
    return pd.DataFrame(list(sample.rows), columns=list(sample.header), dtype=object)


def excel(sample: Sample, delimiter: str) -> bytes:
    """As "CSV UTF-8": a mark, CRLF, the delimiter of the country."""
    return written(sample, delimiter=delimiter).encode("utf-8-sig")


def polars_bytes(sample: Sample, kind: str) -> bytes:
    out = io.BytesIO()
    table = pl.DataFrame(list(sample.rows), schema=[(name, pl.String) for name in sample.header], orient="row")
    if kind == "ndjson":
        table.write_ndjson(out)
    else:
        table.write_csv(out, separator="\t" if kind == "tsv" else ",")
    return out.getvalue()


WRITERS: dict[str, Callable[[Sample], bytes]] = {
    "csv.csv": lambda s: written(s).encode(),
    "all-quoted.csv": lambda s: written(s, quoting=csv.QUOTE_ALL, lineterminator="\n").encode(),
    "bars.csv": lambda s: written(s, delimiter="|").encode(),
    "tabs.tsv": lambda s: written(s, delimiter="\t").encode(),
    "excel.CSV": lambda s: excel(s, ","),
    "excel-semicolons.csv": lambda s: excel(s, ";"),
    "excel-sep.csv": lambda s: b"\xef\xbb\xbfsep=;\r\n" + written(s, delimiter=";").encode(),
    "excel-unicode.txt.csv": lambda s: written(s, delimiter="\t").encode("utf-16"),
    "utf-16-be.csv": lambda s: b"\xfe\xff" + written(s).encode("utf-16-be"),
    "pandas.csv": lambda s: frame(s).to_csv(index=False).encode(),
    "pandas-index.csv": lambda s: frame(s).to_csv().encode(),
    "pandas.tsv": lambda s: frame(s).to_csv(sep="\t", index=False).encode(),
    "pandas.jsonl": lambda s: frame(s).to_json(orient="records", lines=True).encode(),
    "pandas.json": lambda s: frame(s).to_json(orient="records", force_ascii=False).encode(),
    "pandas-indented.json": lambda s: frame(s).to_json(orient="records", indent=2).encode(),
    "polars.csv": lambda s: polars_bytes(s, "csv"),
    "polars.tsv": lambda s: polars_bytes(s, "tsv"),
    "polars.ndjson": lambda s: polars_bytes(s, "ndjson"),
    "packed.csv.gz": lambda s: gzip.compress(written(s).encode()),
    "json.JSONL.GZ": lambda s: gzip.compress("\n".join(json.dumps(row) for row in s.records).encode()),
    "unescaped.jsonl": lambda s: "\r\n".join(json.dumps(row, ensure_ascii=False) for row in s.records).encode(),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.parametrize("name", WRITERS)
@FEW
@given(sample=samples())
def test_what_a_tool_wrote_comes_back_equal(folder: Path, name: str, sample: Sample) -> None:
    path = folder / name
    path.write_bytes(WRITERS[name](sample))
    wanted = expected(sample)
    if name.startswith("pandas") and any("\r" in cell for row in sample.rows for cell in row):
        # pandas leaves it without quotes under Python 3.11.
        with contextlib.suppress(CorpusError):
            assert [(doc.id, doc.title, doc.text) for doc in load_path(path).documents] == wanted
        return
    if not wanted:
        with pytest.raises(CorpusError, match="holds no document"):
            load_path(path)
        return
    corpus = load_path(path)
    assert [(doc.id, doc.title, doc.text) for doc in corpus.documents] == wanted
    left_out = [note.count for note in corpus.notes if note.kind == "empty-document"]
    assert sum(left_out) == len(sample.rows) - len(wanted)


@FEW
@given(sample=samples(st.text("abc,; \t|'é", max_size=8)))
def test_what_was_joined_by_hand_comes_back_equal_or_is_refused_by_its_line(folder: Path, sample: Sample) -> None:
    path = folder / "by-hand.csv"
    path.write_text("\n".join(",".join(row) for row in [sample.header, *sample.rows]) + "\n", encoding="utf-8")
    assume(expected(sample))
    # Without quotes these are other tables: an id with a comma or a quote, empty fields at the end of a row.
    assume(not any(set(',"') & set(row.get("id", "")) for row in sample.records))
    assume(all(row[-1].rstrip(", \t") == row[-1].rstrip() != "" for row in sample.rows))
    try:
        found = [(doc.id, doc.title, doc.text) for doc in load_path(path).documents]
    except CorpusError as error:
        assert re.search(r"line \d+: \d fields", str(error)) and any("," in cell for row in sample.rows for cell in row)
    else:
        assert [row[1:] for row in found] == [row[1:] for row in expected(sample)]


@FEW
@given(st.lists(st.text("aeiou nrst,äöüßéèñçåø€“”’", min_size=2, max_size=20), min_size=1, max_size=4))
def test_western_text_of_windows_is_read_as_it_was_meant_or_refused(folder: Path, texts: list[str]) -> None:
    sample = Sample(("id", "text"), tuple((str(i), text) for i, text in enumerate(texts)))
    assume(expected(sample))
    raw = written(sample).encode("cp1252")
    assume(raw.decode("utf-8", "ignore").isascii())  # Or it is UTF-8 just as well, as two letters out of place are.
    path = folder / "windows.csv"
    path.write_bytes(raw)
    try:
        corpus = load_path(path)
    except CorpusError as error:
        assert "line" in str(error) and "not UTF-8" in str(error)
        return
    assert [(doc.id, doc.title, doc.text) for doc in corpus.documents] == expected(sample)
    assert bool(corpus.notes) or "".join(texts).isascii() or len(corpus) < len(texts)


@st.composite
def judged(draw: st.DrawFn) -> Any:
    """Documents, queries in splits, and their judgements, as a corpus."""
    documents = [
        Document(name, draw(ANY).strip(), "text " + draw(ANY).strip(), draw(st.sampled_from(["", "baking"])))
        for name in draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    ]
    names = draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    queries = [
        Query(name, "query " + draw(ANY).strip(), draw(st.sampled_from(["", "question"])), split)
        for name in names
        for split in [draw(st.sampled_from(["test", "dev", "train"]))]
    ]
    judged_ids = st.sampled_from([*(document.id for document in documents), "not there"])
    grades = st.one_of(st.integers(-1, 3), st.sampled_from([0.5, 2.25]))
    judgements = {name: draw(st.dictionaries(judged_ids, grades, min_size=1, max_size=3)) for name in names}
    documents = [Document(d.id, d.title, d.text.strip(), d.topic) for d in documents]
    return make_corpus("beir", "beir", documents, [Query(q.id, q.text.strip(), q.style, q.split) for q in queries],
                       judgements)  # fmt: skip


@FEW
@given(corpus=judged())
def test_an_exported_folder_loads_as_the_corpus_it_was(tmp_path_factory: pytest.TempPathFactory, corpus: Any) -> None:
    folder = tmp_path_factory.mktemp("out") / "beir"
    write_beir(corpus, folder)
    assert load_path(folder) == corpus


@FEW
@given(corpus=judged(), layout=st.sampled_from(["beir", "swapped", "trec", "comma", "twice", "wide", "no-header"]))
def test_judgements_of_any_layout_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, corpus: Any, layout: str
) -> None:
    folder = tmp_path_factory.mktemp("in") / "beir"
    write_beir(corpus, folder)
    for path in (folder / "qrels").iterdir():
        rows = list(csv.reader(path.open(encoding="utf-8", newline=""), delimiter="\t"))
        if layout == "no-header" and not _is_plain(rows[1:]):
            continue
        (path.rename(path.with_suffix(".trec")) if layout == "trec" else path).write_text(
            _laid_out(rows, layout), encoding="utf-8"
        )
    assert load_path(folder).judgements == corpus.judgements


def _is_plain(rows: list[list[str]]) -> bool:
    """Whether ids cannot be taken for a header or a remark."""
    return not any(cell.startswith("#") for row in rows for cell in row)


def _laid_out(rows: list[list[str]], layout: str) -> str:
    out = io.StringIO(newline="")
    tabs = csv.writer(out, delimiter="\t", lineterminator="\n")
    if layout == "swapped":
        tabs.writerows([document, query, grade] for query, document, grade in rows)
    elif layout == "trec":
        tabs.writerows([query, "0", document, grade] for query, document, grade in rows[1:])
    elif layout == "comma":
        csv.writer(out).writerows(rows)
    elif layout == "twice":
        tabs.writerows([*rows, *rows])
    elif layout == "wide":
        tabs.writerows([query, document, grade, "iteration" if i == 0 else "0"]
                       for i, (query, document, grade) in enumerate(rows))  # fmt: skip
    else:
        tabs.writerows(rows[1:] if layout == "no-header" else rows)
    return out.getvalue()


@FEW
@given(raw=st.binary(max_size=200), name=st.sampled_from(["a.csv", "a.jsonl", "a.json", "a.tsv", "a.txt", "a.parquet"]))
def test_any_bytes_are_read_or_refused_with_words(folder: Path, raw: bytes, name: str) -> None:
    for path, content in ((folder / name, raw), (folder / f"{name}.gz", gzip.compress(raw))):
        path.write_bytes(content)
        try:
            assert len(load_path(path)) > 0
        except CorpusError as error:
            assert name in str(error)
