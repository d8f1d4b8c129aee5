"""What the screens and games show, as HTML of plain values."""

from __future__ import annotations

from markupsafe import Markup

from mrl_demo.core.types import ComparedArm, Document, FloatMatrix
from mrl_demo.evaluation.sweeps.results import SweepRow
from mrl_demo.lab.lessons import BlindSides, PitfallView
from mrl_demo.lessons.guess import GuessRound, GuessScore, describe_steps
from mrl_demo.lessons.numbers import CutPair
from mrl_demo.lessons.pitfalls import PitfallReport
from mrl_demo.lessons.report import pitfall_cells, threshold_sentence
from mrl_demo.lessons.training_log import TrainingLog
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.table import figure_table
from mrl_demo.ui.components.text import shorten
from mrl_demo.ui.learn.pictures import bar_code, filling, share_bars

_TITLE = 120


def one_text(text: str, vector: FloatMatrix) -> Markup:
    """A text's bar code and its first numbers."""
    first = ", ".join(f"{value:+.3f}" for value in vector[:6].tolist())
    return html(
        '<p class="said">{text}</p>{code}<p class="lead">{total} numbers: {first}, …</p>',
        text=user_text(shorten(text, _TITLE)),
        code=bar_code(vector, f"Bar code of {len(vector)} numbers"),
        total=len(vector),
        first=first,
    )


def sum_so_far(sums: FloatMatrix, counted: int) -> Markup:
    """The dot product filling up, and where it stands."""
    return html(
        '{picture}<p class="lead" role="status">After <b>{counted}</b> of {total} numbers the sum is <b>{now:.3f}</b>;'
        " after all of them it is {last:.3f}: that is the likeness (cosine).</p>",
        picture=filling(sums, counted),
        counted=counted,
        total=len(sums),
        now=float(sums[counted - 1]),
        last=float(sums[-1]),
    )


def cut_texts(first: FloatMatrix, second: FloatMatrix, pair: CutPair, whole: float) -> Markup:
    """Two bar codes with what is cut away made faint, and the likeness computed again."""
    return html(
        '{a}{b}<p class="lead" role="status">Cut to <b>{dim}</b> numbers the two are {n1:.2f} and {n2:.2f} long instead'
        " of 1. Multiplied as they are they give {raw:.3f}; brought back to length 1 they give <b>{cosine:.3f}</b>. All"
        " numbers: {whole:.3f}. A likeness of short vectors can be compared with others of the same length only.</p>",
        a=bar_code(first, f"First text, {pair.dim} numbers kept", pair.dim),
        b=bar_code(second, f"Second text, {pair.dim} numbers kept", pair.dim),
        dim=pair.dim,
        n1=pair.first_norm,
        n2=pair.second_norm,
        raw=pair.raw_dot,
        cosine=pair.cosine,
        whole=whole,
    )


def front_loading(rows: list[tuple[str, float, str]], dim: int, full: int) -> Markup:
    """How much of every method's vectors lies in the first numbers, against an even spread."""
    return html(
        '<p class="lead" role="status">The first <b>{dim}</b> of {full} numbers ({even:.0%} of them) hold this share of'
        " the vectors' squared length, on average over all passages:</p>{bars}"
        '<p class="origin">Squared length is not quality: it says where the numbers are large, and what search loses is'
        " measured on Curves.</p>",
        dim=dim,
        full=full,
        even=dim / full,
        bars=share_bars([("Spread evenly", dim / full, "#8b93a1"), *rows], "Share in the first numbers"),
    )


def training_log(log: TrainingLog | None) -> Markup:
    """What training changed at every length."""
    if log is None:
        return NOTHING
    lines = (
        html(
            '<tr><th scope="row">{dim}</th><td>{before:.3f}</td><td>{after:.3f}</td><td>{gap:+.3f}</td></tr>',
            dim=dim,
            before=before,
            after=after,
            gap=after - before,
        )
        for dim, before, after in log.rows
    )
    caption = (
        f"What training asked for: good answers at {len(log.rows)} lengths at once ({log.steps:,} steps, {log.pairs:,} "
        f"pairs; nDCG@10 over {log.n_queries:,} test questions)"
    )
    return figure_table(caption, ("Numbers", "before", "after", "gained"), lines)


def cost_table(rows: list[tuple[str, SweepRow, SweepRow]], dim: int, full: int) -> Markup:
    """Bytes and measured quality of every method at a length; `(label, at the length, at full length)`."""
    lines = (
        html(
            '<tr><th scope="row">{label}</th><td>{bytes:,} B</td><td>{value:.3f}<small>{low:.3f} to {high:.3f}</small>'
            "</td><td>{share:.0%}</td></tr>",
            label=label,
            bytes=4 * dim,
            value=row.value,
            low=row.low,
            high=row.high,
            share=row.value / whole.value if whole.value else 0,
        )
        for label, row, whole in rows
    )
    n = rows[0][1].n_queries if rows else 0
    caption = f"At {dim} of {full} numbers, over {n:,} test questions (nDCG@10, 95% intervals)"
    table = figure_table(caption, ("Method", "a vector", "quality", "of its full length"), lines)
    return html(
        '<p class="lead" role="status">{ratio:.3g} times smaller: {gb:.4g} GB instead of {whole:.4g} GB for 100 million'
        " vectors.</p>{table}",
        ratio=full / dim,
        gb=4 * dim / 10,
        whole=4 * full / 10,
        table=table,
    )


