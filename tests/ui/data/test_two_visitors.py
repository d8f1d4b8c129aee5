"""Two visitors of a public page over plain HTTP: what one brings, the other neither uses nor hears the name of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from mrl_demo.core.config import Settings
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.app import build_app, launch
from mrl_demo.ui.ids import Id
from tests.training.hub_stand_in import Repository, serving
from tests.training.tiny import make_tiny_model
from tests.ui.conftest import free_port
from tests.ui.pages import talk_mcp

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
MODEL = "someone/hush-model"
TEXTS = [f"Hush, plan {number} is about the bread of oven {number}." for number in range(12)]


@dataclass(frozen=True)
class Served:
    url: str
    lab: Lab
    hub: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A page for everybody whose owner lets visitors load one model, and a Hub on the loopback address that has it."""
    folder = tmp_path_factory.mktemp("visitors")
    settings = Settings(
        cache_dir=folder / "cache", host="0.0.0.0", own_models=MODEL, training_enabled=False, api_per_minute=3_000
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch, serving(Repository(MODEL, make_tiny_model(folder / "tiny"))) as hub:
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "hub"))
        patch.setenv("HF_ENDPOINT", hub)
        lab = Lab(settings)
        page = build_app(lab)
        yield Served(launch(page, replace(settings, host="127.0.0.1", port=free_port())), lab, hub)
        page.close()


class Visitor:
    """A session of its own that sends the page's events as the browser does, and keeps all that it was ever told."""

    def __init__(self, url: str, session: str) -> None:
        self.client, self.session = httpx.Client(base_url=url, timeout=60), session
        self.told = [self.client.get("/").text]
        config = self.client.get("/config").json()
        self.told.append(json.dumps(config))
        self.events = config["dependencies"]
        self.ids = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
        self.values = {part["id"]: part["props"].get("value") for part in config["components"]}

    def fill(self, control: Id, value: Any) -> None:
        self.values[self.ids[control]] = value

    def upload(self, control: Id, file: Path) -> None:
        (path,) = self.client.post("/gradio_api/upload", files={"files": file.open("rb")}).json()
        self.fill(control, {"path": path, "orig_name": file.name, "meta": {"_type": "gradio.FileData"}})

    def press(self, control: Id, event: str = "click", data: object = None) -> str:
        """What the server answers to an event of a control."""
        target = [self.ids[control], event]
        sent = next(each for each in self.events if target in each["targets"] and each["backend_fn"])
        body = {"data": [self.values.get(part) for part in sent["inputs"]], "fn_index": sent["id"]}
        body |= {"session_hash": self.session, "event_data": data}
        path = "/gradio_api/queue/join" if sent["queue"] else f"/gradio_api/run/{sent['api_name']}"
        answer = self.client.post(path, json=body).text
        if sent["queue"]:
            answer = self._hear()
        self.told.append(answer)
        return answer

    def _hear(self) -> str:
        heard = ""
        with self.client.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                heard += json.dumps(json.loads(line[5:]), ensure_ascii=False) if line.startswith("data:") else ""
                if '"process_completed"' in line:
                    break
        return heard

    def ask(self, name: str, given: dict[str, Any]) -> str:
        """What a named call answers."""
        event = self.client.post(f"/gradio_api/call/v2/{name}", json=given).json()["event_id"]
        self.told.append(self.client.get(f"/gradio_api/call/{name}/{event}").text)
        return self.told[-1]


def bring(visitor: Visitor, folder: Path, name: str) -> None:
    """Pasted documents, a model of the Hub, and vectors of a name."""
    visitor.fill(Id.DATA_PASTED, "\n".join(TEXTS))
    assert "for you alone" in visitor.press(Id.DATA_EMBED)
    visitor.fill(Id.DATA_MODEL_NAME, MODEL)
    visitor.fill(Id.DATA_REORDERED, [])
    assert "Yours: hush-model" in visitor.press(Id.DATA_MODEL_ADD)
    np.save(folder / "vectors.npy", np.random.default_rng(1).standard_normal((len(TEXTS), 16)).astype(np.float32))
    visitor.upload(Id.DATA_VECTORS_FILE, folder / "vectors.npy")
    visitor.fill(Id.DATA_VECTORS_NAME, name)
    assert f"Yours: {name}" in visitor.press(Id.DATA_VECTORS_ADD)


