"""Pictures of links: which one is drawn, how often, and when it is the page's own instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from mrl_demo.ui.share.desk import CardDesk, RateLimit, front_card
from mrl_demo.ui.share.serving import ServeCards
from tests.ui.samples import NASTY, StubLab


class CountingLab(StubLab):
    """Counts the cards that are drawn."""

    drawn = 0
    where: Mapping[str, str] | None = None

    def share_card(
        self,
        query: str,
        *,
        corpus: str,
        arms: Sequence[str],
        dim: object,
        address: str = "",
        where: Mapping[str, str] | None = None,
    ) -> bytes:
        self.drawn, self.where = self.drawn + 1, where
        return super().share_card(query, corpus=corpus, arms=arms, dim=dim, address=address, where=where)


def test_a_link_s_picture_is_drawn_once_and_of_what_it_says() -> None:
    lab = CountingLab()
    desk = CardDesk(lab)
    for _ in range(3):
        picture = desk.picture("q=bees&dim=8&left=tuned", "https://x.example/")
        assert picture.is_own
        assert picture.png == b"card of bees at 8, https://x.example/"
    assert lab.drawn == 1


def test_a_link_to_a_part_is_drawn_of_that_part() -> None:
    lab = CountingLab()
    assert CardDesk(lab).picture("q=bees&part=topic%3Dhoneybees").is_own
    assert lab.where == {"topic": "honeybees"}
    assert not CardDesk(lab).picture("q=bees&part=colour%3Dred").is_own


def test_what_a_link_leaves_out_or_gets_wrong_is_as_on_the_page() -> None:
    link = CardDesk(StubLab()).link("dim=16&left=nobody&corpus=/etc")
    assert link is not None
    assert (link.q, link.corpus, link.left, link.dim) == ("builtin question 0", "builtin", "base", 16)


@pytest.mark.parametrize(
    "query",
    ["", "tab=curves", "q=bees&corpus=own", "q=", "q=broken", "q=bug", "&".join(["q=1"] * 500), "q=%ff%fe" + "&" * 99],
)
def test_without_a_picture_of_its_own_a_link_gets_the_page_s(query: str) -> None:
    lab = CountingLab()
    picture = CardDesk(lab).picture(query)
    assert picture.png == front_card() or query.startswith("q=%ff")
    assert "own" not in query or not lab.drawn  # Nothing is built for a picture.


def test_more_pictures_than_the_limit_are_the_page_s_until_time_passes() -> None:
    now = [0.0]
    desk = CardDesk(StubLab(), limit=RateLimit(burst=2, seconds=2.0, clock=lambda: now[0]))
    assert [desk.picture(f"q={i}").is_own for i in range(4)] == [True, True, False, False]
    assert desk.picture("q=0").is_own  # That one is kept.
    now[0] = 2.0
    assert [desk.picture(f"q={i}").is_own for i in (4, 5)] == [True, False]


def test_the_number_of_pictures_kept_is_bounded() -> None:
    lab = CountingLab()
    desk = CardDesk(lab, limit=RateLimit(burst=10_000, seconds=1.0))
    for i in range(200):
        desk.picture(f"q={i}")
    assert desk.picture("q=199").is_own
    desk.picture("q=0")
    assert lab.drawn == 201


def test_pictures_are_served_beside_the_page_and_nothing_else_is_touched() -> None:
    app = Starlette(middleware=[Middleware(ServeCards, desk=CardDesk(StubLab()))])
    client = TestClient(app, base_url="https://lab.example")
    answer = client.get(f"/card.png?{urlencode({'q': NASTY, 'dim': '99'})}")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-card"] == "own"
    assert answer.content.endswith(b"at 99, https://lab.example/")
    assert client.get("/card.png").content == front_card()
    assert client.get("/card.png").headers["x-card"] == "front"
    assert client.head("/card.png").status_code == 200
    assert client.post("/card.png").status_code == 404
    assert client.get("/other.png").status_code == 404
