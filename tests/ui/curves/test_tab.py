"""The Curves tab's words, tables, files and jobs, without a browser."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.core.glossary import Term
from mrl_demo.core.types import Progress
from mrl_demo.evaluation.speed.searches import SpeedResult, SpeedRow
from mrl_demo.evaluation.sweeps.results import DifferenceRow, SweepArm, SweepResult, SweepRow
from mrl_demo.evaluation.sweeps.worst import BrokenQueries, BrokenQuery
from mrl_demo.lab.curves import CurveSet, CurvesService
from mrl_demo.search.exact import SKETCH_FROM
from mrl_demo.ui.compare import tab as compare
from mrl_demo.ui.components.notice import progress_bar
from mrl_demo.ui.curves import at_length
from mrl_demo.ui.curves import files as curves_files
from mrl_demo.ui.curves import tab as curves
from mrl_demo.ui.curves import view as curves_view
from mrl_demo.ui.curves import words as curves_words
from mrl_demo.ui.curves.data import Figures, cost_clouds, quality_curves, speed_curves
from mrl_demo.ui.curves.files import TextFile
from mrl_demo.ui.curves.lost import LostLink
from mrl_demo.ui.curves.published import PUBLISHED, published_html
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.state import LATENCY, SHARE, Choice, CurvesState, Seen, curves_state
from mrl_demo.ui.shared.links import Page
from mrl_demo.ui.shared.visit import OwnArm
from mrl_demo.ui.shared.work import LongWork
from tests.ui.pages import by_id, one_tab, steps_of
from tests.ui.samples import NASTY, StubLab

DIMS = (8, 64, 384)
VALUES = {"base": (0.2, 0.6, 0.8), "tuned": (0.5, 0.7, 0.81)}
ALL = Choice("builtin", arms=("base", "tuned", "bm25"), cost_arm="tuned", lost_arm="tuned")


def row(arm: str, dim: int | None, value: float, metric: str = "ndcg@10", precision: str = "float32") -> SweepRow:
    return SweepRow(arm, dim, precision, metric, value, value - 0.02, value + 0.02, 120)


def difference(dim: int, value: float, verdict: str, against: str = "base") -> DifferenceRow:
    return DifferenceRow(
        "tuned", dim, "float32", "ndcg@10", against, value, value - 0.01, value + 0.01, 0.01, 0.01, verdict
    )


def sweep(verdict: str = "better", label: str = "Tuned", note: str = "") -> SweepResult:
    rows = [row(arm, dim, value) for arm, values in VALUES.items() for dim, value in zip(DIMS, values, strict=True)]
    rows += [row(arm, dim, 0.9, "overlap@10") for arm in VALUES for dim in DIMS]
    rows += [row("bm25", None, 0.4, precision="none"), row("tuned", 64, 0.55, precision="binary")]
    full = [row(arm, 384, values[-1]) for arm, values in VALUES.items()]
    gains = [difference(dim, tuned - base, verdict) for dim, base, tuned in zip(DIMS, *VALUES.values(), strict=True)]
    return SweepResult(
        corpus="builtin",
        hardware="A machine, 2 cores",
        date="2026-11-21T12:00:00+00:00",
        seconds=1.0,
        n_queries=120,
        n_documents=900,
        arms=(
            SweepArm("base", "Base, cut", 384),
            SweepArm("tuned", label, 384, (8, 64, 384)),
            SweepArm("bm25", "BM25", None),
        ),
        rows=tuple(rows),
        full=tuple(full),
        differences=(*gains, difference(64, -0.11, "worse", "full")),
        notes=(note,) if note else (),
    )


def lost(text: str = "how do bees talk") -> BrokenQueries:
    return BrokenQueries("tuned", 10, 120, 100, 1, (BrokenQuery("q1", text, "Bees", 2, 64, 41, 384),))


def figures(**changes: str) -> Figures:
    return Figures.of(CurveSet(sweep(**changes), {"tuned": lost()}, is_shipped=True))


def timed(n: int = 100_000) -> SpeedResult:
    rows = tuple(SpeedRow(dim, "float32", dim / 64, dim / 32, 50, 10.0) for dim in DIMS)
    return SpeedResult("builtin", n, 900, 384, 20.0, "A machine", "2026-11-21T12:00:00+00:00", 3.0, rows)


def test_the_sentence_names_the_highest_arm_its_interval_and_the_paired_gain() -> None:
    words = curves_words.headline(figures(), ALL)
    assert "120 queries" in words
    assert "<b>Tuned</b> is highest from 8 to 384 numbers" in words
    assert "0.700 [0.680, 0.720] at 64; shown better than base: +0.100 [+0.090, +0.110]" in words
    assert "BM25) reach 0.400 [0.380, 0.420]" in words


@pytest.mark.parametrize("verdict", ["no difference shown", "too few queries to say"])
def test_the_sentence_says_when_the_queries_cannot_tell(verdict: str) -> None:
    words = curves_words.headline(figures(verdict=verdict), ALL)
    assert f"{verdict} against base" in words
    assert "shown better" not in words


def test_arms_within_a_thousandth_are_level() -> None:
    found = sweep()
    rows = tuple(replace(r, value=0.8) if r.key == ("tuned", 384, "float32", "ndcg@10") else r for r in found.rows)
    words = curves_words.headline(Figures.of(CurveSet(replace(found, rows=rows))), ALL)
    assert "at 384 numbers 2 methods are level on top (0.800)" in words


def test_agreement_is_never_called_quality() -> None:
    choice = replace(ALL, metric="overlap@10")
    assert "which is not quality" in curves_words.headline(figures(), choice)
    assert curves_view.y_title(choice) == "agreement, not quality"
    assert "not quality" in str(curves_view.quality_chart(figures(), choice).layout.yaxis.title.text)


def test_without_an_arm_the_sentence_says_what_to_do() -> None:
    none = replace(ALL, arms=())
    assert curves_words.headline(figures(), none) == "Choose a method that has this measure."
    assert quality_curves(figures(), none) == []


def test_shares_are_of_the_arms_own_full_figure_with_paired_bounds() -> None:
    shares = {curve.name: curve for curve in quality_curves(figures(), replace(ALL, scale=SHARE))}
    assert "bm25" not in shares  # It has no length to cut.
    at_64 = shares["tuned"].points[1]
    assert at_64.y == pytest.approx(0.7 / 0.81)
    assert (at_64.low, at_64.high) == pytest.approx((1 - 0.12 / 0.81, 1 - 0.10 / 0.81))
    assert (shares["base"].points[-1].low, shares["base"].points[-1].high) == (1, 1)


def test_words_alone_are_a_level_across_the_chart() -> None:
    chart = curves_view.quality_chart(figures(), ALL)
    (level,) = [trace for trace in chart.data if trace.meta == "bm25"]
    assert list(level.x) == [8, 384]
    assert list(level.y) == [0.4, 0.4]


def test_published_figures_are_drawn_over_shares_alone_each_with_its_source() -> None:
    names = [trace.name for trace in curves_view.quality_chart(figures(), replace(ALL, scale=SHARE)).data]
    assert "published elsewhere, other data" in names
    assert "published elsewhere, other data" not in [
        trace.name for trace in curves_view.quality_chart(figures(), ALL).data
    ]
    listed = published_html(ALL)
    assert listed.count("<a href=") == len(PUBLISHED)
    assert "Share kept" in listed
    assert published_html(replace(ALL, published=False)) == ""


def test_the_table_has_a_line_for_each_arm_that_is_on() -> None:
    table = curves_view.quality_table(figures(), replace(ALL, arms=("tuned", "bm25")))
    assert "Base, cut" not in table
    assert "0.700<small>0.680–0.720</small>" in table
    assert "at any length 0.400" in table
    assert "120 queries" in table


def test_before_and_after_gives_paired_differences_with_their_verdict() -> None:
    table = curves_view.before_after(figures())
    assert "+0.100 [+0.090, +0.110] better" in table
    assert "surely, and by more than 0.01" in table
    assert "full, 384" in table
    assert curves_view.before_after(None) == ""


def test_costs_are_exact_bytes_or_timed_latencies() -> None:
    by_bytes = {cloud.name: [point.x for point in cloud.points] for cloud in cost_clouds(figures(), ALL, None)}
    assert by_bytes == {"float32": [32, 256, 1536], "binary": [8]}
    by_time = {
        cloud.name: [p.x for p in cloud.points] for cloud in cost_clouds(figures(), replace(ALL, cost=LATENCY), timed())
    }
    assert by_time == {"float32": [0.125, 1, 6]}  # Binary was not timed, so it is not drawn.


def test_cost_words_give_the_cheapest_setting_near_the_best() -> None:
    _, words = curves_view.cost(figures(), ALL, None)
    assert "costs 1.5 kB with 384 numbers, float32 (1.5 GB for a million vectors)" in words
    assert "120 queries" in words
    assert "No figures" in curves_view.cost(None, ALL, None)[1]


def test_the_limit_is_the_time_that_reading_takes() -> None:
    _, limit = speed_curves(timed())
    assert [point.y for point in limit.points] == pytest.approx([4 * d * 100_000 / 20e9 * 1e3 for d in DIMS])


def test_speed_words_say_what_was_timed_where_and_on_what() -> None:
    words = curves_words.speed_words(timed(), here=True)
    for part in ("this machine just now", "21 November 2026", "A machine", "100,000 vectors", "900", "20.0 GB/s"):
        assert part in words
    assert "just now" not in curves_words.speed_words(timed(), here=False)


def test_speed_words_speak_of_the_int8_copy_only_if_the_search_uses_one() -> None:
    assert "int8 copy" in curves_words.speed_words(timed(), here=True)
    small = replace(timed(), n=SKETCH_FROM - 1)
    assert "int8 copy" not in curves_words.speed_words(small, here=True)


def test_provenance_gives_date_machine_and_counts() -> None:
    words = curves_words.provenance(CurveSet(sweep(), is_shipped=True))
    for part in ("before this was published", "21 November 2026", "A machine, 2 cores", "900 documents", "120 judged"):
        assert part in words
    assert "has changed" not in words
    assert "has changed" in curves_words.provenance(CurveSet(sweep(), is_stale=True))
    assert "here for you" in curves_words.provenance(CurveSet(sweep()))
    undated = replace(sweep(), date="<no date>")
    assert "&lt;no date&gt;" in curves_words.provenance(CurveSet(undated))


def test_lost_queries_say_where_they_break_and_can_be_clicked() -> None:
    listed = curves_view.lost_html(figures(), lost())
    assert "1 (1%) of those lose it" in listed
    assert 'data-example="0"' in listed
    assert "rank 2 with the full vector, 41 at 64; holds from 384" in listed
    assert "choose another" in curves_view.lost_html(figures(), None)


def test_text_of_users_is_escaped_everywhere() -> None:
    nasty = figures(label=NASTY, note=NASTY)
    shown = [
        curves_words.headline(nasty, ALL),
        curves_view.quality_table(nasty, ALL),
        curves_view.before_after(nasty),
        curves_view.cost(nasty, ALL, None)[1],
        curves_view.lost_html(nasty, lost(NASTY)),
        curves_view.notes_html([NASTY]),
        progress_bar(0.5, NASTY),
        str(curves_view.quality_chart(nasty, ALL).to_dict()),
    ]
    for text in shown:
        assert "<script" not in text


def test_files_are_what_they_say() -> None:
    rows = list(csv.DictReader(io.StringIO(curves_files.sweep_text(figures(), "csv"))))
    assert len(rows) == len(sweep().rows)
    assert json.loads(curves_files.sweep_text(figures(), "json"))["n_queries"] == 120
    speeds = list(csv.DictReader(io.StringIO(curves_files.speed_text(timed(), "csv"))))
    assert [(line["n"], line["dim"]) for line in speeds] == [("100000", str(dim)) for dim in DIMS]
    assert json.loads(curves_files.lost_text(lost(), "json"))["worst"][0]["breaks_at"] == 64


def test_a_file_says_of_what_when_and_where_it_is() -> None:
    text = curves_files.sweep_text(figures(), "csv")
    for address, said in (("http://localhost:7860/?tab=curves", True), ("javascript:alert(1)", False)):
        whole = curves_files.TextFile("curves", "csv", text).payload(address)["text"]
        line = next(csv.DictReader(io.StringIO(whole)))
        assert (line["collection"], line["n_documents"], line["queries"]) == ("builtin", "900", "judged")
        assert line["measured"].startswith("2026-11-21") and "A machine, 2 cores" in line["source"]
        assert line.get("address") == (address if said else None)
    speed = curves_files.TextFile("speed", "json", curves_files.speed_text(timed(), "json"))
    assert json.loads(speed.payload("http://here/")["text"])["address"] == "http://here/"


def test_numbers_below_zero_stay_numbers_in_a_file() -> None:
    assert curves_files.add_csv_columns("gain\n-0.03\n=1+1\n", {"of": "-x"}) == "gain,of\n-0.03,'-x\n'=1+1,'-x\n"


def test_charts_know_what_they_show_and_of_what() -> None:
    for chart in (curves_view.quality_chart(figures(), ALL), curves_view.cost(figures(), ALL, None)[0]):
        about = chart.layout.meta
        assert "nDCG@10" in about["title"]
        for part in ("builtin: 900 documents, 120 queries", "21 November 2026", "A machine, 2 cores"):
            assert part in about["source"]


def test_texts_that_stand_in_for_queries_are_never_called_queries() -> None:
    estimated = Figures.of(CurveSet(replace(sweep(), stand_ins="titles")))
    shown = [
        curves_view.headline_html(estimated, ALL),
        curves_view.quality_table(estimated, ALL),
        curves_view.before_after(estimated),
        curves_words.provenance(estimated.curves),
        curves_view.lost_html(estimated, lost()),
    ]
    for text in shown:
        assert "titles standing in for queries" in text
    assert Term.STAND_IN.sentence in at_length.length_words(estimated, ALL, 64)


def test_each_length_has_its_sentence_with_base_in_it() -> None:
    words = at_length.length_words(figures(), ALL, 64)
    assert (
        "At <b>64</b> of 384 numbers, <b>Tuned</b> keeps <b>86%</b> [85%, 88%], <b>Base, cut</b> keeps <b>75%</b>"
        in words
    )
    assert "not quality" in at_length.length_words(figures(), replace(ALL, metric="overlap@10"), 64)
    shown = at_length.length_sentences(figures(), ALL)
    assert shown.count("<span data-at=") == 3 and shown.count(" hidden>") == 2
    assert at_length.length_sentences(figures(), replace(ALL, arms=())) == ""


def test_a_query_that_looks_like_a_formula_stays_text() -> None:
    (line,) = csv.DictReader(io.StringIO(curves_files.lost_text(lost("=1+1"), "csv")))
    assert line["text"] == "'=1+1"


def test_every_click_is_a_new_file() -> None:
    one, two = (curves_files.TextFile("curves", "csv", "a,b").payload() for _ in range(2))
    assert one["name"] == "curves.csv"
    assert one["serial"] != two["serial"]


def test_curves_survive_json_and_anything_else_is_refused() -> None:
    stored = CurveSet(sweep(), {"tuned": lost()}, "abc")
    assert CurveSet.from_json(stored.to_json()) == replace(stored, is_shipped=True)
    for text in ("", "[]", "{}", '{"sweep": {}, "lost": {}}'):
        with pytest.raises(CorpusError):
            CurveSet.from_json(text)


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


CONTROLS = {
    "seen": None,
    "corpus": "builtin",
    "metric": "ndcg@10",
    "scale": "value",
    "arms": ["base", "tuned"],
    "published": True,
    "task": None,
    "class_scale": "value",
    "class_arms": ["base"],
    "cost_arm": "tuned",
    "cost_metric": "ndcg@10",
    "cost": "bytes",
    "group_arm": "tuned",
    "group_metric": "ndcg@10",
    "group_field": None,
    "layer_arm": "tuned",
    "lost_arm": "tuned",
    "size": 100_000,
}


def measured(choice: Choice = ALL) -> CurvesState:
    """A visitor who measured the small sweep."""
    curve_set = CurveSet(sweep(), {"tuned": lost()})
    return CurvesState(choice, Seen(sweeps={choice.corpus: curve_set}, speeds={100_000: timed()}))


@pytest.fixture(scope="module")
def page() -> tuple[gr.Blocks, curves.CurveParts]:
    def build(page: Page) -> curves.CurveParts:
        results = Results(CurvesService(page.lab))
        with gr.Tab():
            return curves._lay_out(results, results.first_state(page.corpus), page.measurements, page.visit)

    blocks, parts = one_tab(StubLab(), build)
    return blocks, parts


def test_a_choice_that_is_sent_again_and_again_counts_once() -> None:
    state = curves_state(**CONTROLS | {"arms": ["base", "tuned", "base"] * 1_000})
    assert state.choice.arms == ("base", "tuned")


def test_the_controls_make_a_state() -> None:
    state = curves_state(**CONTROLS | {"arms": None, "size": 10_000.0})
    assert (state.choice.arms, state.choice.size, state.seen) == ((), 10_000, Seen())


def test_a_section_shows_what_the_visitor_measured_before_what_ships(page: tuple[gr.Blocks, Any]) -> None:
    shown = by_id(page[1].quality.shown.show(measured()))
    assert "<b>Tuned</b> is highest" in shown["curves-headline"]
    assert "0.700<small>" in shown["curves-table"]
    assert "Measured here for you" in shown["curves-origin"]


def test_every_section_fills_all_that_it_laid_out(page: tuple[gr.Blocks, Any]) -> None:
    for section in page[1].sections:
        assert set(section.show(measured())) == section.outputs
        assert set(section.show(CurvesState(Choice("own")))) == section.outputs


def test_another_collection_brings_its_own_arms_and_those_that_were_off_stay_off(page: tuple[gr.Blocks, Any]) -> None:
    menus = curves.ArmMenus(Results(CurvesService(StubLab())), page[1])
    updates = by_id(menus.update(measured(replace(ALL, arms=("tuned",), cost_arm="gone"))))
    assert updates["curves-arms"].value == ["tuned"]
    assert [name for _, name in updates["curves-cost-arm"].choices] == ["base", "tuned"]  # bm25 has no length.
    assert (updates["curves-cost-arm"].value, updates["curves-lost-arm"].value) == ("base", "tuned")


def test_a_lost_query_opens_compare_where_it_breaks() -> None:
    _, door = one_tab(StubLab(), compare.build)
    link = LostLink(Results(CurvesService(StubLab())), door)
    updates = by_id(link.open(measured(), gr.EventData(None, {"position": 0})))
    assert updates["query"] == "how do bees talk"
    assert (updates["left-arm"], updates["right-arm"]) == ("base", "tuned")
    assert updates["dimension"].value == 64
    assert updates["tabs"].selected == "compare"
    with pytest.raises(gr.Error, match="list is gone"):
        link.open(CurvesState(Choice("own")), gr.EventData(None, {"position": 0}))


def test_files_are_of_what_is_shown(page: tuple[gr.Blocks, Any]) -> None:
    parts = page[1]
    for section, name in ((parts.quality, "curves-builtin"), (parts.speed, "speed-100000")):
        update = by_id(section.bar.save(measured(), gr.EventData(None, {"kind": "csv"})))
        (saved,) = update.values()
        assert saved.props["payload"]["name"] == f"{name}.csv"
    (nothing,) = parts.lost.bar.save(CurvesState(Choice("own")), gr.EventData(None, {"kind": "json"})).values()
    assert "nothing to save" in nothing.props["payload"]["problem"]


def test_long_work_says_how_it_goes_and_keeps_what_it_gave(page: tuple[gr.Blocks, Any]) -> None:
    work: LongWork = page[1].controls.work
    kept: list[int] = []

    def one(progress: Progress) -> int:
        progress(0.5, "<half>")
        time.sleep(0.5)
        return 7

    def follow(run: Callable[[Progress], Any], keep: Callable[[Any], Any]) -> list[dict[str, Any]]:
        return [by_id(step) for step in steps_of(work.follow(run, keep, None))]

    steps = follow(one, lambda result: {work.line: str(kept.append(result))})
    assert any("50% &lt;half&gt;" in step["curves-notice"] for step in steps)
    assert steps[0]["curves-stop"].interactive
    assert kept == [7]
    *_, end = follow(lambda _: 1 // 0, dict)
    assert "mistake" in end["curves-notice"]
    assert end["curves-measure"].interactive


def test_a_measurement_covers_what_is_ticked_and_what_the_visitor_brought() -> None:
    results, own = Results(CurvesService(StubLab())), OwnArm("mine~1", "Yours: mine", "", "own-1")
    choice = Choice("own-1", arms=("base", "gone"), class_arms=("tuned", "base"))
    assert results.to_measure(CurvesState(choice, own=(own,))) == ("base", "tuned", "mine~1")
    assert results.to_measure(CurvesState(replace(choice, corpus="own-2"), own=(own,))) == ("base", "tuned")
    with pytest.raises(LabError, match="No method is ticked"):
        results.to_measure(CurvesState(Choice("own-2", arms=("gone",))))
    measured = Seen(sweeps={"own-1": CurveSet(sweep())})
    labels = {name: label for label, name in results.arm_entries(CurvesState(choice, measured, (own,)))}
    assert labels["base"] == "Base, cut"
    assert labels["mine~1"] == "Yours: mine (not measured here)"
    assert list(labels)[-1] == "mine~1"  # Among the others, which stand last.


def test_saved_files_name_nothing_secret() -> None:
    secret = f"own-{'0' * 32}"
    payload = TextFile(f"curves-{secret}", "csv", f"arm,collection\nmine~{'1' * 32},{secret}\n").payload(
        f"http://x/?corpus={secret}"
    )
    assert payload["name"] == "curves-your-documents.csv"
    assert payload["text"].splitlines()[1] == "mine,your documents,http://x/?corpus=your documents"
