"""The named calls over the wire: by gradio_client, by plain HTTP and by a real MCP client, against a small lab."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from mrl_demo import cli
from mrl_demo.api.calls import CALLS
from mrl_demo.api.checking import check_arguments
from mrl_demo.api.snippets import snippets_for
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Document, Progress
from mrl_demo.corpora import make_corpus
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.api.endpoints import ApiDesk
from mrl_demo.ui.app import build_app, launch
from mrl_demo.ui.shared.heavy import HeavyLine
from tests.conftest import FRUIT, HashingEncoder
from tests.training.tiny import make_tiny_model
from tests.ui.conftest import free_port
from tests.ui.pages import run_apart, talk_mcp

#: Gradio's own statistics, which fail on a warning of pandas 3.1.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
NAMES = list(CALLS)


@dataclass(frozen=True)
class Served:
    url: str
    lab: Lab
    fruit: Path
    model: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A page of its own over five documents, on which training is off."""
    folder = tmp_path_factory.mktemp("api")
    rows = [json.dumps({"_id": key, "title": title, "text": text}) for key, title, text in FRUIT]
    (folder / "fruit").mkdir()
    (folder / "fruit" / "corpus.jsonl").write_text("\n".join(rows) + "\n")
    queries = [{"_id": f"q{i}", "text": text} for i, (_, _, text) in enumerate(FRUIT)]
    (folder / "fruit" / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)) + "\n")
    judged = "".join(f"q{i}\t{key}\t1\n" for i, (key, _, _) in enumerate(FRUIT))
    (folder / "fruit" / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    settings = Settings(cache_dir=folder / "cache", port=free_port(), training_enabled=False, api_per_minute=3_000)
    lab = Lab(settings)
    lab.encoders.add("tiny", HashingEncoder())
    model = make_tiny_model(folder / "small")
    lab.add_arms([str(model)])
    corpus = lab.add_corpus(folder / "fruit")
    page = build_app(lab, corpus)
    yield Served(launch(page, settings), lab, folder / "fruit", model)
    page.close()


@pytest.fixture(scope="module")
def client(served: Served) -> Client:
    return Client(served.url, verbose=False)


def as_json(value: object) -> Any:
    return json.loads(json.dumps(value))


def test_programs_are_offered_the_six_calls_and_nothing_else(served: Served) -> None:
    info = httpx.get(f"{served.url}gradio_api/info").json()
    assert list(info["named_endpoints"]) == [f"/{name}" for name in NAMES]
    assert not info["unnamed_endpoints"]


def test_gradio_client_searches_and_gets_the_json_of_the_library(served: Served, client: Client) -> None:
    answer = client.predict("ripen ethylene gas", "tiny", 16, "fruit", 3, api_name="/search")
    assert answer["arms"][0]["hits"][0]["id"] == "banana"
    here = as_json(served.lab.compare("ripen ethylene gas", corpus="fruit", arms=["tiny"], dim=16, top_k=3).to_dict())
    assert _timeless(answer) == _timeless(here)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("evaluate", {"arms": ["tiny"], "dims": [8, 32], "metrics": ["ndcg@10"], "corpus": "fruit"}),
        ("recommend", {"arms": ["tiny"], "reference": "tiny", "corpus": "fruit"}),
        ("threshold", {"cutoff": 0.3, "arm": "tiny", "dim": 8, "corpus": "fruit"}),
        ("export", {"target": "numpy", "arm": "tiny", "dim": 8, "corpus": "fruit"}),
    ],
)
def test_measuring_calls_answer_by_name_too(name: str, given: dict[str, Any], client: Client) -> None:
    answer = client.predict(**given, api_name=f"/{name}")
    expected = {"evaluate": "rows", "recommend": "sentence", "threshold": "equal_rate", "export": "files"}
    assert expected[name] in answer


def test_plain_http_asks_by_name_and_reads_one_event(served: Served) -> None:
    asked = {"query": "wasps pollinate", "arms": ["tiny"], "dim": 16, "corpus": "fruit"}
    event = httpx.post(f"{served.url}gradio_api/call/v2/compare", json=asked).json()["event_id"]
    text = httpx.get(f"{served.url}gradio_api/call/compare/{event}", timeout=20).text
    assert text.startswith("event: complete")
    (answer,) = json.loads(text.split("data: ", 1)[1].splitlines()[0])
    assert answer["query"] == "wasps pollinate"
    assert answer["arms"][0]["hits"][0]["id"] == "fig"


