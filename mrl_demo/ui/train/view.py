"""The Train tab without Gradio: the line of runs, one run's state, its charts and its before-and-after table."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from mrl_demo.arms.catalogue import arm_styles
from mrl_demo.core.errors import LabError
from mrl_demo.jobs.events import Message, RunProgress
from mrl_demo.jobs.process import CANCELLED, FAILED, FINISHED, RUNNING, WAITING
from mrl_demo.jobs.state import JobState
from mrl_demo.plots.training import Losses, loss_figure, validation_figure
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.table import figure_table

STATUS_WORDS = {
    WAITING: "Waiting",
    RUNNING: "Training",
    FINISHED: "Finished",
    FAILED: "Failed",
    CANCELLED: "Cancelled",
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
    "weights": "Weight of each length",
    "dims": "Lengths to train",
    "steps": "Steps",
    "base": "Another base model from the Hub",
    "name": "Name of the model",
}
TASKS = {"pairs": "Questions and their answers", "broad": "Neighbours as in base"}
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
        return html("<p>It was cancelled and left nothing behind. Start it again whenever you like.</p>")
    if job.status == FAILED:
        why = user_text(problem_text(job.problem) if job.problem else "")
        return html('<p class="notice error" role="alert">{why}</p>{log}', why=why, log=_log(job.log_tail))
    took = f" in {clock(job.ended - job.started)}" if job.ended and job.started else ""
    return html("<p>Trained{took}. It now stands among the models of the Compare tab.</p>", took=took)


def _running(job: JobState, progress: RunProgress) -> Markup:
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
    return figure_table(caption, ("Numbers kept", *dims), body)


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
