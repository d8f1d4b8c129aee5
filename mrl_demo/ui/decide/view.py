"""The Decide tab's HTML: words, tables and cards from what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from mrl_demo.advisor.ceiling import Ceiling
from mrl_demo.advisor.recommend import Recommendation, Setting, setting_name
from mrl_demo.advisor.report import aside_lines, frontier_of
from mrl_demo.advisor.settlement import about
from mrl_demo.costs.model import CostComparison
from mrl_demo.costs.report import COST_HEADS, cost_caption, cost_rows, price_source
from mrl_demo.evaluation.speed.engines import EngineSpeed
from mrl_demo.thresholds.measure import TranslatedThreshold
from mrl_demo.thresholds.report import THRESHOLD_HEADS, threshold_caption, threshold_rows
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.table import figure_table
from mrl_demo.ui.decide.state import Decided

NOT_MEASURED = html(
    '<p class="notice hint">Press “Recommend”: the settings are measured on this collection, which takes seconds if its'
    " vectors are there.</p>"
)


def recommendation_html(recommendation: Recommendation, engine: EngineSpeed | None = None) -> Markup:
    """The answer, whether it is settled, the worst group, what an `engine` takes, and what stands beside it."""
    lines = [recommendation.settlement.sentence(), recommendation.groups.sentence(recommendation.advice.target)]
    lines += engine.sentences() if engine else []
    return html(
        '<div class="curve-words"><p><b>{answer}</b></p>{lines}</div>{kind}{notes}',
        answer=recommendation.sentence(),
        lines=join_html(html("<p>{line}</p>", line=line) for line in (*lines, *aside_lines(recommendation))),
        kind=_kind_note(recommendation),
        notes=folded_notes(recommendation.notes),
    )


def _kind_note(recommendation: Recommendation) -> Markup:
    if recommendation.kind == "agreement":
        words = "Agreement, not quality: no query of this collection is judged."
    elif recommendation.kind == "estimate":
        words = f"An estimate: {recommendation.stand_ins} stand in for queries that nobody has asked or judged."
    else:
        return NOTHING
    return html('<p class="notice hint">{words}</p>', words=words)


def folded_notes(notes: Sequence[object]) -> Markup:
    """What was left out, cut or guessed, folded away."""
    if not notes:
        return NOTHING
    items = join_html(html("<li>{note}</li>", note=user_text(str(note))) for note in notes)
    return html(
        '<details class="corpus-notes"><summary>Notes ({n})</summary><ul>{items}</ul></details>',
        n=len(notes),
        items=items,
    )


def ceiling_html(ceiling: Ceiling | None) -> Markup:
    """What fitting could gain, in words and as a table."""
    if ceiling is None:
        return NOTHING
    rows = (
        html(
            '<tr><th scope="row">{kind}</th>{cells}</tr>',
            kind=curve.kind,
            cells=join_html(
                html("<td>{share:.1%}<small>{low:.1%}–{high:.1%}</small></td>", share=p.share, low=p.low, high=p.high)
                for p in curve.points
            ),
        )
        for curve in ceiling.curves
    )
    heads = ("A rotation", *(point.dim for point in ceiling.curves[0].points))
    caption = (
        f"Share of {ceiling.reference}'s {ceiling.metric} that float32 vectors keep; {ceiling.n_queries:,} queries"
    )
    return html(
        '<p class="lead">{words}</p>{table}', words=ceiling.sentence(), table=figure_table(caption, heads, rows)
    )


def settings_html(recommendation: Recommendation) -> Markup:
    """The settings that no cheaper one matches."""
    rows = (_setting_row(setting, recommendation.best) for setting in frontier_of(recommendation.settings))
    heads = ("Setting", "bytes searched", "with rescoring", "share kept", "at least", "target")
    caption = (
        f"No cheaper setting keeps as much; {recommendation.n_queries:,} queries, bounds for all "
        f"{len(recommendation.settings)} settings together; 100% is {recommendation.reference_value:.3f}"
    )
    return figure_table(caption, heads, rows)


def _setting_row(setting: Setting, best: Setting | None) -> Markup:
    return html(
        '<tr><th scope="row">{name}{mark}</th><td>{searched:,}</td><td>{kept:,}</td><td>{share:.1%}</td>'
        "<td>{lower:.1%}</td><td>{verdict}</td></tr>",
        name=setting_name(setting),
        mark=html(' <span class="tag">recommended</span>') if setting == best else NOTHING,
        searched=setting.bytes_searched,
        kept=setting.bytes_kept,
        share=setting.share,
        lower=setting.lower,
        verdict=setting.verdict,
    )


def groups_html(recommendation: Recommendation) -> Markup:
    """Every group of queries that is large enough, worst first."""
    groups = recommendation.groups
    if not groups.groups:
        return NOTHING
    rows = (
        html(
            '<tr><th scope="row">{name}</th><td>{n:,}</td><td>{share:.1%}</td><td>{low:.1%} to {high:.1%}</td>'
            "<td>{verdict}</td></tr>",
            name=group.name,
            n=group.n_queries,
            share=group.share,
            low=group.low,
            high=group.high,
            verdict=group.verdict,
        )
        for group in groups.groups
    )
    caption = f"Groups of queries, worst first; bounds for all {len(groups.groups)} together"
    return figure_table(caption, ("Group", "queries", "share kept", "between", "target"), rows)


def lost_queries_html(recommendation: Recommendation) -> Markup:
    """Queries that lose their answer, and what stands in its place."""
    if not recommendation.n_lost:
        return NOTHING
    rows = (
        html(
            '<tr><th scope="row" class="wide">{query}</th><td class="wide">{answer}</td><td>{before:,}</td>'
            '<td>{now:,}</td><td class="wide">{instead}</td></tr>',
            query=user_text(lost.text),
            answer=user_text(lost.answer),
            before=lost.rank_before,
            now=lost.rank_now,
            instead=user_text(lost.displaced_by),
        )
        for lost in recommendation.lost
    )
    caption = (
        f"{recommendation.n_lost:,} of {recommendation.n_queries:,} queries lose their answer altogether; "
        f"{len(recommendation.lost)} of them"
    )
    return figure_table(caption, ("Query", "known answer", "rank before", "rank now", "stands before it now"), rows)


def pair_html(decided: Decided) -> Markup:
    """The next pair to judge, or why there is none."""
    if decided.consultation is None:
        return html('<p class="notice hint">First let a setting be recommended.</p>')
    pair = decided.next_pair
    if pair is None:
        return html('<p class="notice hint">{words}</p>', words=_no_pair_words(decided))
    return html(
        '<p class="lead">Pair {place} of {count}. Which answers the question better? Nobody is told which setting gave '
        'which.</p><p class="blind-query">{query}</p><div class="blind-pair">{left}{right}</div>',
        place=len(decided.verdicts) + 1,
        count=len(decided.pairs),
        query=user_text(pair.query),
        left=_side("Left", pair.left_title, pair.left_text),
        right=_side("Right", pair.right_title, pair.right_text),
    )


def _no_pair_words(decided: Decided) -> str:
    if decided.verdicts:
        return f"All {len(decided.verdicts)} pairs are judged. Thank you: the answer above counts them."
    advised = decided.advised
    if advised is not None and advised.recommendation.settlement.is_settled:
        return "The choice is settled: judging pairs would change nothing."
    return "Press “Draw pairs” for a few questions whose judging would tell most."


def _side(name: str, title: str, text: str) -> Markup:
    return html(
        '<article class="blind-side"><h3>{name}</h3><p><b>{title}</b></p><p>{text}</p></article>',
        name=name,
        title=user_text(title),
        text=user_text(text),
    )


def verdict_words(decided: Decided) -> Markup:
    """What the verdicts have changed so far."""
    if decided.consultation is None or not decided.verdicts:
        return NOTHING
    before, now = decided.consultation.recommendation.settlement, decided.readable
    if now is None:
        return NOTHING
    counts = [_count(before.more_queries), _count(now.settlement.more_queries)]
    return html(
        '<p class="lead">{n} judged. Queries that would settle it: {before} before, {now} now. {sentence}</p>',
        n=len(decided.verdicts),
        before=counts[0],
        now=counts[1],
        sentence=now.sentence(),
    )


def _count(more: int | None) -> str:
    return "none, or no number would" if more is None else f"about {about(more):,}"


def threshold_html(translated: TranslatedThreshold) -> Markup:
    """The translated cut-off in words and as a table."""
    caption = threshold_caption(translated)
    table = figure_table(caption, THRESHOLD_HEADS, _plain_rows(threshold_rows(translated)))
    return html(
        '<div class="curve-words"><p><b>{answer}</b></p></div>{table}{notes}',
        answer=translated.sentence(),
        table=table,
        notes=folded_notes(translated.notes),
    )


def costs_html(costs: CostComparison) -> Markup:
    """Costs in words and as a table, with the source of the prices."""
    table = figure_table(cost_caption(costs), COST_HEADS, _plain_rows(cost_rows(costs)))
    return html(
        '<div class="curve-words"><p><b>{answer}</b></p></div>{table}<p class="lead">{source}</p>',
        answer=costs.sentence(),
        table=table,
        source=price_source(costs),
    )


def _plain_rows(rows: Sequence[tuple[str, ...]]) -> list[Markup]:
    return [
        html(
            '<tr><th scope="row">{first}</th>{cells}</tr>',
            first=row[0],
            cells=join_html(html("<td>{cell}</td>", cell=cell) for cell in row[1:]),
        )
        for row in rows
    ]
