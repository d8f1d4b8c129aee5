"""The Train tab without Gradio: the line of runs, one run's state, its charts and its before-and-after table."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from mrl_demo.arms.catalogue import arm_styles
from mrl_demo.core.errors import LabError
from mrl_demo.jobs.events import (
    DataCheck,
    Message,
    RunProgress,
    ShareMeasured,
    WaitExpected,
    event_from_dict,
)
from mrl_demo.jobs.process import CANCELLED, FAILED, FINISHED, INTERRUPTED, RUNNING, WAITING
from mrl_demo.jobs.state import JobState
from mrl_demo.plots.training import Losses, loss_figure, share_figure, validation_figure
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.components.table import figure_table
from mrl_demo.ui.train.levers import LEVER_LABELS

STATUS_WORDS = {
    WAITING: "Waiting",
    RUNNING: "Training",
    FINISHED: "Finished",
    FAILED: "Failed",
    CANCELLED: "Cancelled",
    INTERRUPTED: "Interrupted",
}
COLUMN_FIELDS = {
    "query": "Question column",
    "positive": "Answer column",
    "negative": "Wrong answer column",
    "score": "Score or label column",
}
#: The page's name of each setting that a problem may be about.
FIELD_LABELS = {
    **{f"{role}_column": label for role, label in COLUMN_FIELDS.items()},
    "is_broad": "Broad pairs",
    "weights": "Weight of each length",
    "dims": "Lengths to train",
    "steps": "Steps",
    "base": "Another base model from the Hub",
    "name": "Name of the model",
    **LEVER_LABELS,
}
TASKS = {
    "pairs": "Pairs",
    "broad": "Base’s neighbours",
    "all-layers": "All layers",
    "half-layers": "The first half",
}
_ROW_LABELS = {"query": "Question", "positive": "Answer", "negative": "Wrong answer"}
_SHORTEST_SHOWN = 32
_METRICS = (("ndcg@10", "nDCG@10"), ("mrr@10", "MRR@10"), ("recall@10", "Recall@10"))


def state_html(job: JobState | None, progress: RunProgress) -> Markup:
    """Where a run stands: a bar with steps and time left, or how it ended and what to do."""
    if job is None:
        return html('<p class="lead">No run yet. Choose data and lengths above, then press “Start training”.</p>')
    return html(
        '<div class="run"><p class="run-head"><b>{name}</b> {status}</p>{body}</div>',
        name=user_text(job.name),
        status=_status(job),
        body=_body(job, progress),
    )


def _status(job: JobState) -> Markup:
    return html('<span class="run-status {kind}">{words}</span>', kind=job.status, words=STATUS_WORDS[job.status])


def _body(job: JobState, progress: RunProgress) -> Markup:
    if job.status == WAITING:
        runs = "one run is" if job.ahead == 1 else f"{job.ahead} runs are"
        return html("<p>It starts by itself; {runs} ahead of it. You may close this page.</p>", runs=runs)
    if job.status == RUNNING:
        return _running(job, progress)
    if job.status == CANCELLED:
        return html("<p>It was cancelled and left nothing behind, not even your rows. Start it again any time.</p>")
    if job.status in {FAILED, INTERRUPTED}:
        why = user_text(problem_text(job.problem) if job.problem else "")
        return html('<p class="notice error" role="alert">{why}</p>{log}', why=why, log=_log(job.log_tail))
    took = f" in {clock(job.ended - job.started)}" if job.ended and job.started and not job.was_resumed else ""
    return html("<p>Trained{took}. It now stands among the models of the Compare tab.</p>", took=took)


def _running(job: JobState, progress: RunProgress) -> Markup:
    if job.seconds_left is not None:
        return html(
            '<p class="run-bar"><progress max="1" value="{share:.3f}" aria-label="Share of this stage done"></progress>'
            "<span>{doing}</span></p><p>About {left} left in all.</p>",
            share=min(job.done or 0.0, 1.0),
            doing=user_text(job.doing),
            left=clock(job.seconds_left),
        )
    if not progress.total_steps:
        return html(
            '<p class="run-bar"><progress aria-label="Preparing"></progress><span>Before the first step: '
            "{doing}</span></p>",
            doing=user_text(job.doing or "Starting"),
        )
    return html(
        '<p class="run-bar"><progress max="1" value="{share:.3f}" aria-label="Steps done"></progress>'
        "<span>Step {step:,} of {total:,}, {left}</span></p>",
        share=min(progress.step / progress.total_steps, 1),
        step=progress.step,
        total=progress.total_steps,
        left=f"about {clock(progress.seconds_left)} left" if progress.seconds_left else "measuring the result",
    )


def _log(lines: Sequence[str]) -> Markup:
    if not lines:
        return NOTHING
    return html(
        '<details class="fold"><summary>Last lines of the log</summary>'
        '<pre class="run-log" tabindex="0">{lines}</pre></details>',
        lines=join_html(lines, "\n"),
    )


def check_html(check: DataCheck) -> Markup:
    """What a dry run found: its notes, the first rows as they will be read, and how long the run would take here."""
    parts = [notice(" ".join(note if note.endswith(".") else f"{note}." for note in check.notes))]
    if check.data and check.data.rows:
        columns = [(name, label) for name, label in _ROW_LABELS.items() if name in check.data.rows[0]]
        rows = (
            html(
                "<tr>{cells}</tr>",
                cells=join_html(html('<td class="wide">{text}</td>', text=user_text(row[name])) for name, _ in columns),
            )
            for row in check.data.rows
        )
        caption = f"The first {len(check.data.rows)} of {check.data.pairs:,} rows, as they are read"
        parts.append(figure_table(caption, [label for _, label in columns], rows, is_sortable=False))
    if check.wait:
        parts.append(_wait_html(check.wait))
    return html('<div class="run">{parts}</div>', parts=join_html(parts))


def _wait_html(wait: WaitExpected) -> Markup:
    stages = (html("<li>{name}: {time}</li>", name=name, time=clock(time)) for name, time in wait.stages.items())
    return html(
        "<p><b>About {all} in all</b> on this machine, if nothing else keeps it busy:</p><ol>{stages}</ol>",
        all=clock(wait.seconds),
        stages=join_html(stages),
    )


def share_words(metrics: Mapping[str, Any] | None) -> Markup:
    """What is kept of the training and why, and what the test figures belong to; nothing if it was not measured."""
    share = (metrics or {}).get("share")
    if not share or not share["rows"]:
        return NOTHING
    tested = ""
    if share["tested"] != share["kept"]:
        tested = f" The table of before and after is of {_percent(share['tested'])}: measure this one in Curves."
    return html(
        '<h3>Specialist or generalist</h3><p class="lead">{kept} of the training is kept: {why}.{tested} More of it is '
        "better for text like yours, less of it leaves other text as it was. Choose another share, and the model "
        "follows without training again.</p>",
        kept=_percent(share["kept"]),
        why=user_text(str(share["reason"]) or "as the settings say"),
        tested=tested,
    )


def share_chart(shares: Sequence[ShareMeasured], kept: float | None) -> go.Figure:
    """Gain on the run's own queries against tax on text of others, by share kept."""
    return share_figure([(row.share, row.own, row.tax) for row in shares], kept)


