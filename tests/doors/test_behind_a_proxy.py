"""A page with a password behind a proxy that serves it under a path of its own: to people, programs and agents."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import httpx
import pytest
from gradio_client import Client

from mrl_demo.core.config import Settings
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.app import build_app, launch
from tests.conftest import FRUIT, HashingEncoder
from tests.ui.conftest import free_port
from tests.ui.pages import talk_mcp
from tests.ui.test_sub_path import PREFIX, proxy

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
BASIC = {"authorization": f"Basic {base64.b64encode(b'guest:open sesame').decode()}"}
ASKED = {"query": "wasps pollinate", "arm": "tiny", "dim": 16, "corpus": "fruit", "top_k": 1}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the proxy shows the page."""
    folder = tmp_path_factory.mktemp("proxy")
    rows = [json.dumps({"_id": key, "title": title, "text": text}) for key, title, text in FRUIT]
    (folder / "fruit.jsonl").write_text("\n".join(rows) + "\n")
    settings = Settings(
        cache_dir=folder / "cache", port=free_port(), root_path=PREFIX, password="guest:open sesame",  # noqa: S106
        training_enabled=False,
    )  # fmt: skip
    lab = Lab(settings)
    lab.encoders.add("tiny", HashingEncoder())
    page = build_app(lab, lab.add_corpus(folder / "fruit.jsonl"))
    launch(page, settings)
    with proxy(f"http://127.0.0.1:{settings.port}") as shown:
        yield shown
    page.close()


def test_nothing_but_health_is_shown_without_the_password(address: str) -> None:
    for path in ("", "config", "gradio_api/info", "gradio_api/mcp/", "gradio_api/call/v2/search", "slider-frames"):
        for answer in (httpx.get(address + path), httpx.post(address + path, json={})):
            assert answer.status_code == 401, path
            assert "fruit" not in answer.text
    assert httpx.get(f"{address}healthz").text == "ok\n"
    assert httpx.get(f"{address}metrics", headers=BASIC).status_code == 404  # The proxy's own line.


def test_with_it_the_page_points_at_its_own_path(address: str) -> None:
    answer = httpx.get(address, headers=BASIC)
    assert answer.status_code == 200
    config = httpx.get(f"{address}config", headers=BASIC).json()
    assert config["root"].endswith(PREFIX)
    assert f'"{address.rstrip("/")}' in answer.text or f"{PREFIX}/" in answer.text


def test_programs_and_agents_give_it_as_a_header(address: str) -> None:
    event = httpx.post(f"{address}gradio_api/call/v2/search", json=ASKED, headers=BASIC).json()["event_id"]
    text = httpx.get(f"{address}gradio_api/call/search/{event}", headers=BASIC, timeout=20).text
    (by_http,) = json.loads(text.split("data: ", 1)[1].splitlines()[0])
    by_client = Client(address, headers=BASIC, verbose=False).predict(**ASKED, api_name="/search")
    _, (by_agent,) = talk_mcp(address, [("search", ASKED)], BASIC)
    for answer in (by_http, by_client, json.loads(by_agent.content[0].text)):
        assert answer["arms"][0]["hits"][0]["id"] == "fig"
