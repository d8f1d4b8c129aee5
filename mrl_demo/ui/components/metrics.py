"""The figures above each arm's cards."""

from __future__ import annotations

from markupsafe import Markup

from mrl_demo.core.types import SearchResult
from mrl_demo.core.wording import human_bytes
from mrl_demo.ui.components.markup import html, join_html
from mrl_demo.ui.components.text import milliseconds

_ON, _OFF = html('<i class="on"></i>'), html('<i class="off"></i>')


def figures(result: SearchResult) -> Markup:
    """Agreement, known answer, times, sizes of one arm at one length as a description list."""
    return html(
        '<dl class="figures">{agreement}{answer}{costs}</dl>',
        agreement=agreement_figure(result),
        answer=known_answer(result),
        costs=costs(result),
    )


def agreement_figure(result: SearchResult) -> Markup:
    """How many of the full vector's first ten are still in the first ten, in digits and as dots."""
    kept, size = result.kept_of_ten
    value = html("{kept}<small> of {size}</small>", kept=kept, size=size)
    return _figure("Kept", value, "of the results you would get from the full vector", "headline")


def kept_dots(kept: int, size: int) -> Markup:
    """As many dots as there are results, those that were kept filled."""
    dots = join_html(_ON if i < kept else _OFF for i in range(size))
    return html('<span class="dots" aria-hidden="true">{dots}</span>', dots=dots)


def known_answer(result: SearchResult) -> Markup:
    """Where the best known answer stands now, and where it stands with the full vector."""
    if result.answer_rank is None:
        return _figure("Known answer", "–", "none known for this query", "headline")
    full = "" if result.full_answer_rank is None else f"rank {result.full_answer_rank:,} with the full vector"
    note = f"tied; {full}" if result.is_answer_tied else full
    return _figure("Known answer", html("<small>rank </small>{rank:,}", rank=result.answer_rank), note, "headline")


def costs(result: SearchResult) -> Markup:
    """Encoding and search apart, bytes for one vector, memory for one and a hundred million documents."""
    full = f"of {human_bytes(4 * result.full_dim)}"
    documents = f"{result.n_documents:,} docs; {result.engine or 'exact'}"
    return (
        _figure("Encode", *_encoding(result.encode_ms))
        + _figure("Search", milliseconds(result.search_ms), documents)
        + _figure("Per vector", human_bytes(result.bytes_per_vector), full)
        + _figure("1 M docs", human_bytes(result.memory_for(1_000_000)), "in memory")
        + _figure("100 M docs", human_bytes(result.memory_for(100_000_000)), "in memory")
    )


def _figure(name: str, value: str, note: str, kind: str = "cost") -> Markup:
    return html(
        '<div class="figure {kind}"><dt>{name}</dt>'
        '<dd><span class="value">{value}</span><span class="note">{note}</span></dd></div>',
        kind=kind,
        name=name,
        value=value,
        note=note,
    )


def _encoding(encode_ms: float | None) -> tuple[str, str]:
    return ("–", "vector stored") if encode_ms is None else (milliseconds(encode_ms), "query, once")
