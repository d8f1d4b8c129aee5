"""The Train tab without a browser: handlers over a stand-in line, markup, charts, and the tab where training is off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.jobs.events import (
    BaseQuality,
    DataCheck,
    DataRead,
    Message,
    RunProgress,
    ShareMeasured,
    StepDone,
    ValidationDone,
    WaitExpected,
    event_to_dict,
)
from mrl_demo.jobs.line import TrainingJobs
from mrl_demo.jobs.process import FAILED, FINISHED, INTERRUPTED, RUNNING, WAITING, TrainingError
from mrl_demo.jobs.request import TrainRequest
from mrl_demo.jobs.state import JobState
from mrl_demo.ui.compare import tab as compare
from mrl_demo.ui.shared.links import Page
from mrl_demo.ui.train import tab as train
from mrl_demo.ui.train import view as train_view
from mrl_demo.ui.train.presets import OWN_PAIRS, preset_choices
from mrl_demo.ui.train.settings import SettingsEvents, lay_out_settings
from mrl_demo.ui.train.state import Drawn, TrainState, WatchState
from mrl_demo.ui.train.watch import WatchEvents, lay_out_watch
from tests.ui.pages import by_id, one_tab
from tests.ui.samples import NASTY, StubLab
from training.cli import _parser
from training.config_options import config_from

STATE = TrainState("builtin", None, "builtin", "My-Model", [64, 8], "2, 1", 80, " ")
OWN = replace(STATE, kind="own", upload="/upload/pairs.csv")
WATCHED = WatchState("1" * 20)
STEPS = (
    StepDone(1, 10, 80.0, 3.0, "pairs", {8: 2.0, 64: 1.0}),
    StepDone(2, 10, 75.0, 0.5, "broad", {8: 0.4, 64: 0.1}),
)
SHARES = (
    ShareMeasured(0.0, {8: 0.3, 64: 0.6}, {"topics": 0.0}),
    ShareMeasured(1.0, {8: 0.4, 64: 0.8}, {"topics": 0.02}),
)
PROGRESS = RunProgress.of([BaseQuality({8: 0.3, 64: 0.6}), *STEPS, ValidationDone(2, 10, 75.0, {8: 0.4, 64: 0.7})])


def job(status: str = RUNNING, **changes: Any) -> JobState:
    return replace(JobState("1" * 20, "mine", status, "builtin", "builtin", Path("out"), 0.0, 10.0, 130.0), **changes)


class StubLine:
    """A line of runs that starts nothing."""

    enabled, broad_pairs = True, ""

    def __init__(self, *jobs: JobState) -> None:
        self.found, self.asked, self.cancelled = jobs, [], []  # type: ignore[var-annotated]
        self.resumed: list[str] = []
        self.kept = 0.5

    def jobs(self) -> tuple[JobState, ...]:
        return self.found

    def resume(self, job_id: str, session: str = "") -> None:
        if job_id not in {job.id for job in self.found}:
            raise TrainingError(f"There is no run {job_id!r}: reload the page.")
        self.resumed.append(job_id)

    def rescale(self, job_id: str, share: float, session: str = "") -> None:
        if share > 1:
            raise TrainingError("The share is 2: it must be from 0 to 1.")
        self.kept = share

    def check(self, request: TrainRequest) -> DataCheck:
        if request.preset == "bug":
            raise ZeroDivisionError("a secret")
        if request.weights == "1,1":
            raise TrainingError("weights is (1.0,): it must be as many as dims <2>.")
        rows = ({"query": "how?", "positive": NASTY},)
        return DataCheck(
            ("data.csv: query = 'q', positive = 'p'",), DataRead(90, 10, 80, rows), WaitExpected({"training": 600.0})
        )

    def may_change(self, job_id: str, session: str) -> bool:
        return session != "a stranger"

    def submit(self, request: TrainRequest, session: str = "") -> str:
        self.check(request)
        self.asked.append(request)
        return self.found[0].id

    def cancel(self, job_id: str, session: str = "") -> None:
        self.cancelled.append(job_id)

    def progress(self, job_id: str) -> RunProgress:
        return PROGRESS

    def metrics(self, job: JobState) -> dict[str, Any] | None:
        share = {
            "kept": self.kept,
            "tested": 0.5,
            "reason": "the best",
            "rows": [event_to_dict(each) for each in SHARES],
        }
        figures = {"n_queries": 480, "n_documents": 900, "test": [row()], "share": share}
        return figures if job.status == FINISHED else None


def row(**changes: Any) -> dict[str, Any]:
    found = {"metric": "ndcg@10", "dim": 64, "before": 0.5, "after": 0.6, "difference": 0.1, "low": 0.05, "high": 0.15}
    return found | changes


def lay_out(*jobs: JobState, line: Any = None) -> tuple[SettingsEvents, WatchEvents]:
    """The handlers of a page over some runs."""
    line = line or StubLine(*jobs)

    def build(_page: Page) -> Any:
        with gr.Tab():
            return lay_out_settings(), lay_out_watch()

    _, (settings, watch) = one_tab(StubLab(), build)
    watching = WatchEvents(StubLab(), line, watch, settings.said)
    return SettingsEvents(line, settings, watching.choose, {watch.menu, watch.timer}, StubLab()), watching


def settings(*jobs: JobState) -> SettingsEvents:
    return lay_out(*jobs)[0]


def watching(*jobs: JobState) -> WatchEvents:
    return lay_out(*jobs)[1]


def page(enabled: bool) -> dict[str, Any]:
    blocks, _ = one_tab(StubLab(Settings(training_enabled=enabled)), train.build)
    return blocks.get_config_file()


def test_the_controls_make_a_request() -> None:
    assert STATE.request() == TrainRequest("my-model", "builtin", "builtin", (8, 64), "2,1", 80)
    assert OWN.request().data == Path("/upload/pairs.csv")


def test_broad_pairs_are_offered_where_the_owner_has_some(tmp_path: Path) -> None:
    assert not broad_box(StubLab())["visible"]
    assert broad_box(StubLab(Settings(broad_pairs=str(tmp_path))))["visible"]
    assert f"--pairs={tmp_path}" in replace(STATE, is_broad=True).request().arguments(broad_pairs=str(tmp_path))


def broad_box(lab: StubLab) -> dict[str, Any]:
    blocks, _ = one_tab(lab, train.build)
    props = (component["props"] for component in blocks.get_config_file()["components"])
    return next(each for each in props if each.get("elem_id") == "train-broad")


def test_the_presets_are_those_of_training() -> None:
    from training.presets import preset_config, shipped_presets

    choices = preset_choices(has_broad_pairs=True)
    assert {choice.name for choice in choices} == set(shipped_presets()) - {OWN_PAIRS}
    assert {choice.name for choice in choices} - {choice.name for choice in preset_choices()} == {
        "broad",
        "broad-plain",
        "broad-mrl-only",
    }
    for choice in choices:
        settings = preset_config(choice.name)
        assert choice.dims == settings.objective.dims
        assert choice.is_builtin == (settings.pairs.data == "builtin")
        if not choice.is_builtin:
            assert f"{settings.pairs.max_rows:,} " in choice.note
            assert settings.base == "minilm" or settings.base in choice.note


def test_the_preset_of_broad_pairs_takes_the_owner_s_folder_along() -> None:
    arguments = replace(STATE, preset="broad").request().arguments(broad_pairs="folder")
    assert {"--preset=broad", "--pairs=folder"} <= set(arguments)


def test_levers_that_are_moved_go_to_training_and_the_others_stay_as_the_preset_has_them() -> None:
    before = STATE.request().arguments()
    moved = replace(
        STATE, loss="cached-mnrl", lora_rank="0", weighting="falling", batch_size=256, drawn_lengths=3,
        spread_weight=0.5, hierarchy_weight=0.3, averaged=0.25, margin=0.2, anchor_weight=2, axes="tuned",
        spare_likely=True,
    )  # fmt: skip
    assert moved.request().arguments()[len(before) :] == [
        "--loss=cached-mnrl", "--batch-size=256", "--lora-rank=0", "--weighting=falling", "--drawn-lengths=3",
        "--spread-weight=0.5", "--hierarchy-weight=0.3", "--averaged=0.25", "--margin=0.2", "--anchor-weight=2",
        "--axes=tuned", "--spare-likely",
    ]  # fmt: skip
    turned = replace(moved, lora_rank="16").request().arguments()
    assert config_from(_parser().parse_args(["train", "--out=x", *turned])).adapter.axes == "tuned"
    whole = replace(moved, axes="").request().arguments()
    config = config_from(_parser().parse_args(["train", "--out=x", *whole]))
    assert (config.objective.drawn_lengths, config.schedule.batch_size, config.adapter.lora_rank) == (3, 256, 0)
    assert (
        "Pairs of a step: inf is no whole" in by_id(settings().check(replace(STATE, batch_size=1e999)))["train-notice"]
    )


def test_a_preset_of_the_hub_says_so_and_brings_its_lengths() -> None:
    events = settings()
    updates = by_id(events.choose_preset(replace(STATE, preset="msmarco")))
    assert "Downloads from the Hugging Face Hub" in updates["train-preset-note"]
    assert updates["train-dims"].value == [64, 128, 256, 768]
    updates = by_id(events.choose_preset(STATE))
    assert updates["train-preset-note"] == ""
    assert updates["train-dims"].value == list(TRAINED_DIMS)
    request = replace(STATE, preset="msmarco").request()
    assert request.arguments()[0] == "--preset=msmarco"
    assert request.data == "preset"


def test_another_base_is_asked_of_the_hub_alone() -> None:
    request = replace(STATE, base=" some/model@v1.0 ").request()
    assert request.base == "some/model@v1.0"
    assert {"--base=some/model", "--revision=v1.0"} <= set(request.arguments())
    assert not any("base" in flag or "revision" in flag for flag in STATE.request().arguments())
    events = settings()
    updates = by_id(events.name_base(replace(STATE, base="some/model", dims=[8, 64])))
    dims = updates["train-dims"]
    assert "downloaded from the Hugging Face Hub" in updates["train-preset-note"]
    assert (768, dims.value) == (dims.choices[-2][1], [8, 64])
    both = by_id(events.name_base(replace(STATE, preset="msmarco", base="some/model", dims=[64, 768])))
    assert both["train-preset-note"].count('class="notice') == 2
    assert by_id(events.name_base(replace(STATE, base="", dims=[8, 768])))["train-dims"].value == [8]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "own"}, "file first"),
        ({"dims": []}, "one length"),
        ({"dims": ["x"]}, "Lengths to train: Lengths are whole"),
        ({"steps": 1e999}, "Steps: inf is no whole number"),
        ({"weights": "2, abc"}, "Weight of each length: “2, abc” is no list of numbers"),
        ({"weights": "2"}, "1 numbers for 2 lengths"),
    ],
)
def test_controls_that_make_no_request_are_explained(changes: dict[str, Any], words: str) -> None:
    state = replace(STATE, **changes)
    with pytest.raises(LabError, match=words.split(": ")[-1]):
        state.request()
    assert words in by_id(settings().check(state))["train-notice"]


def test_checking_shows_the_columns_or_what_training_says() -> None:
    preview = by_id(settings().check(STATE))["train-preview"]
    assert "positive = &#39;p&#39;" in preview and "The first 1 of 90 rows" in preview and "<script" not in preview
    assert "About 10 min in all" in preview
    said = by_id(settings().check(replace(STATE, weights="1, 1")))["train-notice"]
    assert "error" in said
    assert "dims &lt;2&gt;" in said


def test_times_of_a_check_go_when_what_they_depend_on_changes() -> None:
    config = page(enabled=True)
    block = {each["props"].get("elem_id"): each["id"] for each in config["components"]}
    for control, event in (("train-layers", "input"), ("train-steps", "input")):
        (found,) = [each for each in config["dependencies"] if (block[control], event) in each["targets"]]
        assert found["outputs"] == [block["train-preview"]]
    assert by_id(settings().forget_check(STATE)) == {"train-preview": ""}
    assert str(train_view.check_html(DataCheck(("a: q = 'x'", "2 rows.")))).count("&#39;x&#39;. 2 rows.") == 1


def test_columns_are_named_in_the_fields_of_the_page() -> None:
    request = replace(OWN, query_column="frage", positive_column="").request()
    assert request.arguments()[-2:] == ["--query-column=frage", "--steps=80"]
    assert replace(STATE, query_column="frage").request().query_column == ""
    assert "--score-column=none" in replace(OWN, score_column="none").request().arguments()
    said = train_view.problem_text(Message("error", "No column looks like the positive. Name it.", "positive_column"))
    assert said == "Answer column: No column looks like the positive. Name it."
    assert train_view.problem_text(LabError("Out of space.")) == "Out of space."


def test_errors_of_ours_keep_their_details(caplog: pytest.LogCaptureFixture) -> None:
    assert "secret" not in by_id(settings().check(replace(STATE, preset="bug")))["train-notice"]
    assert "secret" in caplog.text


def test_starting_chooses_the_run_and_wakes_the_timer() -> None:
    events = settings(job())
    updates = by_id(events.start(STATE))
    assert updates["train-notice"] == ""
    assert updates["train-menu"].value == "1" * 20
    assert updates["timer"].active
    assert set(by_id(events.start(replace(STATE, weights="1 1")))) == {"train-notice"}


def test_one_s_own_pairs_have_fields_of_their_own() -> None:
    updates = by_id(settings().choose_kind(OWN))
    menu = updates["train-preset"]
    assert updates["train-own"].visible and menu.value == "own" and "msmarco" not in dict(menu.choices).values()
    assert replace(OWN, preset=menu.value).request().arguments()[0] == "--preset=own"
    assert by_id(settings().choose_preset(replace(OWN, preset="own")))["train-dims"].value == list(TRAINED_DIMS)
    assert not by_id(settings().choose_kind(STATE))["train-own"].visible


def test_the_timer_runs_only_while_a_run_does() -> None:
    assert by_id(watching(job(WAITING)).show(WATCHED))["timer"].active
    assert not by_id(watching(job(FINISHED)).show(WATCHED))["timer"].active


def test_charts_are_sent_again_only_if_something_was_added() -> None:
    events = watching(job())
    first = by_id(events.show(WATCHED))
    assert first["state"] == Drawn("1" * 20, RUNNING, 2, 1)
    charts = {
        "train-loss", "train-validation", "train-before-after", "train-shares", "train-share-box", "train-share-words",
        "train-share",
    }  # fmt: skip
    assert set(by_id(events.show(replace(WATCHED, drawn=first["state"])))) == set(first) - charts


def test_an_opened_page_shows_the_run_in_progress() -> None:
    updates = by_id(watching(job(), job(FINISHED, id="2" * 20, name="other")).open())
    assert updates["train-menu"].value == "1" * 20
    assert "Step 2 of 10, about 75 s left" in updates["train-state"]
    assert "No run yet" in by_id(watching().open())["train-state"]


def test_a_run_says_how_long_it_takes_in_all() -> None:
    doing = job(doing="2 of 5: reading. Encoding 3 of 9 texts", done=0.25, seconds_left=600.0)
    markup = train_view.state_html(doing, RunProgress())
    assert 'value="0.250"' in markup and "2 of 5: reading" in markup and "About 10 min left in all" in markup


def test_a_finished_run_shows_what_each_share_brings_and_keeps_another() -> None:
    events = watching(job(FINISHED))
    updates = by_id(events.show(WATCHED))
    assert updates["train-share"].value == 0.5 and updates["train-share-box"].visible
    assert "50% of the training is kept: " in updates["train-share-words"]
    assert "before and after is of" not in updates["train-share-words"]
    gain, tax = updates["train-shares"].value, updates["train-shares"].visible
    assert tax and gain is not None
    assert by_id(events.rescale(replace(WATCHED, share=0.25))) == {"train-notice": ""}
    words = by_id(events.show(WATCHED))["train-share-words"]
    assert "25% of the training is kept" in words and "before and after is of 50%" in words
    assert "from 0 to 1" in by_id(events.rescale(replace(WATCHED, share=2.0)))["train-notice"]


def test_gain_and_tax_are_drawn_beside_each_other() -> None:
    figure = train_view.share_chart(SHARES, 1.0)
    assert [(trace.name, list(trace.y)) for trace in figure.data] == [
        ("64 numbers", [0.6, 0.8]),
        ("topics", [0.0, 2.0]),
    ]


def test_the_example_of_own_pairs_is_shown_if_it_was_measured() -> None:
    gain = {"dim": 64, "against": "base", "low": 0.1, "high": 0.2}
    diseases = {"queries": 9, "documents": 20, "base": {"8": 0.1, "64": 0.5}, "own": {"8": 0.2, "64": 0.7}}
    raw = {"pairs": 90, "minutes": 20.0, "hardware": "a machine", "corpora": {"other diseases": diseases}}
    diseases["differences"] = [gain, gain | {"dim": 8}]
    assert "0.500 → <b>0.700</b><small>+0.100 to +0.200" in train_view.example_html(raw)
    assert train_view.example_html(None) == ""


@pytest.mark.parametrize(("session", "is_offered"), [("mine", True), ("a stranger", False)])
def test_a_run_is_cancelled_only_by_who_started_it(session: str, is_offered: bool) -> None:
    running = replace(job(), status=RUNNING)
    request = gr.Request(session_hash=session)
    updates = by_id(watching(running).show(WatchState(running.id), request))
    assert updates["train-cancel"].visible is is_offered


@pytest.mark.parametrize(("session", "is_offered"), [("mine", True), ("a stranger", False)])
@pytest.mark.parametrize("has_rows", [True, False])
def test_an_interrupted_run_goes_on_or_is_discarded_by_who_started_it(
    session: str, is_offered: bool, has_rows: bool
) -> None:
    problem = Message("error", "The run was ended from outside.")
    broken = job(INTERRUPTED, can_resume=has_rows, problem=problem, log_tail=("last words",))
    updates = by_id(watching(broken).show(WatchState(broken.id), gr.Request(session_hash=session)))
    assert updates["train-resume"].visible is (is_offered and has_rows)
    assert (updates["train-cancel"].visible, updates["train-cancel"].value) == (is_offered, "Discard it")
    assert "ended from outside" in updates["train-state"] and "last words" in updates["train-state"]
    assert "Interrupted" in updates["train-line"]


def test_the_run_that_is_shown_goes_on() -> None:
    events = watching(job(INTERRUPTED, can_resume=True))
    assert by_id(events.resume(WATCHED)) == {"train-notice": ""}
    assert events.line.resumed == [WATCHED.chosen]  # type: ignore[attr-defined]
    assert "no run" in by_id(events.resume(WatchState("2" * 20)))["train-notice"]


def test_a_run_that_went_on_does_not_say_how_long_its_last_part_took() -> None:
    assert "Trained in 2 min." in train_view.state_html(job(FINISHED), PROGRESS)
    assert "Trained. " in train_view.state_html(job(FINISHED, was_resumed=True), PROGRESS)


def test_a_length_that_is_sent_twice_counts_once() -> None:
    assert replace(STATE, dims=[64, 8, 64, "8"], weights="").request().dims == (8, 64)


def test_only_the_shown_run_is_cancelled() -> None:
    events = watching(job())
    for chosen in ("1" * 20, None):
        assert by_id(events.cancel(WatchState(chosen))) == {"train-notice": ""}
    assert events.line.cancelled == ["1" * 20]  # type: ignore[attr-defined]


def test_a_finished_run_can_be_compared() -> None:
    _, door = one_tab(StubLab(), compare.build)
    updates = by_id(watching(job(FINISHED, name="tuned")).compare(WATCHED, door))
    assert (updates["left-arm"].value, updates["right-arm"].value) == ("base", "tuned")
    assert updates["tabs"].selected == "compare"
    with pytest.raises(gr.Error, match="not there"):
        watching(job(FINISHED, name="gone")).compare(WATCHED, door)


@pytest.mark.parametrize("status", list(train_view.STATUS_WORDS))
def test_names_problems_and_logs_are_escaped(status: str) -> None:
    nasty = job(status, name=NASTY, problem=Message("error", NASTY), log_tail=(NASTY,), data=NASTY)
    for markup in (train_view.state_html(nasty, RunProgress()), train_view.line_html([nasty])):
        assert "<script" not in markup
        assert "\u202e" not in markup


def test_a_failed_run_says_why_and_never_that_it_finished() -> None:
    markup = train_view.state_html(
        job(FAILED, problem=Message("error", "Out of memory."), log_tail=("last words",)), PROGRESS
    )
    assert "Out of memory." in markup
    assert "last words" in markup
    assert "Finished" not in markup


def test_losses_are_drawn_apart_for_each_kind_of_batch() -> None:
    figure = train_view.losses(PROGRESS)
    assert [(trace.name, list(trace.y)) for trace in figure.data] == [
        ("8 numbers", [2.0]),
        ("64 numbers", [1.0]),
        ("8 numbers", [0.4]),
        ("64 numbers", [0.1]),
    ]
    assert sum(trace.showlegend for trace in figure.data) == 2
    control = RunProgress((StepDone(1, 1, 0.0, 0.7, "pairs"),))
    assert train_view.losses(control).data[0].name == "all numbers"


def test_long_runs_are_thinned_without_losing_their_end() -> None:
    steps = tuple(StepDone(i, 5_000, 1.0, float(i), "pairs", {8: float(i)}) for i in range(1, 5_001))
    (trace,) = train_view.losses(RunProgress(steps)).data
    assert len(trace.x) <= 400
    assert trace.x[-1] == 5_000


def test_validation_stands_beside_base() -> None:
    base, last = train_view.validation(PROGRESS).data
    assert (base.name, base.line.dash, last.name, list(last.y)) == ("base", "dash", "step 2", [0.4, 0.7])
    assert len(train_view.validation(RunProgress()).data) == 0


@pytest.mark.parametrize(("low", "high", "kind"), [(0.05, 0.15, "up"), (-0.2, -0.1, "down"), (-0.1, 0.1, "")])
def test_a_difference_is_marked_only_where_its_interval_is_beside_zero(low: float, high: float, kind: str) -> None:
    markup = train_view.before_after_html({"n_queries": 4, "n_documents": 9, "test": [row(low=low, high=high)]})
    assert f'<em class="{kind}">' in markup
    assert train_view.before_after_html(None) == ""


def test_where_training_is_off_the_tab_has_no_control_and_no_event() -> None:
    config = page(enabled=False)
    kinds = {part["type"] for part in config["components"]}
    assert config["dependencies"] == []
    assert not kinds & {"button", "timer", "file", "dropdown", "textbox"}
    assert "MRL_TRAINING_ENABLED=1" in str(config)


def test_handlers_refuse_where_training_is_off(tmp_path: Path) -> None:
    line = TrainingJobs(Settings(training_enabled=False, cache_dir=tmp_path))
    events, watch = lay_out(line=line)
    for updates in (events.start(STATE), events.check(STATE), watch.cancel(WATCHED)):
        assert "MRL_TRAINING_ENABLED=1" in by_id(updates)["train-notice"]
    assert list(tmp_path.iterdir()) == []


def test_where_training_is_on_the_timer_sleeps_until_a_run_is_there() -> None:
    config = page(enabled=True)
    (timer,) = [part for part in config["components"] if part["type"] == "timer"]
    assert timer["props"]["active"] is False
    assert {event["api_visibility"] for event in config["dependencies"]} == {"private"}


def test_layers_too_is_a_run_of_its_own_command_that_training_understands() -> None:
    settings, _ = lay_out(job())
    plain = replace(STATE, weights="", layers=True, batch_size=16, lora_rank="8", steps=0)
    settings.start(plain)
    (asked,) = settings.line.asked  # type: ignore[attr-defined]
    options = _parser().parse_args([asked.command, "--out=runs/mine", *asked.arguments()])
    assert (asked.command, options.dims, options.lora_rank, options.batch_size) == ("elastic", (8, 64), 8, 16)
    assert (options.steps, options.minutes) == (1_500, 25)
    assert by_id(settings.start(replace(plain, weights="2, 1")))["train-notice"].startswith('<p class="notice error"')
    for lever in (
        {"loss": "hinge"},
        {"spare_likely": True},
        {"lora_rank": "0"},
        {"axes": "tuned"},
        {"parallel": "x.csv"},
    ):
        assert "Layers are taught" in by_id(settings.start(replace(plain, **lever)))["train-notice"]
    assert len(settings.line.asked) == 1  # type: ignore[attr-defined]


def test_a_run_that_taught_layers_shows_what_each_of_them_reaches() -> None:
    rows = [{"layers": layer, "ndcg@10": {"8": 0.1 * layer, "64": 0.2 * layer}} for layer in (1, 2)]
    figures = {"name": NASTY, "n_queries": 480, "n_documents": 900, "test": [row()], "layers": rows}
    shown = str(train_view.before_after_html(figures))
    assert "@2</th><td>0.200</td><td>0.400</td>" in shown and "<script>" not in shown
    assert train_view.layers_html({"test": [row()]}) == ""
    steps = [StepDone(n, 2, 1.0, 0.5, task, {8: 0.5}) for n, task in ((1, "all-layers"), (2, "half-layers"))]
    titles = [note.text for note in train_view.losses(RunProgress.of(steps)).layout.annotations]
    assert titles == ["All layers", "The first half"]  # Short: they stand side by side on a phone.