def test_what_one_visitor_brings_another_neither_uses_nor_hears_of(served: Served, tmp_path: Path) -> None:
    first, second = Visitor(served.url, "first"), Visitor(served.url, "second")
    public = [arm.name for arm in served.lab.builder.menu.contenders()]
    bring(first, tmp_path, "hush-vectors")
    secrets = list(served.lab.builder.menu._private)
    (corpus,) = served.lab._shelf._kept
    first.fill(Id.DATA_ASKED_OF, corpus)
    first.fill(Id.DATA_QUESTION_TABLE, f'query,positive\nwhich hush plan has oven 3,"{TEXTS[3]}"')
    assert "which hush plan has oven 3" in first.press(Id.DATA_QUESTIONS_USE)
    assert len(served.lab.asked_private(corpus).queries) == 1
    assert len(secrets) == 2
    assert [arm.name for arm in served.lab.builder.menu.contenders()] == public

    second.fill(Id.RIGHT_ARM, "tuned")
    assert "hush" not in second.press(Id.DATA_VECTORS_ADD).lower()
    for call, given in (
        ("search", {"query": "bread", "arm": "hush-model", "dim": 8}),
        ("evaluate", {"arms": ["hush-model"]}),
        ("export", {"target": "numpy", "arm": "hush-model", "dim": 8}),
    ):
        told = second.ask(call, given)
        assert "There is no arm 'hush-model'" in told
        assert "hush-vectors" not in told and not any(secret in told for secret in secrets)
        second.told.pop()  # It says the name that was asked for, and no other.
    tools, (answer,) = talk_mcp(served.url, [("search", {"query": "bread", "arm": "hush-vectors", "dim": 8})])
    assert "hush" not in " ".join(str(tool) for tool in tools)
    assert answer.isError and "hush-model" not in answer.content[0].text
    for path in ("/gradio_api/info", "/healthz", "/metrics", "/gradio_api/mcp/schema"):
        second.told.append(second.client.get(path).text)
    assert not [told for told in second.told if "hush" in told.lower().replace(MODEL, "")]

    for secret in secrets:  # Even who has read it over a shoulder.
        assert "There is no arm" in second.ask("search", {"query": "bread", "arm": secret, "dim": 8})
        second.fill(Id.RIGHT_ARM, secret)
        assert "controls cannot hold what was sent" in second.press(Id.QUERY, "submit")
        assert "There is no corpus" in second.ask("search", {"query": "bread", "arm": "base", "corpus": corpus})


def test_methods_of_one_name_are_told_apart_and_other_visits_do_not_count(served: Served, tmp_path: Path) -> None:
    visitor = Visitor(served.url, "third")
    bring(visitor, tmp_path, "mine")
    visitor.upload(Id.DATA_VECTORS_FILE, tmp_path / "vectors.npy")
    assert "Yours: mine-2" in visitor.press(Id.DATA_VECTORS_ADD)
    assert "Yours: hush-model-2" in visitor.press(Id.DATA_MODEL_ADD)
    labels = [arm.label for arm in served.lab.builder.menu._private.values()]
    assert len(set(labels) - {"Yours: hush-model", "Yours: hush-vectors"}) == 3


def test_a_model_that_the_owner_does_not_list_or_the_hub_does_not_give_is_refused_in_a_line(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(served.url, "fourth")
    visitor.fill(Id.DATA_MODEL_NAME, "someone/else")
    assert "is not loaded on this public page: its owner lists those" in visitor.press(Id.DATA_MODEL_ADD)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    visitor.fill(Id.DATA_MODEL_NAME, f"{MODEL}@{'ab' * 20}")
    assert "127.0.0.1:9 did not give it" in visitor.press(Id.DATA_MODEL_ADD)
