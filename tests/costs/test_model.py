from __future__ import annotations

import pytest

from mrl_demo.core.errors import LabError
from mrl_demo.costs.model import CUT, FULL, FUNNEL, Deployment, UnitPrices, compare_costs


def test_bytes_and_money_by_hand() -> None:
    deployment = Deployment(vectors=2**30, full_dim=384, dim=64, replicas=2, index_bytes=0, shortlist=100)
    costs = compare_costs(deployment, UnitPrices(memory_gib_month=1, disk_gb_month=0))
    memory = {way.way: way.memory_money for way in costs.ways}
    assert memory == {FULL: 2 * 1_536, CUT: 2 * 256, FUNNEL: 2 * 256}
    full, cut, funnel = costs.ways
    assert full.money == full.memory_money and cut.disk_bytes == 2 * 2**30 * 256
    assert funnel.disk_bytes == 2 * 2**30 * (256 + 1_536) and funnel.read_bytes == 100 * 1_536
    assert "6.0 times less" in costs.sentence()


def test_an_index_weighs_the_same_however_short_the_vectors() -> None:
    bare, indexed = (compare_costs(Deployment(index_bytes=size)).ways for size in (0, 136))
    assert [b.memory_bytes - a.memory_bytes for a, b in zip(bare, indexed, strict=True)] == [136_000_000] * 3


def test_rescoring_keeps_a_copy_on_disk() -> None:
    plain, rescored = (compare_costs(Deployment(precision=name)).ways[1] for name in ("binary", "binary+rescore"))
    assert rescored.memory_bytes == plain.memory_bytes and rescored.disk_bytes > plain.disk_bytes
    assert plain.read_bytes == 0 < rescored.read_bytes


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"memory_gib_month": float("nan")}, "memory_gib_month is nan"),
        ({"disk_gb_month": "much"}, "disk_gb_month is much"),
        ({"disk_gb_month": -0.1}, "disk_gb_month is -0.1"),
    ],
)
def test_a_price_that_is_none_is_named(wrong: dict[str, float], says: str) -> None:
    with pytest.raises(LabError, match=says):
        UnitPrices(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"vectors": 0}, {"replicas": -1}, {"dim": 400}, {"precision": "int7"}, {"index_bytes": -1}]
)
def test_what_cannot_be_deployed_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(LabError):
        Deployment(**wrong)  # type: ignore[arg-type]


def test_prices_have_a_source_and_free_ones_save_nothing() -> None:
    assert UnitPrices().source and UnitPrices().date
    assert "saves nothing" in compare_costs(Deployment(), UnitPrices(0, 0)).sentence()
    assert compare_costs(Deployment()).to_dict()["ways"][0]["money"] > 0
