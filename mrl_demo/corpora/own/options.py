"""What a person says about the columns of their documents and their passages, and the flags that say it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field

from mrl_demo.corpora.own.passages import PassageChoice
from mrl_demo.corpora.reading.text_format import AS_FOUND, DELIMITERS, TextFormat

_ROLES = ("text", "title", "id", "label", "domain", "question")


@dataclass(frozen=True)
class ColumnChoice:
    """Columns of a file that hold a document's text, title, id, label and coarse label; "" for each to be guessed.

    `question` is that of a question which the row's text answers. `passages` says how long texts are split,
    `questions` names a file of questions with their answers, `format` the encoding and delimiter of text files.

    >>> ColumnChoice(text="Notes").chosen()
    {'text': 'Notes'}
    """

    text: str = ""
    title: str = ""
    id: str = ""
    label: str = ""
    domain: str = ""
    question: str = ""
    passages: PassageChoice = field(default_factory=PassageChoice)
    questions: str = ""
    format: TextFormat = AS_FOUND

    def chosen(self) -> dict[str, str]:
        """The columns that are named, by role."""
        named = {role: str(getattr(self, role)) for role in _ROLES}
        return {role: column for role, column in named.items() if column}


def add_column_options(parser: argparse.ArgumentParser) -> None:
    """Add `--text-column` and its kin, `--encoding`, `--passages` and theirs, `--questions`; `column_choice` reads."""
    for role in _ROLES:
        says = f"column of your documents that holds the {role} (default: by its name)"
        parser.add_argument(f"--{role}-column", default="", metavar="NAME", help=says)
    says = "encoding of your text files, as in cp1251 (default: by their bytes; a byte order mark counts first)"
    parser.add_argument("--encoding", default="", metavar="NAME", help=says)
    says = f"what stands between the fields of your tables: {', '.join(DELIMITERS)} or one sign (default: found out)"
    parser.add_argument("--delimiter", default="", metavar="SIGN", help=says)
    says = "split your documents into passages of so many words (0: they stay whole)"
    parser.add_argument("--passages", type=int, default=0, metavar="WORDS", help=says)
    parser.add_argument("--overlap", type=int, default=0, metavar="WORDS", help="words that two passages share")
    parser.add_argument("--paragraphs", action="store_true", help="a text file has a document a paragraph, not a line")
    says = "file of questions with the id or the text of the document that answers each"
    parser.add_argument("--questions", default="", metavar="FILE", help=says)


def column_choice(options: argparse.Namespace) -> ColumnChoice:
    """The columns, passages and questions named with the flags of `add_column_options`; raises `CorpusError`."""
    passages = PassageChoice(options.passages, options.overlap, options.paragraphs)
    roles = {role: getattr(options, f"{role}_column") for role in _ROLES}
    return ColumnChoice(
        **roles, passages=passages, questions=options.questions, format=TextFormat(options.encoding, options.delimiter)
    )
