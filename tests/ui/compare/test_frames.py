from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from mrl_demo.core.errors import LabError
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.compare.frames import FRAMES_PATH, MOST_LENGTHS, FrameRequest, ServeFrames, draw_frames
from mrl_demo.ui.compare.view import results_html
from tests.ui.samples import StubLab

ASKED = {"query": "how do bees talk", "corpus": "builtin", "arms": ["base", "tuned"], "dims": [8, 64]}


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(middleware=[Middleware(ServeFrames, lab=StubLab())]))


def test_a_frame_is_what_a_search_at_that_length_shows(lab: Lab) -> None:
    asked = FrameRequest.from_json(json.dumps(ASKED | {"corpus": "fruit", "arms": ["tiny"], "dims": [2, 32, 2]}))
    assert draw_frames(lab, asked) is None  # Nothing is built for the slider.
    lab.prepare("fruit", ["tiny"])
    lab.compare(asked.question.query, corpus="fruit", arms=["tiny"], dim=8)
    frames = draw_frames(lab, asked)
    assert frames is not None
    assert list(frames) == [2, 32]
    for dim, frame in frames.items():
        here = results_html(lab.compare(asked.question.query, corpus="fruit", arms=["tiny"], dim=dim))
        assert frame.count('class="card') == here.count('class="card')
        assert f'data-dim="{dim}"' in frame


def test_frames_come_packed_by_length(client: TestClient) -> None:
    answer = client.post(FRAMES_PATH, json=ASKED)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"8", "64"}
    assert 'data-dim="64"' in answer.json()["64"]


def test_frames_that_need_a_build_are_refused(client: TestClient) -> None:
    assert client.post(FRAMES_PATH, json=ASKED | {"corpus": "own"}).status_code == 204


@pytest.mark.parametrize(
    "change",
    [
        {"dims": [0]},
        {"dims": []},
        {"dims": [1] * (MOST_LENGTHS + 1)},
        {"dims": ["8"]},
        {"dims": [True]},
        {"dims": 8},
        {"arms": []},
        {"arms": ["base"] * 3},
        {"arms": [["base"]]},
        {"query": 3},
        {"corpus": None},
    ],
)
def test_odd_requests_are_refused_in_words(client: TestClient, change: dict[str, object]) -> None:
    answer = client.post(FRAMES_PATH, json=ASKED | change)
    assert answer.status_code == 400
    assert answer.json()["problem"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 20_000, b"1" * 9_000])
def test_what_is_no_request_is_refused(client: TestClient, body: bytes) -> None:
    assert client.post(FRAMES_PATH, content=body).status_code == 400
    with pytest.raises(LabError):
        FrameRequest.from_json(body)


def test_a_body_that_goes_on_and_on_is_cut_off(client: TestClient) -> None:
    assert client.post(FRAMES_PATH, content=b"x" * 40_000).status_code == 413


def test_everything_else_is_passed_on(client: TestClient) -> None:
    assert client.get(FRAMES_PATH).status_code == 404
    assert client.post("/elsewhere", json=ASKED).status_code == 404
