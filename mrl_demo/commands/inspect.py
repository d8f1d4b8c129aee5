"""The command that shows what files hold before anything is encoded."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from mrl_demo.commands.options import add_json_option
from mrl_demo.core.command_line import Commands, ProgressLine, add_command
from mrl_demo.core.config import Settings
from mrl_demo.corpora.own.options import add_column_options, column_choice

if TYPE_CHECKING:
    from mrl_demo.corpora.own.preview import FilePreview

_EXAMPLES = """examples:
  %(prog)s my-documents.xlsx
  %(prog)s manuals.zip --passages 150 --overlap 30
  %(prog)s notes.csv more-notes.tsv --text-column body --json
  %(prog)s hub:OWNER/NAME:CONFIG:SPLIT
"""


def add_inspect_command(commands: Commands) -> None:
    """Add `inspect`."""
    says = "show what your files hold: columns, first rows, counts, and what is left out or repaired"
    parser = add_command(commands, "inspect", says, _EXAMPLES)
    says = "files, folders, zip archives, or data sets of the Hub as hub:OWNER/NAME[:CONFIG[:SPLIT]]"
    parser.add_argument("paths", nargs="+", metavar="PATH", help=says)
    add_column_options(parser)
    add_json_option(parser)
    parser.set_defaults(handler=_inspect)


def _inspect(settings: Settings, options: argparse.Namespace) -> None:
    previews = [_preview(settings, given, options) for given in options.paths]
    if options.json:
        told = [preview.to_dict() for preview in previews]
        print(json.dumps(told if len(told) > 1 else told[0], ensure_ascii=False))
        return
    for preview in previews:
        _print_preview(preview)


def _preview(settings: Settings, given: str, options: argparse.Namespace) -> FilePreview:
    from mrl_demo.corpora.own.hub import HUB_FOLDER, HubDataSet, is_hub_name, read_hub_rows
    from mrl_demo.corpora.own.preview import preview_path

    columns, most = column_choice(options), settings.max_documents
    if not is_hub_name(given):
        return preview_path(Path(given), most, columns)[0]
    rows = read_hub_rows(HubDataSet.parse(given), settings.cache_dir / HUB_FOLDER, most, ProgressLine())
    return rows.preview(most, columns)[0]


def _print_preview(preview: FilePreview) -> None:
    counts = f"{preview.n_documents:,} documents, {preview.n_queries:,} questions ({preview.n_judged:,} judged)"
    print(f"{preview.name}: {counts}, {preview.n_labels:,} labels, {preview.n_pairs:,} scored pairs")
    for column in preview.columns:
        print(f"  column {column.name!r}: {column.role or 'not read'}")
    for document in preview.first:
        print(f"  {document['id']} | {document['title']} | {document['text']}")
    for note in preview.notes:
        print(f"Note: {note}")