def test_the_code_in_the_drawer_runs_as_it_is_shown(served: Served) -> None:
    asked = {"query": 'wasps\' "pollinate"', "arms": ["tiny"], "dim": 16, "corpus": "fruit"}
    shown = {s.label: s.text for s in snippets_for("compare", asked, served.url.rstrip("/"))}
    made: dict[str, Any] = {}
    exec(compile(shown["Python"], "drawer", "exec"), made)  # noqa: S102 - what it is for
    run = subprocess.run(["bash", "-c", shown["curl"]], capture_output=True, text=True, timeout=20, check=True)
    (by_curl,) = json.loads(run.stdout.split("data: ", 1)[1].splitlines()[0])
    assert made["answer"]["query"] == asked["query"]
    assert _timeless(by_curl) == _timeless(made["answer"])


def test_an_agent_lists_the_tools_and_calls_one_by_mcp(served: Served) -> None:
    asked = {"query": "ripen ethylene gas", "arm": "tiny", "dim": 16, "corpus": "fruit"}
    tools, (right, wrong) = talk_mcp(served.url, [("search", asked), ("search", {**asked, "arm": "OWNER/NAME"})])
    assert [tool.name for tool in tools] == NAMES
    search = tools[0]
    assert "Arms here: base" in search.description
    assert search.inputSchema["properties"]["dim"]["description"].startswith("How many of the vector's numbers")
    assert not right.isError
    assert "banana" in right.content[0].text
    assert wrong.isError
    assert "There is no arm 'OWNER/NAME'" in wrong.content[0].text


def test_errors_reach_the_caller_in_words_without_a_traceback(
    served: Served, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AppError, match="There is no corpus '/etc/passwd': choose one of"):
        client.predict("q", "tiny", 16, "/etc/passwd", 3, api_name="/search")
    with pytest.raises(AppError, match="Dimension 99999 is not possible here"):
        client.predict("q", "tiny", 99_999, "fruit", 3, api_name="/search")

    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("in /srv/secret/place.py")

    monkeypatch.setattr(served.lab, "compare", break_down)
    with pytest.raises(AppError, match="it is our mistake") as error:
        client.predict("q", "tiny", 16, "fruit", 3, api_name="/search")
    assert not re.search("ZeroDivision|secret|Traceback", str(error.value))


@pytest.mark.parametrize(
    ("path", "sent", "status", "words"),
    [
        (
            "call/v2/search",
            {"query": "q", "dims": 8},
            422,
            "There is no argument 'dims': choose among query, arm, dim,",
        ),
        ("call/v2/threshold/", {"arm": "tiny"}, 422, "cutoff is missing: give one."),
        ("call/v2/serach", {}, 404, "There is no call 'serach': choose among search, compare,"),
        ("call/serach", {"data": []}, 404, "There is no such event"),
        ("queue/join", {"data": [], "fn_index": 9**9, "session_hash": "s"}, 404, "There is no such event"),
    ],
)
def test_wrong_names_are_refused_over_http_with_the_right_ones_and_one_line_in_the_log(
    path: str,
    sent: dict[str, Any],
    status: int,
    words: str,
    served: Served,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = httpx.post(f"{served.url}gradio_api/{path}", json=sent)
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(words)
    assert [record.levelname for record in caplog.records if record.name.startswith("mrl_demo")] == ["WARNING"]
    assert "Traceback" not in capfd.readouterr().err


def test_an_agent_that_names_an_argument_wrongly_is_told_the_right_ones(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    _, (answer,) = talk_mcp(served.url, [("search", {"query": "q", "arm": "tiny", "dims": 8})])
    assert answer.isError
    assert answer.content[0].text == "There is no argument 'dims': choose among query, arm, dim, corpus, top_k, where."
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("search", {"query": "secret", "arm": "tiny", "dim": 8}),
        ("compare", {"query": "secret", "arms": ["tiny"], "dim": 8}),
        ("evaluate", {"arms": ["tiny"], "dims": [8]}),
        ("recommend", {"arms": ["tiny"], "reference": "tiny"}),
        ("threshold", {"cutoff": 0.3, "arm": "tiny", "dim": 8}),
        ("export", {"target": "numpy", "arm": "tiny", "dim": 8}),
    ],
)
def test_no_call_reaches_a_visitor_s_own_documents(
    name: str, given: dict[str, Any], served: Served, client: Client
) -> None:
    own = served.lab.add_private(make_corpus("own", "Own", [Document("d1", "Plans", "A secret plan.")]))
    with pytest.raises(AppError, match=f"There is no corpus '{own}': choose one of") as error:
        client.predict(**given, corpus=own, api_name=f"/{name}")
    assert "plan" not in str(error.value).lower()
    with pytest.raises(AppError, match="choose one of") as error:
        client.predict(**given, corpus="own-guess", api_name=f"/{name}")
    assert own not in str(error.value)
    served.lab.remove_private(own)


