"""The report: one HTML file that needs no network, every figure with its query count and interval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from mrl_demo import __version__
from mrl_demo.advisor.ceiling import Ceiling
from mrl_demo.advisor.consult import Consultation
from mrl_demo.advisor.recommend import setting_name
from mrl_demo.advisor.report import aside_lines, frontier_of
from mrl_demo.core.secret_names import is_secret
from mrl_demo.costs.model import CostComparison
from mrl_demo.costs.report import COST_HEADS, cost_caption, cost_rows, price_source
from mrl_demo.evaluation.sweeps.results import SweepRow
from mrl_demo.evaluation.sweeps.worst import worst_queries
from mrl_demo.reports.figures import costs_figure, curves_figure, recommendation_figure, threshold_figure
from mrl_demo.thresholds.measure import TranslatedThreshold
from mrl_demo.thresholds.report import THRESHOLD_HEADS, threshold_caption, threshold_rows

_STYLE = """
:root { color-scheme: light; } body { margin: 0 auto; max-width: 1000px; padding: 24px 18px 60px; font: 15px/1.5
system-ui, sans-serif; color: #211d1a; background: #fff; } h1 { font-size: 26px; } h2 { margin: 34px 0 8px; font-size:
19px; } .answer { padding: 12px 16px; border-left: 4px solid #d9a441; background: #fbf0d3; border-radius: 8px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 13.5px;
font-variant-numeric: tabular-nums; } caption { text-align: left; padding: 6px 0; color: #655d55; } th, td { padding:
5px 9px; border-top: 1px solid #e2dcd3; text-align: right; vertical-align: top; } th:first-child, td.text { text-align:
left; } p.small, li { font-size: 13.5px; color: #655d55; } bdi { unicode-bidi: isolate; }
@media print { .scroll { overflow: visible; } h2 { break-after: avoid; } }
"""


@dataclass(frozen=True)
class DecisionReport:
    """What goes into a report; a section that was not measured is left out, and the report says so.

    `migration` is the migration sheet in Markdown, "" for none.
    """

    consultation: Consultation
    threshold: TranslatedThreshold | None = None
    costs: CostComparison | None = None
    ceiling: Ceiling | None = None
    migration: str = ""

    def to_html(self) -> str:
        """The whole page, with plotly's script in it once (about 5 MB)."""
        head = _fill(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
            'content="width=device-width, initial-scale=1"><title>How short? {corpus}</title><style>{style}</style>',
            corpus=self._collection,
            style=Markup(_STYLE),  # noqa: S704 - our own text
        )
        script = Markup("<script>{}</script>").format(Markup(get_plotlyjs()))  # noqa: S704 - plotly's own file
        return str(head + script + Markup("</head><body>") + Markup().join(self._sections()) + Markup("</body></html>"))

    @property
    def _collection(self) -> str:
        """The collection's name; its label if the name is a visitor's secret."""
        name = self.consultation.result.corpus
        return self.consultation.corpus.label if is_secret(name) else name

    def _sections(self) -> Iterable[Markup]:
        yield self._title()
        yield self._recommendation()
        yield self._curves()
        yield self._broken()
        yield self._threshold()
        yield self._costs()
        if self.migration:
            yield _fill("<h2>Migration sheet</h2><pre>{sheet}</pre>", sheet=self.migration)
        yield self._method()

    def _title(self) -> Markup:
        result = self.consultation.result
        queries = f"{result.n_queries:,} {result.stand_ins or 'judged queries'}"
        return _fill(
            '<h1>How short may the vectors of “<bdi>{corpus}</bdi>” be?</h1><p class="small">{documents:,} documents, '
            "{queries}; measured {date} on {hardware}; methods: {arms}. Matryoshka lab {version}.</p>",
            corpus=self._collection,
            documents=result.n_documents,
            queries=queries,
            date=result.date,
            hardware=result.hardware,
            arms=", ".join(f"{arm.label} ({arm.name})" for arm in result.arms),
            version=__version__,
        )

    def _recommendation(self) -> Markup:
        advised = self.consultation.recommendation
        lines = (advised.settlement.sentence(), advised.groups.sentence(advised.advice.target), *aside_lines(advised))
        lines = (*lines, self.ceiling.sentence()) if self.ceiling else lines
        settings = [
            (
                setting_name(setting),
                f"{setting.bytes_searched:,}",
                f"{setting.bytes_kept:,}",
                f"{setting.share:.1%}",
                f"{setting.lower:.1%}",
                setting.verdict,
            )
            for setting in frontier_of(advised.settings)
        ]
        groups = [
            (
                group.name,
                f"{group.n_queries:,}",
                f"{group.share:.1%}",
                f"{group.low:.1%} to {group.high:.1%}",
                group.verdict,
            )
            for group in advised.groups.groups
        ]
        bounds = f"{advised.n_queries:,} queries; bounds for all {len(advised.settings)} settings together"
        heads = ("setting", "bytes searched", "with rescoring", "share kept", "at least", "target")
        return _fill(
            '<h2>Recommendation</h2><div class="answer"><p><b>{answer}</b></p>{lines}</div>{figure}{settings}{groups}',
            answer=advised.sentence(),
            lines=_paragraphs(lines),
            figure=_figure(recommendation_figure(advised, self.ceiling)),
            settings=_table(f"No cheaper setting keeps as much; {bounds}", heads, settings),
            groups=_table(
                f"Groups of queries, worst first; bounds for all {len(groups)} together",
                ("group", "queries", "share kept", "between", "target"),
                groups,
            ),
        )

    def _curves(self) -> Markup:
        result, metric = self.consultation.result, self.consultation.recommendation.advice.metric
        rows = [row for row in result.rows if row.metric == metric and row.precision == "float32"]
        dims = sorted({row.dim or 0 for row in rows})
        by_key = {(row.arm, row.dim): row for row in rows}
        cells = [(arm.label, *(_value(by_key.get((arm.name, dim))) for dim in dims)) for arm in result.arms]
        caption = f"{metric} of float32 vectors by length, {result.n_queries:,} queries; 95% intervals in brackets"
        return _fill(
            "<h2>Curves</h2>{figure}{table}",
            figure=_figure(curves_figure(result, metric)),
            table=_table(caption, ("method", *map(str, dims)), cells),
        )

    def _broken(self) -> Markup:
        advised, result = self.consultation.recommendation, self.consultation.result
        lost = [
            (each.text, each.answer, f"{each.rank_before:,}", f"{each.rank_now:,}", each.displaced_by)
            for each in advised.lost
        ]
        lost_table = _table(
            f"{advised.n_lost:,} of {advised.n_queries:,} queries lose their answer at the setting named; some of them",
            ("query", "known answer", "rank before", "rank now", "stands before it now"),
            lost,
        )
        nearest = advised.nearest
        broken: list[tuple[str, ...]] = []
        caption = ""
        if nearest is not None and nearest.arm in result.first_ranks and advised.kind != "agreement":
            worst = worst_queries(result, self.consultation.corpus, nearest.arm, limit=10)
            caption = (
                f"{worst.arm}: {worst.n_broken:,} of {worst.n_found:,} queries found at full length leave the first "
                f"{worst.k} at a shorter one (float32, {worst.n_queries:,} queries); the worst of them"
            )
            broken = [
                (query.text, query.answer, str(query.breaks_at), f"{query.full_rank:,}", f"{query.broken_rank:,}")
                for query in worst.worst
            ]
        heads = ("query", "known answer", "breaks at", "rank at full length", "rank there")
        return _fill(
            "<h2>Queries that break</h2>{lost}{broken}", lost=lost_table, broken=_table(caption, heads, broken)
        )

    def _threshold(self) -> Markup:
        if self.threshold is None:
            return Markup('<h2>Cut-off</h2><p class="small">No cut-off was translated for this report.</p>')
        return _fill(
            '<h2>Cut-off</h2><div class="answer"><p><b>{answer}</b></p></div>{table}{figure}{notes}',
            answer=self.threshold.sentence(),
            table=_table(threshold_caption(self.threshold), THRESHOLD_HEADS, threshold_rows(self.threshold)),
            figure=_figure(threshold_figure(self.threshold)),
            notes=_paragraphs(self.threshold.notes, small=True),
        )

    def _costs(self) -> Markup:
        if self.costs is None:
            return Markup('<h2>Cost</h2><p class="small">No costs were reckoned for this report.</p>')
        return _fill(
            '<h2>Cost</h2><div class="answer"><p><b>{answer}</b></p></div>{table}{figure}<p class="small">{source}</p>',
            answer=self.costs.sentence(),
            table=_table(cost_caption(self.costs), COST_HEADS, cost_rows(self.costs)),
            figure=_figure(costs_figure(self.costs)),
            source=price_source(self.costs),
        )

    def _method(self) -> Markup:
        notes = (
            "Vectors are cut, brought back to length 1, then quantised. Shares are of the reference's mean over the "
            "same queries. Bounds come from 2,000 paired resamples of the queries, for all settings together (max-t).",
            *self.consultation.recommendation.notes,
        )
        items = Markup().join(_fill("<li>{note}</li>", note=note) for note in notes)
        return _fill("<h2>Method and notes</h2><ul>{items}</ul>", items=items)


def _value(row: SweepRow | None) -> str:
    return "" if row is None else f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"


def _fill(template: str, **values: object) -> Markup:
    """A template of our own with values escaped, unless they are markup already."""
    return Markup(template).format(**values)  # noqa: S704 - the template is ours, `Markup.format` escapes the rest


def _paragraphs(lines: Iterable[str], *, small: bool = False) -> Markup:
    template = '<p class="small">{line}</p>' if small else "<p>{line}</p>"
    return Markup().join(_fill(template, line=line) for line in lines)


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    if not rows:
        return Markup()
    body = Markup().join(
        _fill("<tr><th scope='row'><bdi>{first}</bdi></th>{cells}</tr>", first=row[0], cells=_cells(row[1:]))
        for row in rows
    )
    return _fill(
        "<div class='scroll'><table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody>"
        "</table></div>",
        caption=caption,
        heads=Markup().join(_fill("<th scope='col'>{head}</th>", head=head) for head in heads),
        body=body,
    )


def _cells(cells: Sequence[str]) -> Markup:
    return Markup().join(_fill("<td><bdi>{cell}</bdi></td>", cell=cell) for cell in cells)


def _figure(figure: go.Figure) -> Markup:
    figure.update_layout(paper_bgcolor="#fff", plot_bgcolor="#fff")
    config = {"displayModeBar": False, "responsive": True}
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False, config=config))  # noqa: S704 - plotly's own
