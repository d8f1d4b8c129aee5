"""The "Python reference" corpus: docstrings of this interpreter's standard library and its scientific packages."""

from __future__ import annotations

import gzip
import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import sys
import sysconfig
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from mrl_demo.core.errors import CacheError
from mrl_demo.core.storage import atomic_path, sha256_text
from mrl_demo.core.types import Corpus, Document, Note, Progress, Query
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.shipped.docstrings import Docstring, module_name, read_docstrings, source_files

logger = logging.getLogger(__name__)

NAME = "python"
LABEL = "Python reference"
#: Distribution and import name; only their files are read, no package is imported for it.
PACKAGES = (
    ("numpy", "numpy"),
    ("pandas", "pandas"),
    ("scipy", "scipy"),
    ("scikit-learn", "sklearn"),
    ("torch", "torch"),
)
MAX_DOCUMENTS = 8_200
MAX_QUERIES = 2_000
_RECIPE = "2"
_FILES_A_STEP = 50
#: Programs and test suites that ship with Python and that nobody looks things up in.
_NOT_A_REFERENCE = {"idlelib", "lib2to3", "test", "turtledemo"}


@dataclass(frozen=True)
class _Stored:
    rows: tuple[Docstring, ...]
    skipped: int


@dataclass(frozen=True)
class _Source:
    package: str
    root: Path


def load_python_reference(cache_dir: Path, progress: Progress | None = None) -> Corpus:
    """The corpus, read from the cache folder or built by parsing source files (a few seconds).

    Title is the qualified name, text the signature and the description's first `MAX_BODY_CHARS` characters; the
    queries are the summary lines, taken out of the text, so finding the definition from its summary is the task.
    Files that do not parse are skipped and counted in `notes`. `progress` may raise to cancel.
    """
    path = _cache_path(cache_dir)
    stored = _read(path)
    if stored is None:
        docstrings, skipped = _collect(progress)
        stored = _Stored(tuple(_chosen(docstrings)), skipped)
        _write(path, stored)
    return _corpus(stored.rows, stored.skipped)


def is_built(cache_dir: Path) -> bool:
    """Whether the corpus of this interpreter and these package versions lies in the cache folder."""
    return _cache_path(cache_dir).is_file()


def _corpus(rows: Sequence[Docstring], skipped: int) -> Corpus:
    documents = [Document(row.name, row.name, f"{row.signature}. {row.body}", row.name.split(".")[0]) for row in rows]
    by_summary: dict[str, dict[str, int]] = {}
    for row in rows:
        by_summary.setdefault(row.summary, {})[row.name] = 1
    chosen = sorted(by_summary, key=lambda text: hashlib.sha256(text.encode()).digest())[:MAX_QUERIES]
    queries = [Query(f"summary-{number}", text, "summary") for number, text in enumerate(chosen)]
    judgements = {query.id: by_summary[query.text] for query in queries}
    said = f"{skipped:,} source files could not be parsed and were skipped."
    notes = (Note("skipped-source", said, skipped),) if skipped else ()
    return make_corpus(NAME, LABEL, documents, queries, judgements, notes)


def _collect(progress: Progress | None) -> tuple[list[Docstring], int]:
    """Docstrings of the shallowest files up to where deeper ones could add nothing to `_chosen`, and files skipped."""
    docstrings: list[Docstring] = []
    skipped = 0
    files = _files_by_depth()
    for number, (depth, path, module) in enumerate(files):
        if number % _FILES_A_STEP == 0:
            if progress:
                progress(number / len(files), f"Reading docstrings: {number:,} of {len(files):,} files")
            if sum(_depth(row.name) <= depth for row in _distinct(docstrings)) >= MAX_DOCUMENTS:
                break
        try:
            docstrings.extend(read_docstrings(path, module))
        except (SyntaxError, ValueError, OSError, RecursionError) as error:
            logger.info("%s skipped: %s", path, error)
            skipped += 1
    return docstrings, skipped


def _files_by_depth() -> list[tuple[int, Path, str]]:
    """Least depth of a name in the file, the file, and its module: shallow files first."""
    sources = [(path, source) for source in _sources() for path in source_files(source.root)]
    named = [(path, module_name(path, source.root, source.package)) for path, source in sources]
    return sorted(((_depth(module) + 1, path, module) for path, module in named), key=lambda row: row[0])


def _chosen(docstrings: list[Docstring]) -> list[Docstring]:
    """Distinct texts, at most `MAX_DOCUMENTS`: public modules and shallow names first."""
    named = _distinct(docstrings)
    order = sorted(range(len(named)), key=lambda i: (_depth(named[i].name), i))[:MAX_DOCUMENTS]
    return [named[i] for i in sorted(order)]


def _distinct(docstrings: list[Docstring]) -> list[Docstring]:
    """The first of each text, then the first of each name."""
    texts = list({(row.signature, row.summary, row.body): row for row in reversed(docstrings)}.values())[::-1]
    return list({row.name: row for row in reversed(texts)}.values())[::-1]


def _depth(name: str) -> int:
    parts = name.split(".")
    return len(parts) + 4 * any(part.startswith("_") for part in parts)


def _sources() -> Iterator[_Source]:
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    for name in sorted(sys.stdlib_module_names):
        for root in (stdlib / name, stdlib / f"{name}.py"):
            if not name.startswith("_") and name not in _NOT_A_REFERENCE and root.exists():
                yield _Source(name, root)
    for _, module in PACKAGES:
        spec = importlib.util.find_spec(module)
        if spec and spec.submodule_search_locations:
            yield _Source(module, Path(next(iter(spec.submodule_search_locations))))


def _cache_path(cache_dir: Path) -> Path:
    versions = [f"{name}={_version(name)}" for name, _ in PACKAGES]
    key = sha256_text(_RECIPE, sys.version, *versions)[:16]
    return cache_dir / "corpora" / f"python-{key}.json.gz"


@cache  # Reading it parses a file, and every search asks whether the corpus is there.
def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _read(path: Path) -> _Stored | None:
    if not path.is_file():
        return None
    try:
        raw = json.loads(gzip.decompress(path.read_bytes()))
        stored = _Stored(tuple(Docstring(**row) for row in raw["rows"]), int(raw["skipped"]))
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error) as error:
        logger.warning("%s is damaged (%s): the corpus is built again.", path, error)
        return None
    return stored if stored.rows else None


def _write(path: Path, stored: _Stored) -> None:
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(gzip.compress(json.dumps(asdict(stored)).encode(), mtime=0))
    except CacheError as error:  # The corpus is right; only the next start builds it again.
        logger.warning("%s", error)
