"""The figures above each arm's cards."""

from __future__ import annotations

from mrl_demo.core.types import SearchResult
from mrl_demo.ui.components.text import escape, human_bytes, milliseconds


def figures(result: SearchResult) -> str:
    """Agreement, known answer, times, sizes of one arm at one length as a description list."""
    return f'<dl class="figures">{agreement_figure(result)}{known_answer(result)}{costs(result)}</dl>'


def agreement_figure(result: SearchResult) -> str:
    """How many of the full vector's first ten are still in the first ten, in digits and as dots."""
    size = max(1, min(10, result.n_documents))
    kept = round(result.overlap_at_10 * size)
    dots = "".join(f'<i class="{"on" if i < kept else "off"}"></i>' for i in range(size))
    return _figure(
        f"Overlap@{size} with full",
        f'{kept}<small>/{size}</small><span class="dots" aria-hidden="true">{dots}</span>',
        "agreement, not quality",
        "headline",
    )


def known_answer(result: SearchResult) -> str:
    """Where the best known answer stands now, and where it stands with the full vector."""
    if result.answer_rank is None:
        return _figure("Known answer", "–", "none known for this query", "headline")
    full = "" if result.full_answer_rank is None else f"rank {result.full_answer_rank:,} with the full vector"
    note = f"tied; {full}" if result.is_answer_tied else full
    return _figure("Known answer", f"<small>rank </small>{result.answer_rank:,}", note, "headline")


def costs(result: SearchResult) -> str:
    """Encoding and search apart, bytes for one vector, memory for one and a hundred million documents."""
    full = f"of {human_bytes(4 * result.full_dim)}"
    documents = f"{result.n_documents:,} docs, exact"
    return (
        _figure("Encode", milliseconds(result.encode_ms), "query, once")
        + _figure("Search", milliseconds(result.search_ms), documents)
        + _figure("Per vector", human_bytes(result.bytes_per_vector), full)
        + _figure("1 M docs", human_bytes(result.memory_for(1_000_000)), "in memory")
        + _figure("100 M docs", human_bytes(result.memory_for(100_000_000)), "in memory")
    )


def _figure(name: str, value_html: str, note: str, kind: str = "cost") -> str:
    return (
        f'<div class="figure {kind}"><dt>{escape(name)}</dt>'
        f'<dd><span class="value">{value_html}</span><span class="note">{escape(note)}</span></dd></div>'
    )
