"""What one length keeps, in a sentence for each length measured; the page shows that of the length in use."""

from __future__ import annotations

from bisect import bisect_right

from markupsafe import Markup

from mrl_demo.arms.catalogue import best_contender, leading_arms
from mrl_demo.core.glossary import Term
from mrl_demo.core.types import DEFAULT_DIM
from mrl_demo.plots.curves import Point
from mrl_demo.ui.components.glossary import term
from mrl_demo.ui.components.markup import NOTHING, html, join_html
from mrl_demo.ui.curves.data import Figures
from mrl_demo.ui.curves.state import Choice, metric_label

_BASE = "base"
_TERMS = {"ndcg@10": Term.NDCG, "mrr@10": Term.MRR, "recall@10": Term.RECALL}
#: Shares that differ by less are called the same, one percent, if the intervals overlap too.
_SAME = 0.01


def length_sentences(figures: Figures, choice: Choice) -> Markup:
    """A slider over the measured lengths, tied to that of Compare, with the sentence of each."""
    told = {dim: words for dim in figures.dims(choice.arms) if (words := length_words(figures, choice, dim))}
    if not told:
        return NOTHING
    dims = tuple(told)
    at = max(0, bisect_right(dims, DEFAULT_DIM) - 1)
    return html(
        '<div class="at-length"><label class="length-slide"><span>Length marked</span><input type="range" min="0"'
        ' max="{last}" step="1" value="{at}" data-dims="{dims}" aria-valuetext="{dim} numbers"><b>{dim}</b></label>'
        '<p class="curve-words" role="status">{sentences}</p></div>',
        last=len(dims) - 1,
        at=at,
        dim=dims[at],
        dims=",".join(map(str, dims)),
        sentences=join_html(
            html('<span data-at="{dim}"{hidden}>{words}</span>', dim=dim, hidden=_hidden(i != at), words=words)
            for i, (dim, words) in enumerate(told.items())
        ),
    )


def _hidden(is_hidden: bool) -> Markup:
    return html(" hidden") if is_hidden else NOTHING


def length_words(figures: Figures, choice: Choice, dim: int) -> Markup:
    """What the shown methods keep at one length, base named beside the best contender; "" if none has the measure."""
    shares = _shares(figures, choice, dim)
    if not shares:
        return NOTHING
    first = [name for name in dict.fromkeys((best_contender(list(shares)), _BASE, *shares)) if name in shares][:2]
    parts = [html("{label} keeps {share}", label=_named(figures, name), share=_share(shares[name])) for name in first]
    third = next((name for name in leading_arms(list(shares)) if name not in first), None)
    return html(
        "At <b>{dim}</b> of {full} numbers, {parts} of {what}.{third} {count}",
        dim=dim,
        full=max(figures.dims(choice.arms)),
        parts=join_html(parts, ", "),
        what=_what_is_kept(choice),
        third=_third_words(figures, third, shares, first[0]) if third else "",
        count=html(
            "<small>{metric}, {n:,} {unit}; in brackets {interval}s.</small>",
            metric=metric_term(choice.metric),
            n=figures.count(choice.metric),
            unit=unit_term(figures, choice.metric),
            interval=term(Term.INTERVAL),
        ),
    )


def _what_is_kept(choice: Choice) -> Markup:
    if choice.is_agreement:
        return html("its own full ranking ({agreement}, not quality)", agreement=term(Term.AGREEMENT))
    return term(Term.QUALITY_KEPT, "its quality")


def metric_term(metric: str) -> Markup:
    """A measure's name, as a button that explains it if the glossary has it."""
    return (
        term(_TERMS[metric], metric_label(metric)) if metric in _TERMS else html("{label}", label=metric_label(metric))
    )


def unit_term(figures: Figures, metric: str) -> Markup:
    """What a measure's figures are means over; what stands in for queries explains itself."""
    unit = figures.unit(metric)
    return term(Term.STAND_IN, unit) if figures.curves.sweep.stand_ins else html("{unit}", unit=unit)


def _shares(figures: Figures, choice: Choice, dim: int) -> dict[str, Point]:
    rows = {name: figures.row(name, dim, choice.metric) for name in choice.arms}
    shares: dict[str, Point] = {}
    for name, row in rows.items():
        if row is None or row.dim is None:
            continue
        share = Point(dim, row.value, row.low, row.high) if choice.is_agreement else figures.share(row)
        if share is not None:
            shares[name] = share
    return shares


def _third_words(figures: Figures, name: str, shares: dict[str, Point], best: str) -> Markup:
    one, other = shares[name], shares[best]
    is_same = abs(one.y - other.y) < _SAME and _overlap(one, other)
    return html(
        " {label} keeps {same}{share}.", label=_named(figures, name), same="as much: " if is_same else "",
        share=_share(one),
    )  # fmt: skip


def _overlap(one: Point, other: Point) -> bool:
    low = max(each.y if each.low is None else each.low for each in (one, other))
    return low <= min(each.y if each.high is None else each.high for each in (one, other))


def _named(figures: Figures, name: str) -> Markup:
    return html("<b>{label}</b>", label=figures.label(name))


def _share(point: Point) -> Markup:
    if point.low is None or point.high is None or point.low == point.high:
        return html("<b>{y:.0%}</b>", y=point.y)
    return html("<b>{y:.0%}</b> [{low:.0%}, {high:.0%}]", y=point.y, low=point.low, high=point.high)