def two_rankings(view: PitfallView) -> Markup:
    """A question's first documents done right and with the mistake."""
    passing = view.passing
    counts = (
        NOTHING
        if passing is None
        else html(
            '<p class="curve-words">A cut-off of {threshold:.3f} lets <b>{before:,}</b> documents through with all'
            " numbers, and <b>{after:,}</b> with {dim}.</p>",
            threshold=passing.threshold,
            before=passing.before,
            after=passing.after,
            dim=view.dim,
        )
    )
    return html(
        '{counts}<div class="two-lists"><section><h3>{first}</h3>{right}</section><section><h3>{label}</h3>{wrong}'
        "</section></div>",
        counts=counts,
        first="Done right" if passing is None else "All numbers",
        right=_listed(view.right),
        label=view.pitfall.label,
        wrong=_listed(view.wrong, {document.id for document, _ in view.right}),
    )


def pitfall_words(view: PitfallView) -> Markup:
    """What is done wrong, how it is done right, where it happened."""
    pitfall = view.pitfall
    return html(
        '<p class="lead">{says} <b>Instead:</b> {fix} <small>Seen: {seen}.</small></p>',
        says=pitfall.says,
        fix=pitfall.fix,
        seen=pitfall.seen,
    )


def pitfall_table(report: PitfallReport) -> Markup:
    """What every mistake costs over many questions."""
    rows = (
        html(
            '<tr><th scope="row">{label}</th><td>{right}</td><td>{wrong}</td><td>{gap}<small>{interval}</small></td>'
            "</tr>",
            label=label,
            right=right,
            wrong=wrong,
            gap=gap,
            interval=interval,
        )
        for label, right, wrong, gap, interval in map(pitfall_cells, report.effects)
    )
    first = report.effects[0]
    caption = f"{first.metric} over {first.n_queries:,} questions at {report.dim} numbers, and what each mistake costs"
    return html(
        '{table}<p class="lead">{threshold} The wrong prompt here: {prompt}.</p>',
        table=figure_table(caption, ("Mistake", "right", "wrong", "costs (95%)"), rows),
        threshold=threshold_sentence(report),
        prompt=report.prompt,
    )


def guess_question(asked: GuessRound) -> Markup:
    """What is guessed."""
    return html(
        '<p class="said">{query}</p><p class="lead">With all numbers this passage is looked for: <b>{passage}</b>. How'
        " short may the vectors get before it leaves the first {k} for good?</p>",
        query=user_text(shorten(asked.query, _TITLE)),
        passage=user_text(shorten(asked.passage, _TITLE)),
        k=asked.hold_k,
    )


def guess_answer(asked: GuessRound, guess: int, score: GuessScore) -> Markup:
    """The truth, how far off the guess was, and the score."""
    truth = f"from {asked.truth} numbers on" if asked.truth else "at no length, not even with all numbers"
    return html(
        '<p class="curve-words {kind}" role="status">It is among the first {k} <b>{truth}</b>. Your guess of {guess} is'
        " {steps}. {right} of {played} right, streak {streak}, longest {longest}.</p>",
        kind="right" if asked.is_right(guess) else "wrong",
        k=asked.hold_k,
        truth=truth,
        guess=guess,
        steps=describe_steps(asked.steps_off(guess)),
        right=score.right,
        played=score.played,
        streak=score.streak,
        longest=score.longest,
    )


def blind_sides(sides: BlindSides) -> Markup:
    """Two rankings without names, scores or marks of the known answer."""
    return html(
        '<p class="said">{query}</p><div class="two-lists"><section><h3>Left</h3>{left}</section><section>'
        "<h3>Right</h3>"
        "{right}</section></div>",
        query=user_text(shorten(sides.query, _TITLE)),
        left=_unlabelled(sides.left),
        right=_unlabelled(sides.right),
    )


def _unlabelled(side: ComparedArm) -> Markup:
    return _listed(tuple((hit.document, None) for hit in side.result.hits))


def _listed(
    side: tuple[tuple[Document, float | None], ...] | tuple[tuple[Document, float], ...], known: set[str] | None = None
) -> Markup:
    items = (
        html(
            '<li class="{kind}"><b>{title}</b>{score}<p>{text}</p></li>',
            kind="newcomer" if known is not None and document.id not in known else "",
            title=user_text(shorten(document.title or document.id, _TITLE)),
            score=NOTHING if score is None else html(' <span class="score">{score:.3f}</span>', score=score),
            text=user_text(shorten(document.text, _TITLE)),
        )
        for document, score in side
    )
    return html('<ol class="plain-list">{items}</ol>', items=join_html(items))
