"""Split medquad by disease into training pairs and a test collection: what own pairs bring, on diseases never seen.

`python dev/split_medquad.py ../shared/data/medquad runs/medquad` writes `pairs.jsonl` (85% of the diseases: pairs to
train on) and `test/` (a BEIR folder: 1,000 questions on the other diseases, all answers searched).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TRAIN_SHARE, _TEST_QUESTIONS = 0.85, 1000
#: What MedQuAD's questions ask of a disease; the rest of the question names it.
_ASKS = re.compile(
    r"^(what (is|are|is \(are\)) the (symptoms|treatments|genetic changes|outlook|stages|complications)"
    r"( of| for| related to)?|what is \(are\)|what causes|what to do for|what are|what is"
    r"|what research \(or clinical trials\) is being done for|how many people are affected by|who is at risk for"
    r"|how to (diagnose|prevent|treat)|do you have information about|is)\s+",
    re.IGNORECASE,
)
_TAIL = re.compile(r"(\s+inherited)?[\s?]*$", re.IGNORECASE)


@dataclass(frozen=True)
class DiseaseQuestion:
    """A question, the disease that it asks about, and the id of the answer to it."""

    id: str
    text: str
    disease: str
    answer: str


def disease_of(question: str) -> str:
    """The disease that a question of MedQuAD asks about, in lower case.

    >>> disease_of("What are the symptoms of Dry Mouth?"), disease_of("Is dry mouth inherited ?")
    ('dry mouth', 'dry mouth')
    """
    return _TAIL.sub("", _ASKS.sub("", question.strip())).lower()


def read_questions(folder: Path) -> list[DiseaseQuestion]:
    """The judged questions of a BEIR folder of MedQuAD, in the order of the judgements."""
    texts = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl.gz")}
    lines = (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    judged = (line.split("\t")[:2] for line in lines)
    return [DiseaseQuestion(query, texts[query], disease_of(texts[query]), answer) for query, answer in judged]


def split_questions(
    questions: list[DiseaseQuestion], answers: dict[str, str]
) -> tuple[list[DiseaseQuestion], list[DiseaseQuestion]]:
    """Questions to train on and to test with: no disease and no answer's text stands on both sides."""
    diseases = sorted({question.disease for question in questions}, key=_by_hash)
    trained = set(diseases[: round(_TRAIN_SHARE * len(diseases))])
    train = [question for question in questions if question.disease in trained]
    known = {answers[question.answer] for question in train}
    rest = [q for q in questions if q.disease not in trained and answers[q.answer] not in known]
    return train, sorted(rest, key=lambda question: _by_hash(question.id))[:_TEST_QUESTIONS]


def write_split(source: Path, out: Path) -> None:
    """Write `pairs.jsonl` and the BEIR folder `test` into `out`."""
    answers = {row["_id"]: row["text"] for row in _rows(source / "corpus.jsonl.gz")}
    train, test = split_questions(read_questions(source), answers)
    (out / "test" / "qrels").mkdir(parents=True, exist_ok=True)
    _write(out / "pairs.jsonl", ({"query": q.text, "positive": answers[q.answer]} for q in train))
    _write(out / "test" / "corpus.jsonl", ({"_id": key, "title": "", "text": text} for key, text in answers.items()))
    _write(out / "test" / "queries.jsonl", ({"_id": q.id, "text": q.text} for q in test))
    judged = "".join(f"{q.id}\t{q.answer}\t1\n" for q in test)
    (out / "test" / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}", encoding="utf-8")
    print(f"{len(train):,} pairs to train on, {len(test):,} questions on other diseases, {len(answers):,} answers.")


def _by_hash(text: str) -> str:
    """An order that is the same on every machine and has nothing to do with what the text says."""
    return hashlib.sha256(text.encode()).hexdigest()


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _write(path: Path, rows: Iterator[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def main() -> None:
    """Split the folder that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="medquad in the BEIR layout")
    parser.add_argument("out", type=Path, help="folder of the split")
    options = parser.parse_args()
    write_split(options.source, options.out)


if __name__ == "__main__":
    main()
