"""Collections of a user: a BEIR folder, or one CSV, JSONL or TXT file; checked, limited and fingerprinted."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Corpus, Document, Query
from mrl_demo.corpora import make_corpus

MAX_TEXT_CHARS = 20_000
_ID, _TITLE = ("_id", "id", "doc_id", "docid"), ("title", "name", "heading")
_TEXT = ("text", "content", "body", "passage", "document", "description", "abstract")


def load_path(path: Path, max_documents: int = 100_000) -> Corpus:
    """Read a collection from a BEIR folder or a CSV, JSONL or TXT file (`.gz` allowed).

    Documents without text are left out and said so in `notes`. Raises `CorpusError` naming file, line, value and fix
    for whatever cannot be read: a missing file, a broken line, a repeated id, too many documents.
    """
    path = Path(path)
    if not path.exists():
        raise CorpusError(f"{path} does not exist: give a BEIR folder or a CSV, JSONL or TXT file.")
    if path.is_dir():
        return _beir(path, max_documents)
    notes: list[str] = []
    documents = _documents(_rows(path), path, max_documents, notes)
    return make_corpus(_stem(path), _stem(path), documents, notes=tuple(notes))


def _beir(folder: Path, max_documents: int) -> Corpus:
    notes: list[str] = []
    documents = _documents(_jsonl(_needed(folder, "corpus.jsonl")), folder, max_documents, notes)
    queries_file, qrels = _optional(folder, "queries.jsonl"), _qrels_file(folder)
    if queries_file is None or qrels is None:
        return make_corpus(folder.name, folder.name, documents, notes=(*notes, "No judged queries in the folder."))
    judgements = _judgements(qrels)
    queries = [Query(_id(row, number), str(row.get("text", ""))) for number, row in enumerate(_jsonl(queries_file), 1)]
    judged = [query for query in queries if query.id in judgements and query.text.strip()]
    if len(judged) < len(queries):
        notes.append(f"{len(queries) - len(judged):,} of {len(queries):,} queries have no judgement and are left out.")
    return make_corpus(folder.name, folder.name, documents, judged, judgements, tuple(notes))


def _documents(rows: Iterable[Mapping[str, Any]], path: Path, max_documents: int, notes: list[str]) -> list[Document]:
    found: dict[str, Document] = {}
    empty = capped = 0
    for number, row in enumerate(rows, 1):
        document = _document(row, number, path)
        if not document.content.strip():
            empty += 1
            continue
        if len(document.text) > MAX_TEXT_CHARS:
            document, capped = replace(document, text=document.text[:MAX_TEXT_CHARS]), capped + 1
        if document.id in found:
            raise CorpusError(f"{path}: the id {document.id!r} stands at more than one document: make ids unique.")
        found[document.id] = document
        if len(found) > max_documents:
            raise CorpusError(
                f"{path} has more than {max_documents:,} documents: give fewer (or raise MRL_MAX_DOCUMENTS)."
            )
    if not found:
        raise CorpusError(f"{path} holds no document with text: a column or field named {_TEXT[0]!r} is needed.")
    if empty:
        notes.append(f"{empty:,} documents without text are left out.")
    if capped:
        notes.append(f"{capped:,} documents were cut at {MAX_TEXT_CHARS:,} characters.")
    return list(found.values())


def _document(row: Mapping[str, Any], number: int, path: Path) -> Document:
    by_name = {str(key).strip().lower(): value for key, value in row.items() if key is not None}
    text = next((by_name[name] for name in _TEXT if name in by_name), None)
    if text is None:
        named = ", ".join(sorted(by_name)) or "nothing"
        raise CorpusError(f"{path}, row {number}: no text column among {named}. Name it one of {', '.join(_TEXT)}.")
    title = next((by_name[name] for name in _TITLE if by_name.get(name)), "")
    return Document(_id(by_name, number), str(title or "").strip(), str(text or "").strip())


def _id(row: Mapping[str, Any], number: int) -> str:
    return next((str(row[name]) for name in _ID if row.get(name) not in (None, "")), f"row-{number}")


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if kind in {".jsonl", ".ndjson"}:
        return _jsonl(path)
    if kind in {".csv", ".tsv"}:
        return _csv(path, "\t" if kind == ".tsv" else None)
    if kind in {".txt", ".md"}:
        return ({"text": line} for line in _read(path).splitlines() if line.strip())
    raise CorpusError(f"{path}: {kind or 'no'} file type is not known. Use .jsonl, .csv, .tsv or .txt (also .gz).")


def _csv(path: Path, delimiter: str | None) -> Iterator[Mapping[str, Any]]:
    text = _read(path)
    if delimiter is None:
        try:
            delimiter = csv.Sniffer().sniff(text[:4096], delimiters=",;\t|").delimiter
        except csv.Error:
            delimiter = ","
    try:
        yield from csv.DictReader(io.StringIO(text), delimiter=delimiter)
    except csv.Error as error:
        raise CorpusError(f"{path} is no readable CSV: {error}.") from error


def _jsonl(path: Path) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(_read(path).split("\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                raise CorpusError(f"{path}, line {number}: not JSON ({error}).") from error
            if not isinstance(row, dict):
                raise CorpusError(f"{path}, line {number}: a JSON object is needed, not {type(row).__name__}.")
            yield row


def _judgements(path: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_read(path).splitlines(), 1):
        parts = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or (number == 1 and not _is_grade(parts[-1])):
            continue
        if len(parts) not in {3, 4} or not _is_grade(parts[-1]):
            raise CorpusError(f"{path}, line {number}: {line!r} is not 'query-id  corpus-id  score'.")
        found.setdefault(parts[0], {})[parts[-2]] = int(float(parts[-1]))
    return found


def _is_grade(text: str) -> bool:
    try:
        return float(text) == int(float(text))
    except (ValueError, OverflowError):
        return False


def _read(path: Path) -> str:
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return raw.decode("utf-8-sig")
    except (OSError, EOFError) as error:
        raise CorpusError(f"{path} cannot be read: {error}.") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from error


def _optional(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _needed(folder: Path, name: str) -> Path:
    found = _optional(folder, name)
    if found is None:
        raise CorpusError(f"{folder} has no {name} (or {name}.gz): a BEIR folder needs it.")
    return found


def _qrels_file(folder: Path) -> Path | None:
    for candidate in (folder / "qrels.tsv", folder / "qrels" / "test.tsv"):
        if candidate.is_file():
            return candidate
    return None


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or path.name
