"""The command that shows what files hold before anything is encoded."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mrl_demo.commands.options import add_json_option
from mrl_demo.core.command_line import Commands, add_command
from mrl_demo.core.config import Settings
from mrl_demo.corpora.options import add_column_options, column_choice

_EXAMPLES = """examples:
  %(prog)s my-documents.xlsx
  %(prog)s manuals.zip --passages 150 --overlap 30
  %(prog)s notes.csv --text-column body --json
"""


def add_inspect_command(commands: Commands) -> None:
    """Add `inspect`."""
    says = "show what your files hold: columns, first rows, counts, and what is left out or repaired"
    parser = add_command(commands, "inspect", says, _EXAMPLES)
    parser.add_argument("path", type=Path, help="a file, a folder or a zip archive")
    add_column_options(parser)
    add_json_option(parser)
    parser.set_defaults(handler=_inspect)


def _inspect(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.corpora.preview import preview_path

    preview, _ = preview_path(options.path, settings.max_documents, column_choice(options))
    if options.json:
        print(json.dumps(preview.to_dict(), ensure_ascii=False))
        return
    counts = f"{preview.n_documents:,} documents, {preview.n_queries:,} questions ({preview.n_judged:,} judged)"
    print(f"{preview.name}: {counts}, {preview.n_labels:,} labels, {preview.n_pairs:,} scored pairs")
    for column in preview.columns:
        print(f"  column {column.name!r}: {column.role or 'not read'}")
    for document in preview.first:
        print(f"  {document['id']} | {document['title']} | {document['text']}")
    for note in preview.notes:
        print(f"Note: {note}")
