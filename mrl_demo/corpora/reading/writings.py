"""Sections out of written documents: Markdown, HTML, Word, PDF. A section is a row with a title and a text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading.parser_errors import parsing
from mrl_demo.corpora.reading.rows import Row, Table
from mrl_demo.corpora.reading.source import open_text
from mrl_demo.corpora.reading.tally import NoteKind, Tally

WRITING_TYPES = (".md", ".html", ".htm", ".docx", ".pdf")
MOST_PAGES = 5_000
_NAMES = {".md": "Markdown", ".html": "HTML", ".htm": "HTML", ".docx": "a Word document", ".pdf": "a PDF"}
_FIXES = {".docx": "save it anew as .docx", ".pdf": "print it to a new one"}
_NO_TEXT_PAGE = NoteKind(
    "page-without-text",
    "page has no text (a picture of one, perhaps) and is left out",
    "pages have no text (pictures of it, perhaps) and are left out",
)
_NOT_READ = ("script", "style", "noscript", "template", "nav", "header", "footer")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = ("p", "li", "pre", "blockquote", "td", "th", "dd", "dt", "figcaption")


@dataclass
class _Sections:
    """Texts gathered under the heading that stands above them."""

    title: str
    texts: list[str] = field(default_factory=list)

    def take(self) -> Iterator[dict[str, str]]:
        """The section so far, if it has a text."""
        if text := "\n".join(self.texts).strip():
            yield {"title": self.title, "text": text}
        self.texts = []


def writing_rows(table: Table, kind: str, tally: Tally) -> Iterator[Row]:
    """The sections of a document of a type of `WRITING_TYPES`, a page of a PDF being one; raises `CorpusError`."""
    table.see("title", always=True)
    table.see("text", always=True)
    readers = {".md": _markdown, ".docx": _word, ".pdf": _pdf}
    sections = readers.get(kind, _web_page)(table, tally)
    with parsing(table.path, _NAMES[kind], _FIXES.get(kind, "save it anew")):
        for number, cells in enumerate(sections, 1):
            yield Row(number, cells)


def _markdown(table: Table, tally: Tally) -> Iterator[dict[str, str]]:
    from markdown_it import MarkdownIt

    with open_text(table.path, tally, newline=None, encoding=table.format.encoding) as text:
        html = MarkdownIt("commonmark", {"html": True}).render(text.read())
    yield from _sections_of(html, table.path.stem)


def _web_page(table: Table, tally: Tally) -> Iterator[dict[str, str]]:
    with open_text(table.path, tally, newline=None, encoding=table.format.encoding) as text:
        yield from _sections_of(text.read(), table.path.stem)


def _sections_of(html: str, stem: str) -> Iterator[dict[str, str]]:
    """Blocks of text under the headings above them; scripts, styles and navigation are no text of the document."""
    from bs4 import BeautifulSoup

    page = BeautifulSoup(html, "html.parser")
    for left_out in page(_NOT_READ):
        left_out.decompose()
    title = page.title.get_text(" ", strip=True) if page.title else stem
    sections = _Sections(title)
    for block in page.find_all([*_HEADINGS, *_BLOCKS]):
        if block.name in _HEADINGS:
            yield from sections.take()
            sections.title = block.get_text(" ", strip=True) or title
        elif block.find_parent(_BLOCKS) is None:
            sections.texts.append(block.get_text(" ", strip=True))
    if not any(page.find_all([*_HEADINGS, *_BLOCKS])):
        sections.texts.append(page.get_text("\n", strip=True))
    yield from sections.take()


def _word(table: Table, _tally: Tally) -> Iterator[dict[str, str]]:
    import docx

    path = table.path
    document = docx.Document(str(path))
    sections = _Sections(path.stem)
    blocks: Iterator[Any] = document.iter_inner_content()  # Paragraphs and tables.
    for block in blocks:
        if _is_heading(block):
            yield from sections.take()
            sections.title = block.text.strip() or path.stem
        else:
            sections.texts.extend(_texts_of(block))
    yield from sections.take()


def _is_heading(block: Any) -> bool:  # noqa: ANN401 - a paragraph or a table of python-docx
    style = getattr(block, "style", None)
    return hasattr(block, "text") and str(getattr(style, "name", "")).startswith(("Heading", "Title"))


def _texts_of(block: Any) -> Iterator[str]:  # noqa: ANN401 - a paragraph or a table of python-docx
    if hasattr(block, "text"):
        yield block.text
        return
    for row in block.rows:
        yield " | ".join(cell.text.strip() for cell in row.cells)


def _pdf(table: Table, tally: Tally) -> Iterator[dict[str, str]]:
    from pypdf import PdfReader

    path = table.path
    reader = PdfReader(path)
    if reader.is_encrypted and not reader.decrypt(""):
        raise CorpusError(f"{path} is protected by a password: save it without one.")
    if len(reader.pages) > MOST_PAGES:
        raise CorpusError(f"{path} has {len(reader.pages):,} pages, and {MOST_PAGES:,} are the limit: split it.")
    for number, page in enumerate(reader.pages, 1):
        if text := page.extract_text().strip():
            yield {"title": f"{path.stem}, page {number}", "text": text}
        else:
            tally.add(_NO_TEXT_PAGE, path, number)
