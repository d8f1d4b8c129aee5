"""Files of every type that is read, broken in all sorts of ways, and what becomes of them.

`python -m tests.corpora.reading.hostile 10000` tries so many and prints how many were read, how many refused, and
what else.
"""

from __future__ import annotations

import io
import random
import resource
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.own.files import load_path

_PACKAGES = (".xlsx", ".docx", ".zip")
_TOKENS = (
    b"\0", b"\xff\xfe", b'"', b"<", b">>", b"obj", b"-1", b"999999999", b"../", b"{", b"[", b"\xed\xa0\x80", b"\\ud83c",
    b"\r", b"\n\n", b"PK\x03\x04", b"<h1>", b"&#0;", b"</p>", b"<![x[", b"%%EOF", b"NaN", b"=cmd()", b"sep=;\n",
)  # fmt: skip


def whole_files(folder: Path) -> dict[str, bytes]:
    """A small file of each type, by suffix, as its own tools write it."""
    import docx

    from tests.corpora.reading.test_any_files import make_pdf, make_sheet, make_zip

    document = docx.Document()
    document.add_heading("Bees", 1)
    document.add_paragraph("They dance.")
    document.add_table(1, 2).rows[0].cells[0].text = "wings"
    document.save(str(folder / "a.docx"))
    pd.DataFrame({"id": ["1", "2"], "text": ["Bees", "Figs"]}).to_parquet(folder / "a.parquet")
    make_sheet(folder / "a.xlsx", ("id", "title", "text"), (1, "Bees", "They dance."), (2.5, "Figs", None))
    make_pdf(folder / "a.pdf", "Bees dance.", "Figs flower.")
    judged = "query-id\tcorpus-id\tscore\nq\t1\t1\n"
    files = {"corpus_dot_jsonl": '{"_id":"1","text":"a"}\n', "queries_dot_jsonl": '{"_id":"q","text":"b"}\n'}
    make_zip(folder / "a.zip", **files, qrels__test_dot_tsv=judged)
    written = {path.suffix: path.read_bytes() for path in folder.iterdir()}
    page = "<html><head><title>T</title></head><body><h1>Bees</h1><p>They <b>dance</b></p><td>1</td><!-- x --></html>"
    return written | {
        ".html": page.encode(),
        ".md": b"# Bees\n\nThey *dance*\n\n- a\n- b\n\n<div>x</div>\n\n    code\n",
        ".csv": b'id,title,text\n1,"Bees","They, dance"\n1.0,Figs,x\n',
        ".jsonl": b'{"id": 1, "text": "a"}\n{"id": "2", "text": ["b", null]}\n',
        ".json": b'[{"id": 1, "text": "a"}, {"id": 2, "text": NaN}]',
        ".txt": "Bees dance.\nFigs flower, äöü.\n".encode(),
    }


def broken(kind: str, content: bytes, chance: random.Random) -> bytes:
    """A file with some bytes changed, moved, lost or added; of a package mostly in the files within it."""
    if kind not in _PACKAGES or chance.random() < 0.2:
        return _mutated(content, chance)
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        names = source.namelist()
        hit = set(chance.sample(names, min(len(names), chance.choice([1, 1, 2]))))
        for name in names:
            if name not in hit:
                target.writestr(name, source.read(name))
            elif chance.random() > 0.15:
                target.writestr(name, _mutated(source.read(name), chance))
    return buffer.getvalue()


def _mutated(content: bytes, chance: random.Random) -> bytes:
    raw = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        place, other = chance.randrange(len(raw) + 1), chance.randrange(len(raw) + 1)
        how = chance.randrange(5)
        if how == 0:
            raw[place : place + 1] = bytes([chance.randrange(256)])
        elif how == 1:
            raw[place:place] = chance.choice(_TOKENS)
        elif how == 2:
            del raw[place : place + chance.choice([1, 4, 30])]
        elif how == 3:
            raw[place:place] = raw[other : other + chance.choice([4, 40, 400])]
        elif chance.random() < 0.3:
            del raw[place:]
    return bytes(raw)


def try_reading(path: Path) -> str:
    """What became of a file: "read", "refused", or what should not have been."""
    try:
        load_path(path)
    except CorpusError as error:
        return "refused" if path.name in str(error) and "\n" not in str(error) else f"says: {error}"
    except Exception as error:  # Whatever it is, it is a fault of ours.
        return f"{path.suffix}: {type(error).__name__}: {error}"
    return "read"


def outcomes(folder: Path, files: Mapping[str, bytes], count: int, seed: int) -> Counter[str]:
    """How often each thing became of `count` broken files; reading one for over 10 s is one of its own."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    counts: Counter[str] = Counter()
    for _ in range(count):
        kind = chance.choice(sorted(files))
        path = folder / f"case{kind}"
        path.write_bytes(broken(kind, files[kind], chance))
        start = time.process_time()
        counts[try_reading(path)] += 1
        counts["slow"] += time.process_time() - start > 10
    return counts


def main() -> None:
    """Try as many files as the command line says."""
    with tempfile.TemporaryDirectory() as name:
        whole, cases = Path(name, "whole"), Path(name, "cases")
        whole.mkdir(), cases.mkdir()
        counts = outcomes(cases, whole_files(whole), int(sys.argv[1]), int((sys.argv[2:] or ["0"])[0]))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        left = sorted(path.name for path in Path(name).iterdir())
        print(f"{dict(counts)}, {memory:,} MiB at most; folders: {left}")


if __name__ == "__main__":
    main()
