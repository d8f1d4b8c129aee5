"""What the tab of own documents shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from mrl_demo.core.config import Settings
from mrl_demo.corpora.own.preview import FilePreview
from mrl_demo.corpora.questions.judged import QuestionSet
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.components.table import figure_table
from mrl_demo.ui.components.text import shorten
from mrl_demo.ui.data.limits import limits_sentence
from mrl_demo.ui.shared.visit import OwnCollection

UPLOADS_OFF = notice(
    "Own documents are switched off here. On your own machine they are on; the owner of a public page turns them on"
    " with MRL_UPLOADS_ENABLED=1.",
    "hint",
)
_MOST_LISTED = 200
#: A button's ticket says its place in the list and how long the list was, so that a second press removes nothing else.
_TICKETS = 1_000_000
_ROLES = {
    "text": "text",
    "title": "title",
    "id": "id",
    "label": "label",
    "domain": "domain",
    "language": "language",
    "metadata": "labels",
    "question": "question that the text answers",
}


def own_data_intro(settings: Settings) -> Markup:
    """What may be brought, and what happens to it."""
    return html(
        '<h2>Your documents</h2><p class="lead">Tables (CSV, TSV, JSON, JSONL, Excel), texts (a line or a paragraph a'
        " document), Markdown, HTML, Word, PDF, a zip archive of these, or of a BEIR folder, whose questions are then"
        " measured with, as are those of a table of questions and answers (query, positive). {limits} They belong to"
        " this visit: nobody else sees them, and they are deleted {minutes} minutes after you last used them, or at"
        " once when you say so.</p>",
        limits=limits_sentence(settings),
        minutes=settings.upload_minutes,
    )


def preview_html(preview: FilePreview) -> Markup:
    """Counts, columns with what they are taken for, the first documents, and every note."""
    counts = html(
        '<p class="lead"><b>{name}</b>: {documents:,} documents{questions}{labels}.</p>',
        name=user_text(shorten(preview.name, 80)),
        documents=preview.n_documents,
        questions=f", {preview.n_queries:,} questions ({preview.n_judged:,} with answers)" if preview.n_queries else "",
        labels=f", {preview.n_labels:,} labels" if preview.n_labels else "",
    )
    return join_html((counts, _columns(preview), _documents(preview.first), _notes(preview)))


def own_html(own: OwnCollection | None) -> Markup:
    """What is in use now."""
    if own is None:
        return NOTHING
    return html(
        '<div class="curve-words"><p><b>{label}</b>, {count:,} documents, {where}</p></div>',
        label=user_text(shorten(own.label, 80)),
        count=own.n_documents,
        where="is in the Collection menu of Compare, Curves, Decide, Funnel, Map and Learn, for you alone.",
    )


def _columns(preview: FilePreview) -> Markup:
    if not preview.columns:
        return NOTHING
    heads = [shorten(column.name, 40) for column in preview.columns]
    roles = html(
        "<tr>{cells}</tr>",
        cells=join_html(html("<td><b>{r}</b></td>", r=_ROLES.get(c.role, "not read")) for c in preview.columns),
    )
    rows = (
        html(
            "<tr>{cells}</tr>",
            cells=join_html(
                html("<td>{cell}</td>", cell=user_text(shorten(row.get(column.name, ""), 120)))
                for column in preview.columns
            ),
        )
        for row in preview.rows
    )
    return figure_table("The first rows, and what each column is taken for", heads, (roles, *rows), is_sortable=False)


def _documents(first: Sequence[dict[str, str]]) -> Markup:
    rows = (
        html(
            '<tr><th scope="row">{id}</th><td>{title}</td><td>{text}</td><td>{label}</td></tr>',
            **{name: user_text(shorten(text, 200)) for name, text in document.items()},
        )
        for document in first
    )
    return figure_table("As they will be searched", ("id", "title", "text", "label"), rows, is_sortable=False)


def _notes(preview: FilePreview) -> Markup:
    items = join_html(html("<li>{note}</li>", note=user_text(str(note))) for note in preview.notes)
    return html('<ul class="data-notes">{items}</ul>', items=items) if preview.notes else NOTHING


def asked_html(asked: QuestionSet, titles: Mapping[str, str]) -> Markup:
    """Each answer with a button that takes it back, and how many there are; nothing if there are none."""
    rows = asked.rows()
    if not rows:
        return NOTHING
    items = (
        html(
            '<li><span>{question} <b aria-hidden="true">→</b> {title}</span> <button type="button" class="take-back"'
            ' data-example="{ticket}" aria-label="Remove this answer to “{spoken}”">Remove</button></li>',
            question=user_text(shorten(question, 120)),
            spoken=shorten(question, 120),
            title=user_text(shorten(titles.get(name, name), 120)),
            ticket=place * _TICKETS + len(rows),
        )
        for place, (question, name) in enumerate(rows[:_MOST_LISTED])
    )
    more = len(rows) - _MOST_LISTED
    return html(
        '<p class="lead"><b>{count:,} answer{s} to {questions:,} question{qs}</b> of yours{more}.</p>'
        '<ul class="asked-list">{items}</ul>',
        count=len(rows),
        s="s" * (len(rows) != 1),
        questions=len(asked.queries),
        qs="s" * (len(asked.queries) != 1),
        more=f", the first {_MOST_LISTED} of them here" if more > 0 else "",
        items=join_html(items),
    )


def row_removed(asked: QuestionSet, ticket: object) -> tuple[str, str] | None:
    """The answer whose button was pressed; None if the list has changed since it was drawn."""
    rows = asked.rows()
    place, count = divmod(ticket if isinstance(ticket, int) else -1, _TICKETS)
    return rows[place] if count == len(rows) and 0 <= place < count else None
