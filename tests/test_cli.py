from __future__ import annotations

import argparse
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mrl_demo import cli
from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.core.errors import LabError
from mrl_demo.ui import serve
from training import cli as training_cli


@pytest.mark.real_model
def test_search_prints_a_table_or_one_json_object(
    beir_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["search", "ripen ethylene gas", "--arm", "base", "--dim", "64", "--top-k", "2"]
    command += ["--corpus", str(beir_folder), "--cache-dir", str(tmp_path / "cache")]
    assert cli.main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)["arms"][0]
    assert (answer["arm"], answer["dim"], len(answer["hits"])) == ("base", 64, 2)
    assert answer["hits"][0]["id"] == "banana"
    assert answer["hits"][0]["is_answer"]
    assert cli.main(command) == 0
    assert "Bananas" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--dim", "0"], "1 to 384"),
        (["--dim", "many"], "1 to 384"),
        (["--arm", "nope"], "no arm 'nope'"),
        (["--corpus", "nope"], "no such file or folder as 'nope', and no corpus of that name"),
        (["--corpus", "builtin", "--text-column", "Notes"], "builtin has columns of its own: leave --text-column out"),
        (["--top-k", "0"], "cannot show 0 results"),
    ],
)
def test_a_bad_word_ends_with_one_line_and_code_2(
    change: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["search", "x", "--arm", "base", "--cache-dir", str(tmp_path), *change]
    assert cli.main(command) == 2
    error = capsys.readouterr().err
    assert says in error
    assert len(error.splitlines()) == 1


def test_settings_come_from_the_environment_and_bad_ones_are_named() -> None:
    found = Settings.from_environment({"MRL_PORT": "9000", "MRL_SHARE": "yes", "MRL_CACHE_DIR": "/elsewhere"})
    assert (found.port, found.share, found.cache_dir) == (9000, True, Path("/elsewhere"))
    space = Settings.from_environment({"SPACE_ID": "me/space"})
    assert (space.training_enabled, space.host) == (False, "0.0.0.0")
    assert Settings.from_environment({"SPACE_ID": "me/space", "MRL_TRAINING_ENABLED": "1"}).training_enabled
    for bad in ({"MRL_PORT": "x"}, {"MRL_SHARE": "maybe"}, {"MRL_TOP_K": "-1"}):
        with pytest.raises(LabError, match=next(iter(bad))):
            Settings.from_environment(bad)


def test_a_port_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve.main(["--port", "70000"]) == 2
    assert "70000" in capsys.readouterr().err


def test_a_model_that_is_not_there_ends_the_app_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    assert serve.main(["--port", port, "--cache-dir", str(tmp_path), "--model", "nothing here"]) == 2
    assert re.search("There is no arm 'nothing here'.*a folder, or OWNER/NAME on the Hub", capsys.readouterr().err)


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from parsers(command)


@pytest.mark.parametrize("parser", [cli._parser(Settings()), training_cli._parser()], ids=lambda parser: parser.prog)
def test_every_option_has_a_word_of_help_and_its_default(parser: argparse.ArgumentParser) -> None:
    for command in parsers(parser):
        text = " ".join(command.format_help().split())
        for action in command._actions:
            assert action.help or isinstance(action, argparse._SubParsersAction), f"{command.prog} {action.dest}"
            if action.default not in (None, False, "", [], argparse.SUPPRESS):
                assert f"(default: {action.default})" in text, f"{command.prog} {action.dest}"


@pytest.mark.parametrize("command", [["search", "x"], ["train", "--out", "o"], ["serve"], ["evaluate"], ["card", "r"]])
def test_the_cache_folder_may_stand_before_or_after_the_command(command: list[str]) -> None:
    parser = cli._parser(Settings(cache_dir=Path("usual")))
    assert parser.parse_args(command).cache_dir == Path("usual")
    assert parser.parse_args(["--cache-dir", "before", *command]).cache_dir == Path("before")
    assert parser.parse_args([*command, "--cache-dir", "after"]).cache_dir == Path("after")


def test_help_loads_nothing_that_takes_a_while() -> None:
    code = (
        "import sys; from mrl_demo import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'gradio', 'transformers', 'pandas', 'scipy', 'faiss'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CODE_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "train" in done.stdout


def test_training_commands_answer_through_the_front_door(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "--check", "--steps", "2", "--out", str(tmp_path / "out"), "--cache-dir", str(tmp_path)]
    assert cli.main([*command, "--data", str(tmp_path / "none.csv")]) == 2
    assert "none.csv" in capsys.readouterr().err
    assert cli.main(["card", str(tmp_path / "no-run")]) == 2
    assert "no-run" in capsys.readouterr().err
