"""Sheets, written documents, archives and folders of them, and what is hostile among them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrl_demo import cli
from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Document
from mrl_demo.corpora.own.files import load_path
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.corpora.own.passages import PassageChoice, cut_text, split_documents
from mrl_demo.corpora.reading import TextFormat, packed

BEES = "Bees dance to tell each other where the flowers are."


def contents(path: Path, choice: ColumnChoice | None = None) -> list[tuple[str, str]]:
    return [(document.title, document.text) for document in load_path(path, columns=choice).documents]


def make_sheet(path: Path, *rows: tuple[object, ...], sheets: int = 1) -> Path:
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(row)
    for number in range(1, sheets):
        book.create_sheet(f"more {number}")
    book.save(path)
    return path


def make_pdf(path: Path, *pages: str) -> Path:
    """A PDF made by hand: one line of Helvetica a page."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        resources = "/Resources << /Font << /F1 3 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R {resources} /Contents {5 + 2 * i} 0 R >>")
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    body, places = "%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    count = len(objects) + 1
    body += f"xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R >>\n"
    path.write_bytes((body + f"startxref\n{body.index('xref')}\n%%EOF\n").encode())
    return path


def make_zip(path: Path, **files: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return path


def test_a_sheet_is_a_table_and_other_sheets_are_said(tmp_path: Path) -> None:
    rows = [("id", "Title", "text"), (7, "Bees", BEES), (None, None, None), (8.0, "=1+1", "Figs are flowers.")]
    corpus = load_path(make_sheet(tmp_path / "a.XLSX", *rows, sheets=3))
    assert [document.id for document in corpus.documents] == ["7", "8"]
    assert corpus.documents[0].text == BEES
    assert [note.kind for note in corpus.notes] == ["other-sheets"]


def test_headings_part_web_pages_and_markdown(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text(
        "<html><head><title>Insects</title><script>alert(1)</script></head><body><nav><p>Menu</p></nav>"
        f"<h1>Bees</h1><p>{BEES}</p><ul><li>Honey</li></ul><h2>Ants</h2><p>Ants <b>walk</b>.</p></body></html>",
        encoding="utf-8",
    )
    assert contents(page) == [("Bees", f"{BEES}\nHoney"), ("Ants", "Ants walk .")]
    notes = tmp_path / "notes.md"
    notes.write_text(f"Before.\n\n# Bees\n\n{BEES}\n\n- Honey\n\n## Ants\n\nThey walk.\n", encoding="utf-8")
    assert contents(notes) == [("notes", "Before."), ("Bees", f"{BEES}\nHoney"), ("Ants", "They walk.")]


def test_a_word_document_is_read_by_its_headings(tmp_path: Path) -> None:
    import docx

    document = docx.Document()
    document.add_heading("Bees", 1)
    document.add_paragraph(BEES)
    cells = document.add_table(1, 2).rows[0].cells
    cells[0].text, cells[1].text = "wings", "4"
    document.save(str(tmp_path / "a.docx"))
    assert contents(tmp_path / "a.docx") == [("Bees", f"{BEES}\nwings | 4")]


def test_a_pdf_gives_its_pages_and_says_which_have_no_text(tmp_path: Path) -> None:
    corpus = load_path(make_pdf(tmp_path / "a.pdf", "Bees dance.", "", "Figs flower."))
    assert [(each.title, each.text) for each in corpus.documents] == [
        ("a, page 1", "Bees dance."),
        ("a, page 3", "Figs flower."),
    ]
    assert [(note.kind, note.count) for note in corpus.notes] == [("page-without-text", 1)]


def test_paragraphs_and_passages(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("One\nline.\n\n\nAnother.\n", encoding="utf-8")
    assert [text for _, text in contents(path)] == ["One", "line.", "Another."]
    choice = ColumnChoice(passages=PassageChoice(is_paragraphs=True))
    assert [text for _, text in contents(path, choice)] == ["One line.", "Another."]
    path.write_text(" ".join(f"w{i}" for i in range(50)) + "\nshort\n", encoding="utf-8")
    corpus = load_path(path, columns=ColumnChoice(passages=PassageChoice(20, 10)))
    assert [document.id for document in corpus.documents] == [f"row-1#{i}" for i in range(1, 5)] + ["row-2"]
    assert corpus.documents[1].text.split()[:10] == corpus.documents[0].text.split()[10:]
    assert "1 documents were split into 4 passages" in str(corpus.notes[-1])


@given(st.lists(st.text(alphabet="ab \n\t", max_size=8), max_size=120), st.integers(20, 40), st.integers(0, 20))
def test_passages_keep_every_word_in_order(words: list[str], size: int, overlap: int) -> None:
    text = " ".join(words)
    choice = PassageChoice(size, min(overlap, size // 2))
    parts = [part.split() for part in cut_text(text, choice)]
    kept = parts[0] + [word for part in parts[1:] for word in part[choice.overlap :]]
    assert kept == text.split()
    assert all(len(part) <= size for part in parts)
    documents, named = split_documents([Document("a", "", text)], choice)
    assert len({document.id for document in documents}) == len(documents) == max(1, len(named.get("a", [])))


def test_an_archive_holds_a_beir_folder_or_files(tmp_path: Path) -> None:
    rows = "\n".join(json.dumps({"_id": f"d{i}", "text": BEES if i == 1 else f"Text {i}"}) for i in range(3))
    beir = make_zip(
        tmp_path / "bees.zip",
        mine__corpus_dot_jsonl=rows,
        mine__queries_dot_jsonl=json.dumps({"_id": "q", "text": "how do bees talk"}),
        mine__qrels__test_dot_tsv="query-id\tcorpus-id\tscore\nq\td1\t1\n",
    )
    corpus = load_path(beir)
    assert (len(corpus), corpus.judgements, corpus.label) == (3, {"q": {"d1": 1.0}}, "bees")
    mixed = make_zip(tmp_path / "mixed.zip", a_dot_csv="text\nOne\n", b__c_dot_txt="Two\n", picture_dot_png=b"x")
    corpus = load_path(mixed)
    assert [document.id for document in corpus.documents] == ["a.csv/row-1", "b/c.txt/row-1"]
    assert [(note.kind, note.count) for note in corpus.notes] == [("unread-file", 1)]
    with pytest.raises(CorpusError, match="no picture that can be read"):
        load_path(make_zip(tmp_path / "none.zip", picture_dot_png=b"x"))


def test_judgements_follow_a_document_into_its_passages(tmp_path: Path) -> None:
    long = " ".join(f"w{i}" for i in range(30))
    beir = make_zip(
        tmp_path / "a.zip",
        corpus_dot_jsonl=json.dumps({"_id": "d", "text": long}) + "\n" + json.dumps({"_id": "e", "text": "short"}),
        queries_dot_jsonl=json.dumps({"_id": "q", "text": "w1"}),
        qrels_dot_tsv="query-id\tcorpus-id\tscore\nq\td\t2\nq\te\t1\n",
    )
    corpus = load_path(beir, columns=ColumnChoice(passages=PassageChoice(20)))
    assert corpus.judgements == {"q": {"d#1": 2.0, "d#2": 2.0, "e": 1.0}}


def linked(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("a.txt")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return path


@pytest.mark.parametrize("name", ["../../evil.txt", "/etc/evil.txt", "..\\evil.txt", "C:/evil.txt"])
def test_entries_that_lead_out_of_an_archive_are_refused(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "evil")
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    with pytest.raises(CorpusError, match="leads out of the archive"):
        load_path(tmp_path / "a.zip")
    assert not list(tmp_path.rglob("evil*"))


def test_bombs_links_and_archives_within_are_refused_or_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CorpusError, match="is a link"):
        load_path(linked(tmp_path / "link.zip"))
    inner = make_zip(tmp_path / "inner.zip", a_dot_txt="One\n").read_bytes()
    notes = load_path(make_zip(tmp_path / "outer.zip", inner_dot_zip=inner, b_dot_txt="Two\n")).notes
    assert [note.kind for note in notes] == ["nested-archive"]
    monkeypatch.setattr(packed, "MOST_UNPACKED", 2**20)
    bomb = make_zip(tmp_path / "bomb.zip", a_dot_txt="0" * 2**21)
    with pytest.raises(CorpusError, match="are the limit"):
        load_path(bomb)
    sheet = make_zip(tmp_path / "bomb.xlsx", **{"xl/workbook.xml": "0" * 2**21})
    with pytest.raises(CorpusError, match="are the limit"):
        load_path(sheet)
    monkeypatch.setattr(packed, "MOST_ENTRIES", 1)
    with pytest.raises(CorpusError, match="2 files, and 1 are the limit"):
        load_path(make_zip(tmp_path / "many.zip", a_dot_txt="x", b_dot_txt="y"))


@pytest.mark.parametrize("kind", [".zip", ".xlsx", ".docx", ".pdf", ".html", ".md"])
@given(junk=st.binary(max_size=400))
def test_junk_behind_the_right_name_is_one_line_or_text(
    tmp_path_factory: pytest.TempPathFactory, kind: str, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("junk") / f"a{kind}"
    for content in (junk, b"PK\x03\x04" + junk, b"%PDF-1.4\n" + junk):
        path.write_bytes(content)
        try:
            load_path(path)
        except CorpusError as error:
            assert "a" + kind in str(error) and "\n" not in str(error)


def test_a_pdf_with_a_password_is_named(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(make_pdf(tmp_path / "open.pdf", "Bees")))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(tmp_path / "locked.pdf")
    with pytest.raises(CorpusError, match="protected by a password"):
        load_path(tmp_path / "locked.pdf")


@pytest.mark.parametrize(("words", "overlap"), [(5, 0), (3_000, 0), (100, 51), (100, -1), (0, 5)])
def test_passages_that_cannot_be_say_what_can(words: int, overlap: int) -> None:
    with pytest.raises(CorpusError, match="give"):
        PassageChoice(words, overlap)


def test_inspect_says_what_files_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("Nr", "Heading", "body", "extra"), (1, "Bees", BEES, "x"), (2, "Figs", None, "y")]
    path = make_sheet(tmp_path / "a.xlsx", *rows)
    assert cli.main(["inspect", str(path), "--id-column", "Nr", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {each["name"]: each["role"] for each in told["columns"]} == {
        "Nr": "id",
        "Heading": "title",
        "body": "text",
        "extra": "",
    }
    assert (told["n_documents"], told["first"][0]["id"], told["rows"][0]["extra"]) == (2, "1", "x")
    assert cli.main(["inspect", str(path)]) == 0
    assert "column 'extra': not read" in capsys.readouterr().out
    assert cli.main(["search", "bees", "--corpus", "builtin", "--passages", "50"]) == 2
    assert "leave --passages" in capsys.readouterr().err


CYRILLIC = "id;text\n1;Пчёлы танцуют, чтобы показать цветы.\n2;Приливы идут за луной.\n"


def test_an_encoding_that_is_said_is_the_one_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bees.csv"
    for encoding in ("cp1251", "koi8-r", "utf-16-le"):
        path.write_bytes(CYRILLIC.encode(encoding))
        corpus = load_path(path, columns=ColumnChoice(format=TextFormat(encoding)))
        assert [document.text for document in corpus.documents][1] == "Приливы идут за луной."
        assert corpus.notes == ()
    path.write_bytes(CYRILLIC.encode("utf-8-sig"))  # The file's own mark counts before what was said.
    assert load_path(path, columns=ColumnChoice(format=TextFormat("cp1251"))).documents[1].text.startswith("Приливы")
    path.write_bytes(CYRILLIC.encode("cp1251"))
    (note,) = load_path(path, columns=ColumnChoice(format=TextFormat("ascii"))).notes
    assert (note.kind, note.place) == ("replaced-bytes", "bees.csv, line 2")
    with pytest.raises(CorpusError, match=r"--encoding CP1251"):
        load_path(path)


@pytest.mark.parametrize("kind", ["md", "html", "jsonl", "txt"])
def test_every_type_of_text_is_read_in_the_encoding_that_is_said(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"bees.{kind}"
    text = '{"text": "Приливы идут за луной."}' if kind == "jsonl" else "Приливы идут за луной.\n"
    path.write_bytes(text.encode("koi8-r"))
    corpus = load_path(path, columns=ColumnChoice(format=TextFormat("koi8-r")))
    assert [document.text for document in corpus.documents] == ["Приливы идут за луной."]


def test_a_delimiter_that_is_said_is_the_one_that_parts_fields(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("id~text\n1~Bees, dance; yes\n", encoding="utf-8")
    assert (
        load_path(path, columns=ColumnChoice(format=TextFormat(delimiter="~"))).documents[0].text == "Bees, dance; yes"
    )
    path.write_text("sep=;\nid;text\n1;Bees, dance\n", encoding="utf-8")
    named = load_path(path, columns=ColumnChoice(format=TextFormat(delimiter="semicolon")))
    assert named.documents[0].text == "Bees, dance"
    for wrong in ("ab", '"', "x"):
        with pytest.raises(CorpusError, match="cannot stand between fields"):
            TextFormat(delimiter=wrong)
    for encoding in ("klingon", "base64", "idna", "a\0b"):
        with pytest.raises(CorpusError, match="no encoding that is known"):
            TextFormat(encoding)