def shares_of(metrics: Mapping[str, Any] | None) -> tuple[ShareMeasured, ...]:
    """The shares in a finished run's figures."""
    rows = ((metrics or {}).get("share") or {}).get("rows", ())
    return tuple(row for row in map(event_from_dict, rows) if isinstance(row, ShareMeasured))


def example_html(raw: Mapping[str, Any] | None) -> Markup:
    """What own pairs did on real data, as `dev/ship_own_pairs.py` measured it; nothing if that file is not here."""
    if not raw:
        return NOTHING
    diseases = raw["corpora"]["other diseases"]
    gains = {str(row["dim"]): row for row in diseases["differences"] if row["against"] == "base"}
    dims = [dim for dim in diseases["own"] if int(dim) >= _SHORTEST_SHOWN]
    cells = (
        html(
            "<td>{before:.3f} → <b>{after:.3f}</b><small>{low:+.3f} to {high:+.3f}</small></td>",
            before=diseases["base"][dim],
            after=diseases["own"][dim],
            low=gains[dim]["low"],
            high=gains[dim]["high"],
        )
        for dim in dims
    )
    caption = (
        f"nDCG@10 of {diseases['queries']:,} questions on diseases that training never saw, over all "
        f"{diseases['documents']:,} answers: base, trained, and the 95% interval of the difference"
    )
    row = html('<tr><th scope="row">medquad</th>{cells}</tr>', cells=join_html(cells))
    return html(
        '<details class="fold"><summary>An example: what {pairs:,} real pairs bring</summary><p class="lead">Questions '
        "about diseases and their answers, with no setting but the file: {minutes:.0f} minutes on {hardware}, other "
        "work beside it.</p>{table}</details>",
        pairs=raw["pairs"],
        minutes=raw["minutes"],
        hardware=raw["hardware"],
        table=figure_table(caption, ("Numbers kept", *dims), [row], is_sortable=False),
    )


def _percent(share: float) -> str:
    return f"{share:.0%}"