ON_FRUIT: dict[str, dict[str, Any]] = {
    "search": {"query": "wasps pollinate", "arm": "small", "dim": 16, "top_k": 3},
    "compare": {"query": "wasps pollinate", "arms": ["small", "small+pca"], "dim": 16, "top_k": 3},
    "evaluate": {"arms": ["small"], "dims": [8, 32], "metrics": ["ndcg@10"], "queries": 5},
    "recommend": {"arms": ["small"], "reference": "small", "target": 0.5, "precisions": ["float32", "int8"]},
    "export": {"target": "faiss", "arm": "small", "dim": 8},
    "threshold": {"cutoff": 0.3, "arm": "small", "dim": 8, "queries": 5},
}


def test_http_client_agent_command_line_and_python_give_one_json_for_all_six(
    served: Served, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {name: {**arguments, "corpus": "fruit"} for name, arguments in ON_FRUIT.items()}
    served.lab.add_arms(["small+pca"])
    _, by_agent = talk_mcp(served.url, list(given.items()))
    for (name, arguments), told in zip(given.items(), by_agent, strict=True):
        by_api = _timeless(client.predict(**arguments, api_name=f"/{name}"))
        here = CALLS[name](served.lab, **check_arguments(CALLS[name], arguments))
        assert by_api == _timeless(as_json(here.run(lambda _share, _line: None))), name
        assert by_api == _timeless(json.loads(told.content[0].text)), name
        assert by_api == _timeless(by_http(served, name, arguments)), name
        assert by_api == _timeless(by_command(served, name, arguments, capsys)), name


def by_http(served: Served, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What two plain requests give, as docs/api.md shows them."""
    event = httpx.post(f"{served.url}gradio_api/call/v2/{name}", json=arguments).json()["event_id"]
    text = httpx.get(f"{served.url}gradio_api/call/{name}/{event}", timeout=20).text
    (answer,) = json.loads(text.split("event: complete\ndata: ", 1)[1].splitlines()[0])
    return dict(answer)


def by_command(
    served: Served, name: str, arguments: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    """What the command line prints that the drawer shows for a call, with files in the place of names."""
    shown = next(s.text for s in snippets_for(name, arguments) if s.label == "Command line")
    program, *words = shlex.split(shown)
    assert program == "mrl"
    words = [str(served.fruit) if word == "fruit" else word.replace("small", str(served.model)) for word in words]
    assert cli.main([words[0], "--cache-dir", str(served.lab.settings.cache_dir), *words[1:]]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_training_that_is_off_is_no_event_at_all(served: Served) -> None:
    config = httpx.get(f"{served.url}config").json()
    functions = {str(event.get("api_name")) for event in config["dependencies"]}
    assert not {name for name in functions if "train" in name or "check" in name}


def test_a_second_measurement_from_one_address_is_refused_and_a_slow_one_ends(served: Served) -> None:
    begun, is_over = threading.Event(), threading.Event()

    class SlowLab(Lab):
        def evaluate(self, *_: object, progress: Progress | None = None, **__: object) -> Any:
            begun.set()
            is_over.wait(5)
            raise LabError("the end")

    lab = SlowLab(replace(served.lab.settings))
    desk = ApiDesk(lab, HeavyLine("builds"), HeavyLine("measurements"), most_seconds=0.5)
    evaluate = CALLS["evaluate"]

    async def ask() -> list[str]:
        first = asyncio.create_task(desk.answer(evaluate, {}, "here"))
        await asyncio.to_thread(begun.wait, 5)
        second = desk.answer(evaluate, {"dims": [64]}, "here")
        results = await asyncio.gather(first, second, return_exceptions=True)
        is_over.set()
        return [str(result) for result in results]

    slow, refused = run_apart(ask())
    assert "longer than" in slow
    assert "one at a time" in refused


def _timeless(answer: Any) -> Any:
    """An answer without the times that it took."""
    if isinstance(answer, dict):
        return {key: _timeless(value) for key, value in answer.items() if not re.search("_ms$|seconds$|^date$", key)}
    return [_timeless(value) for value in answer] if isinstance(answer, list) else answer
