"""Takes each defence that SECURITY.md names out of a copy of the code, and sees that its tests fail without it.

Says which tests that SECURITY.md names were not tried so.

    python dev/open_doors.py
    python dev/open_doors.py --only heavy
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.core.config import CODE_ROOT
from tests.test_security import NAMED

_SECONDS = 150
_SKIPPED = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "cache")
_KEPT = 'type("Kept", (), {"name": tempfile.mkdtemp(prefix="matryoshka-model-")})'
_FILE_OF = {test: file for file, test in NAMED}


@dataclass(frozen=True)
class Defence:
    """What stands in a file of `mrl_demo` against something, what is put in its place, and the tests that must fail."""

    file: str
    edits: Mapping[str, str]
    tests: Sequence[str]

    @contextmanager
    def taken_out(self, copy: Path) -> Iterator[None]:
        """The copy of the code without it; raises `LookupError` for what no longer stands there."""
        path = copy / "mrl_demo" / self.file
        whole = without = path.read_text(encoding="utf-8")
        for stands, instead in self.edits.items():
            if stands not in without:
                raise LookupError(f"{self.file} has no longer {stands!r}")
            without = without.replace(stands, instead)
        _write(path, without)
        try:
            yield
        finally:
            _write(path, whole)


DEFENCES = (
    Defence(
        "ui/components/markup.py",
        {"markupsafe.escape(visible(shown_name(text)))": "Markup(visible(shown_name(text)))"},
        ["test_hostile_text_is_shown_not_run", "test_names_titles_and_addresses_stay_text_in_the_page"],
    ),
    Defence("exports/target.py", {"{model.name!r}": "'{model.name}'"}, ["test_hostile_names_stay_text_in_scripts"]),
    Defence(
        "reports/migration.py",
        {'{"html": False}': '{"html": True}', "{_code(self.corpus)}": "{self.corpus}"},
        ["test_own_documents_and_hostile_names_end_in_a_harmless_page"],
    ),
    Defence(
        "core/spreadsheets.py",
        {'return f"\'{cell}" if': "return cell if"},
        [
            "test_a_query_that_looks_like_a_formula_stays_text",
            "test_a_class_is_counted_and_leaves_as_csv_that_is_no_formula",
        ],
    ),
    Defence(
        "api/snippets.py",
        {"shlex.quote(json.dumps(": "\"'{}'\".format(json.dumps("},
        ["test_what_is_shown_for_curl_and_agents_holds_the_arguments_whole"],
    ),
    Defence(
        "ui/shared/doors.py",
        {'elif _CLOSED.search(scope["path"]):': "elif False:"},
        ["test_no_address_leads_to_a_file_or_another_server"],
    ),
    Defence(
        "api/calls.py",
        {"lab.builder.menu.find_public(name).name": "str(name)"},
        ["test_what_a_stranger_names_is_looked_up_and_never_loaded"],
    ),
    Defence(
        "ui/address/kinds.py",
        {"if text not in names:": "if False:"},
        ["test_a_name_in_a_link_is_compared_and_never_loaded"],
    ),
    Defence(
        "models/files/contents.py",
        {'if inner and (key in {"auto_map"': 'if False and (key in {"auto_map"'},
        ["test_a_configuration_that_brings_code_is_refused_by_name"],
    ),
    Defence(
        "models/files/contents.py",
        {'_PICKLED = {".bin", ".pt", ".pth", ".pkl", ".ckpt"}': "_PICKLED: set[str] = set()"},
        ["test_weights_that_are_pickled_alone_are_refused_by_name"],
    ),
    Defence(
        "ui/shared/visit.py", {"return Visit()": "return self"}, ["test_own_documents_are_looked_at_used_and_deleted"]
    ),
    Defence(
        "api/calls.py",
        {"    if name not in names:": "    if False:"},
        ["test_no_call_reaches_a_visitor_s_own_documents"],
    ),
    Defence(
        "ui/app.py",
        {"with RefusingBlocks(title": "with gr.Blocks(title"},
        ["test_odd_calls_of_every_event_end_in_words_and_leave_no_file"],
    ),
    Defence(
        "ui/shared/sessions.py",
        {"    state.config_values = _Unkept()\n": ""},
        ["test_a_session_keeps_its_state_and_its_menus_and_no_answers"],
    ),
    Defence(
        "ui/shared/sessions.py",
        {"idle = [session for session in self if session not in busy]": "idle = list(self)"},
        ["test_unheard_answers_go_before_those_that_are_still_to_come"],
    ),
    Defence(
        "api/checking.py",
        {"return _adapters(call)[name].validate_python(value)": "return value"},
        ["test_arguments_out_of_bounds_are_refused_by_name_in_a_short_sentence"],
    ),
    Defence(
        "ui/shared/queues.py",
        {'"api_visibility": "private"': '"api_visibility": "public"'},
        ["test_programs_are_offered_the_six_calls_and_nothing_else"],
    ),
    Defence(
        "api/limits.py",
        {"(left - 1 if left >= 1 else left, now)": "(left, now)"},
        ["test_a_bucket_empties_and_fills_again_for_each_address_alone"],
    ),
    Defence(
        "ui/api/endpoints.py",
        {"if before and not before.has_ended:": "if False:"},
        ["test_a_second_measurement_from_one_address_is_refused_and_a_slow_one_ends"],
    ),
    Defence(
        "ui/api/endpoints.py",
        {"asyncio.timeout(self.most_seconds)": "asyncio.timeout(60)"},
        ["test_a_second_measurement_from_one_address_is_refused_and_a_slow_one_ends"],
    ),
    Defence(
        "ui/shared/heavy.py",
        {"if self.is_overdue():": "if False:"},
        ["test_a_task_over_its_limit_ends_with_words_and_the_next_begins"],
    ),
    Defence(
        "ui/shared/heavy.py",
        {"if self._work.is_overdue(_LAST_STEP_SECONDS):": "if False:"},
        ["test_who_follows_a_task_that_says_nothing_any_more_is_told_so"],
    ),
    Defence(
        "ui/shared/heavy.py",
        {"self._fair.order([work.claimants() for work in waiting])": "range(len(waiting))"},
        ["test_a_visitor_who_asks_for_much_takes_turns_with_one_who_asks_for_little"],
    ),
    Defence(
        "ui/shared/fairness.py",
        {'served.get(f"a{who.address}", 0), ': "0, "},
        ["test_sessions_made_up_at_one_address_gain_no_turns"],
    ),
    Defence(
        "ui/shared/heavy.py",
        {"if own else _ROOM_FOR_NEWCOMERS * self._most_waiting": ""},
        ["test_a_newcomer_gets_a_place_on_a_full_line"],
    ),
    Defence(
        "ui/shared/listeners.py",
        {"if not self.is_known(session):": "if False:"},
        ["test_a_stream_for_which_no_event_waits_is_refused_in_one_line"],
    ),
    Defence(
        "ui/shared/heavy.py",
        {"if not self.is_awaited():": "if False:"},
        ["test_what_nobody_listens_to_ends_and_is_found_again_if_one_is_quick"],
    ),
    Defence(
        "ui/shared/doors.py",
        {"if received > self.most_bytes:": "if False:"},
        ["test_long_bodies_are_refused_whether_they_say_their_length_or_not"],
    ),
    Defence(
        "corpora/reading/source.py",
        {"if self._total > self._limit:": "if False:"},
        ["test_a_gzip_bomb_is_refused_before_it_fills_the_memory"],
    ),
    Defence(
        "corpora/reading/packed.py",
        {"if size > MOST_UNPACKED:": "if False:"},
        ["test_bombs_links_and_archives_within_are_refused_or_counted"],
    ),
    Defence("ui/train/tab.py", {"if line.enabled:": "if True:"}, ["test_training_that_is_off_has_no_event_to_call"]),
    Defence(
        "core/config.py",
        {'password: str = field(default="", repr=False)': 'password: str = ""'},
        ["test_the_password_is_not_in_what_settings_print"],
    ),
    Defence(
        "models/api/client.py",
        {'line.replace(key, "...") if key else line': "line"},
        ["test_refusals_are_told_at_once_and_without_the_key"],
    ),
    Defence(
        "search/engines/address.py",
        {"if not _COLLECTION.fullmatch(collection):": "if False:"},
        ["test_addresses_that_cannot_be_are_refused_without_their_password"],
    ),
    Defence(
        "ui/shared/guard.py",
        {"return otherwise(LabError(UNEXPECTED))": "return otherwise(LabError(repr(error)))"},
        ["test_errors_reach_the_caller_in_words_without_a_traceback"],
    ),
    Defence(
        "ui/shared/doors.py",
        {'if self.hosts and host_name(headers.get("host", "")) not in self.hosts:': "if False:"},
        ["test_a_page_for_this_machine_answers_to_its_own_names_only"],
    ),
    Defence(
        "ui/shared/password.py",
        {"if not is_asked or hmac": "if True or hmac"},
        [
            "test_without_the_password_nothing_is_served_but_health",
            "test_nothing_but_health_is_shown_without_the_password",
        ],
    ),
    Defence(
        "ui/shared/health.py",
        {"if not is_from_here(scope):": "if False:"},
        ["test_health_is_for_everybody_and_figures_for_this_machine_only"],
    ),
    Defence(
        "ui/shared/doors.py",
        {"headers.setdefault(name, value)": "pass"},
        ["test_headers_tell_browsers_to_guess_nothing"],
    ),
    Defence(
        "ui/shared/crowding.py",
        {"or (_waits(scope) and self._waiting(address) >= self._most)": ""},
        ["test_a_flood_of_one_address_leaves_places_in_the_queue_for_others"],
    ),
    Defence(
        "ui/shared/crowding.py",
        {"if self._under_way[address] >= self._most or": "if"},
        ["test_requests_of_one_address_that_are_under_way_are_bounded_and_forgotten"],
    ),
    Defence(
        "ui/app.py",
        {"trusted_hosts=trusted_proxies(settings.proxies)": 'trusted_hosts="*"'},
        ["test_only_named_proxies_are_believed_on_who_asks"],
    ),
    Defence(
        "ui/shared/uploads.py",
        {"        path.unlink(missing_ok=True)\n": ""},
        ["test_uploads_fill_no_more_of_the_disk_than_they_may"],
    ),
    Defence(
        "ui/shared/heavy.py",
        {"if len(waiting) >= most or own >= self._most_of_one:": "if False:"},
        ["test_forty_of_one_caller_do_not_keep_others_out"],
    ),
    Defence(
        "corpora/reading/json_rows.py",  # Every row has a place for every column then, as in a frame.
        {"    cells = {}\n": '    cells = {}\n    table.__dict__.setdefault("kept", []).append([None] * line)\n'},
        [
            "test_rows_with_a_key_of_their_own_take_no_more_memory_than_their_texts",
            "test_rows_with_a_key_of_their_own_take_little_memory",
        ],
    ),
    Defence(
        "models/shipped/adapters.py",
        {"if is_whole(target):  # A neighbour": "if False:  # A neighbour"},
        ["test_three_processes_at_once_build_it_once_and_each_can_read_it"],
    ),
    Defence(
        "models/shipped/adapters.py",
        {"except (OSError, SafetensorError) as error:  # safetensors": "except OSError as error:  # safetensors"},
        ["test_a_full_disk_is_named_with_the_fix_and_leaves_nothing_behind"],
    ),
    Defence(
        "arms/spaces.py",
        {"except CacheError as error:  # The vectors are right": "except KeyError as error:  # The"},
        ["test_an_unwritable_cache_costs_nothing_but_time"],
    ),
    Defence(
        "models/files/seal.py",
        {"bool(sealed == _hashes(folder))": "True"},
        ["test_any_damage_breaks_the_seal_and_is_built_again"],
    ),
    Defence(
        "core/locks.py",
        {"(key, threading.Lock())": '(key, self.__dict__.setdefault("one", threading.Lock()))'},
        ["test_who_builds_one_thing_holds_up_nobody_who_wants_another"],
    ),
    Defence(
        "arms/spaces.py",
        {"if fitted.is_cut_short:": "if False:"},
        ["test_a_fit_cut_short_by_the_clock_serves_its_process_and_is_fitted_again_by_the_next"],
    ),
    Defence(
        "corpora/own/files.py",
        {"    while name in taken:": "    while False:"},
        ["test_a_persons_files_never_take_a_name_of_the_house_or_of_each_other"],
    ),
    Defence(
        "ui/app.py",
        {"delete_cache=_DELETE_CACHE": "delete_cache=None"},
        ["test_uploads_are_few_a_minute_and_go_after_a_day"],
    ),
    Defence(
        "adapt/rotation.py",
        {'if key is not None and metadata.get("key") != key:': "if False:"},
        ["test_swapped_rotation_files_are_found_out"],
    ),
    Defence(
        "ui/curves/state.py",
        {"tuple(dict.fromkeys(arms or ()))": "tuple(arms or ())"},
        ["test_a_choice_that_is_sent_again_and_again_counts_once"],
    ),
    Defence(
        "jobs/line.py",
        {'return not self._settings.is_public or about.get("session") == _seal_session(session)': "return True"},
        ["test_a_run_belongs_to_the_visit_that_started_it_and_its_rows_to_nobody"],
    ),
    Defence(
        "models/shipped/adapters.py",
        {'tempfile.TemporaryDirectory(prefix="matryoshka-model-", ignore_cleanup_errors=True)': _KEPT},
        ["test_the_temporary_folder_goes_with_the_process"],
    ),
    Defence(
        "corpora/reading/source.py",
        {"except (OSError, EOFError, zlib.error) as error:": "except KeyError as error:"},
        ["test_what_cannot_be_read_is_refused_in_a_line_with_the_fix"],
    ),
    Defence(
        "core/config.py", {"if value < least:": "if False:"}, ["test_settings_that_cannot_work_are_refused_by_name"]
    ),
    Defence(
        "ui/api/names.py",
        {"if given is not None:": "if False:"},
        ["test_wrong_names_are_refused_over_http_with_the_right_ones_and_one_line_in_the_log"],
    ),
    Defence(
        "ui/api/names.py",
        {"if not _is_unknown_event(error):": "if True:"},
        ["test_wrong_names_are_refused_over_http_with_the_right_ones_and_one_line_in_the_log"],
    ),
    Defence(
        "ui/api/agents.py",
        {"        refuse_wrong_names(name, arguments)\n": ""},
        ["test_an_agent_that_names_an_argument_wrongly_is_told_the_right_ones"],
    ),
    Defence(
        "search/engines/adapter.py",
        {"raise said from error": 'raise type(said)(f"{said} {self.address.url}") from error'},
        ["test_an_engine_that_is_down_is_said_without_its_password"],
    ),
    Defence(
        "search/engines/postgresql.py",
        {'EngineDownError.silent("PostgreSQL")': 'EngineDownError(f"PostgreSQL does not answer: {error}")'},
        ["test_a_page_whose_engine_is_down_shows_results_and_a_notice_without_its_address"],
    ),
    Defence(
        "search/engines/attached.py",
        {"if not self._falls_back or": "if True or"},
        ["test_a_page_goes_on_without_its_engine_and_says_so"],
    ),
    Defence(
        "corpora/reading/parser_errors.py",
        {"except Exception as error:": "except KeyError as error:"},
        ["test_any_bytes_are_read_or_refused_with_words"],
    ),
    Defence(
        "search/engines/milvus.py",
        {"== {json.dumps(value, ensure_ascii=False)}": "== '{value}'"},
        ["test_a_filter_leaves_the_best_of_what_fits"],
    ),
    Defence(
        "ui/compare/events.py",
        {
            "state.answered.question if state.answered else state.question": 'self.__dict__["last"]',
            "question = replace(state.question,": 'question = self.__dict__["last"] = replace(state.question,',
        },
        ["test_a_second_visitor_sees_nothing_of_the_first"],
    ),
)


def _write(path: Path, text: str) -> None:
    """Write code with a time of its own, or Python would take what it compiled from the same size a moment ago."""
    changed = path.stat().st_mtime
    path.write_text(text, encoding="utf-8")
    os.utime(path, (changed + 2, changed + 2))


def passes(copy: Path, test: str) -> str:
    """What pytest says of a test if it does not fail in the copy; empty if it fails.

    A test that takes too long is said too: it may wait for ever for want of the defence, or the machine may be busy.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--reruns", "0"]
    try:
        done = subprocess.run(
            [*command, _FILE_OF[test], "-k", test],
            cwd=copy,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env=os.environ | {"PYTHONPATH": str(copy)},
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {_SECONDS} s: try it alone, with the defence in place too"
    fails = done.returncode == 1 and ("FAILED" in done.stdout or "ERROR" in done.stdout)
    return "" if fails else f"passes without it (pytest ended with {done.returncode}): {done.stdout.strip()[-160:]}"


def notices(copy: Path, defence: Defence, test: str) -> str:
    """What is wrong, in words, if the test does not fail without the defence; empty if it does."""
    if test not in _FILE_OF:
        return f"SECURITY.md does not name {test}"
    try:
        with defence.taken_out(copy):
            return passes(copy, test)
    except LookupError as error:
        return str(error)


def main() -> int:
    """Try all; 1 if a test did not notice."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="files and tests whose names contain this, or one of several (A,B)")
    only = parser.parse_args().only.split(",")
    trials = [(defence, test) for defence in DEFENCES for test in defence.tests]
    trials = [(defence, test) for defence, test in trials if any(part in f"{defence.file} {test}" for part in only)]
    unnoticed, started = 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="matryoshka-doors-") as folder:
        copy = Path(shutil.copytree(CODE_ROOT, Path(folder) / "code", ignore=_SKIPPED))
        for defence, test in trials:
            problem = notices(copy, defence, test)
            unnoticed += bool(problem)
            print(f"  {'NOT NOTICED' if problem else 'noticed'}: {test}: {problem or defence.file}", flush=True)
    print(f"{len(trials)} trials in {time.monotonic() - started:.0f} s, {unnoticed} not noticed.")
    print(f"Named and not tried: {', '.join(sorted(_FILE_OF.keys() - {test for _, test in trials}))}")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