def line_html(jobs: Sequence[JobState]) -> Markup:
    """The runs, newest first: name, data, state and when."""
    if not jobs:
        return NOTHING
    rows = (
        html(
            '<tr><th scope="row">{name}</th><td>{preset}</td><td>{data}</td><td>{status}</td><td>{created}</td></tr>',
            name=user_text(job.name),
            preset=job.preset,
            data=user_text(job.data),
            status=_status(job),
            created=day_and_time(job.created),
        )
        for job in reversed(jobs)
    )
    return figure_table("Runs, newest first", ("Name", "Preset", "Data", "State", "Asked for"), rows)


def losses(progress: RunProgress) -> go.Figure:
    """Loss at every prefix, apart for each kind of batch."""
    tasks: dict[str, dict[int, list[tuple[int, float]]]] = {}
    for step in progress.steps:
        by_length = tasks.setdefault(TASKS.get(step.task, "Loss"), {})
        for dim, loss in (step.loss_by_dim or {0: step.loss}).items():
            by_length.setdefault(dim, []).append((step.step, loss))
    drawn: Mapping[str, Losses] = tasks
    return loss_figure(drawn)


def validation(progress: RunProgress) -> go.Figure:
    """Quality on validation queries against base."""
    base, run = (arm_styles((name,))[name].colour for name in ("base", "tuned"))
    return validation_figure(
        progress.base.ndcg if progress.base else {},
        [(validation.step, validation.ndcg) for validation in progress.validations],
        base_colour=base,
        run_colour=run,
    )


def before_after_html(metrics: Mapping[str, Any] | None) -> Markup:
    """Base and the new model on queries neither saw, with the 95% interval of the difference; nothing if unmeasured."""
    rows = (metrics or {}).get("test") or []
    if not rows or metrics is None:
        return NOTHING
    caption = (
        f"{int(metrics['n_queries']):,} test queries over {int(metrics['n_documents']):,} documents, before (base) and "
        "after, with the 95% interval of the paired difference"
    )
    dims = sorted({int(row["dim"]) for row in rows})
    body = (_metric_row(name, label, dims, rows) for name, label in _METRICS)
    return figure_table(caption, ("Numbers kept", *dims), body) + layers_html(metrics)


def layers_html(metrics: Mapping[str, Any] | None) -> Markup:
    """What every layer of a run that taught them reaches at every length; nothing for other runs."""
    rows = (metrics or {}).get("layers") or []
    if not rows or metrics is None:
        return NOTHING
    dims = sorted(rows[0]["ndcg@10"], key=int)
    body = (
        html(
            '<tr><th scope="row">{name}@{layers}</th>{cells}</tr>',
            name=user_text(str(metrics.get("name", ""))),
            layers=int(row["layers"]),
            cells=join_html(html("<td>{value:.3f}</td>", value=float(row["ndcg@10"][dim])) for dim in dims),
        )
        for row in rows
    )
    caption = "nDCG@10 on validation queries by layer and numbers kept; Compare’s layer slider stops at any of them"
    return figure_table(caption, ("Layers", *dims), body)


def _metric_row(name: str, label: str, dims: Sequence[int], rows: Sequence[Mapping[str, Any]]) -> Markup:
    by_dim = {int(row["dim"]): row for row in rows if row["metric"] == name}
    if not by_dim:
        return NOTHING
    cells = (html("<td>{cell}</td>", cell=_cell(by_dim[dim]) if dim in by_dim else "") for dim in dims)
    return html('<tr><th scope="row">{label}</th>{cells}</tr>', label=label, cells=join_html(cells))


def _cell(row: Mapping[str, Any]) -> Markup:
    low, high = float(row["low"]), float(row["high"])
    return html(
        '{before:.3f} → <b>{after:.3f}</b><em class="{kind}">{difference:+.3f}</em>'
        "<small>{low:+.3f} to {high:+.3f}</small>",
        before=float(row["before"]),
        after=float(row["after"]),
        kind="up" if low > 0 else "down" if high < 0 else "",
        difference=float(row["difference"]),
        low=low,
        high=high,
    )


def problem_text(problem: Message | LabError) -> str:
    """A problem in the page's words: its text, and the control that mends it."""
    text = problem.text if isinstance(problem, Message) else str(problem)
    label = FIELD_LABELS.get(problem.field)
    return f"{label}: {text}" if label else text


def day_and_time(seconds: float) -> str:
    """Seconds since 1970 in the server's time zone, as "21 Nov, 13:05"."""
    return time.strftime("%d %b, %H:%M", time.localtime(seconds))


def clock(seconds: float) -> str:
    """Seconds, minutes or hours, as people say it."""
    whole = max(round(seconds), 1)
    if whole < 90:
        return f"{whole} s"
    return f"{round(whole / 60)} min" if whole < 5_400 else f"{whole / 3600:.1f} h"
