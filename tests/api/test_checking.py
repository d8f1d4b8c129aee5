from __future__ import annotations

import pytest

from mrl_demo.api.calls import CALLS
from mrl_demo.api.checking import check_arguments, parameters_of
from mrl_demo.api.limits import CallerLimit
from mrl_demo.core.errors import LabError
from mrl_demo.lab.lab import Lab


def test_every_argument_of_every_call_is_described_for_agents() -> None:
    for call in CALLS.values():
        words = call.__doc__ or ""
        for parameter in parameters_of(call):
            assert f"        {parameter.name}: " in words, f"{call.__name__} says nothing of {parameter.name}"


@pytest.mark.parametrize(
    ("call", "given", "named"),
    [
        ("search", {}, "query"),
        ("search", {"query": ""}, "query"),
        ("search", {"query": "x" * 20_001}, "query"),
        ("search", {"query": "q", "dim": [64]}, "dim"),
        ("search", {"query": "q", "dim": float("nan")}, "dim"),
        ("search", {"query": "q", "top_k": 10**9}, "top_k"),
        ("search", {"query": "q", "nothing": 1}, "nothing"),
        ("compare", {"query": "q", "arms": ["base"] * 10**6}, "arms"),
        ("compare", {"query": "q", "arms": {"base": 1}}, "arms"),
        ("evaluate", {"dims": list(range(1, 100))}, "dims"),
        ("evaluate", {"queries": -1}, "queries"),
        ("recommend", {"target": 2}, "target"),
        ("export", {}, "target"),
        ("threshold", {"cutoff": "nan"}, "cutoff"),
    ],
)
def test_arguments_out_of_bounds_are_refused_by_name_in_a_short_sentence(
    call: str, given: dict[str, object], named: str
) -> None:
    with pytest.raises(LabError, match=named) as refused:
        check_arguments(CALLS[call], given)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("search", {"query": "q", "arm": "OWNER/NAME"}),
        ("search", {"query": "q", "arm": "/etc"}),
        ("search", {"query": "q", "arm": "../../models"}),
        ("search", {"query": "q", "arm": "bge-base"}),
        ("compare", {"query": "q", "arms": ["tiny", "tiny+adapted"]}),
        ("search", {"query": "q", "arm": "tiny", "corpus": "/etc/passwd"}),
        ("evaluate", {"arms": ["OWNER/NAME"]}),
        ("recommend", {"reference": "/etc"}),
        ("export", {"target": "faiss", "arm": "file:///etc"}),
        ("export", {"target": "../x", "arm": "tiny"}),
        ("threshold", {"cutoff": 0.5, "full_arm": "OWNER/NAME"}),
    ],
)
def test_what_a_stranger_names_is_looked_up_and_never_loaded(
    name: str, given: dict[str, object], lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object) -> None:
        raise AssertionError("something was loaded")

    monkeypatch.setattr(lab, "add_arm", load)
    monkeypatch.setattr(lab.encoders, "add_model", load)
    monkeypatch.setattr(lab, "add_corpus", load)
    call = CALLS[name]
    with pytest.raises(LabError, match="There is no"):
        call(lab, **check_arguments(call, given))


def test_a_bucket_empties_and_fills_again_for_each_address_alone() -> None:
    now = 0.0
    limit = CallerLimit(6, clock=lambda: now)
    limit.take("a")
    limit.take("a")
    with pytest.raises(LabError, match="wait 10 s"):
        limit.take("a")
    limit.take("b")
    now = 10.0
    limit.take("a")
    with pytest.raises(LabError, match="wait 10 s"):
        limit.take("a")
