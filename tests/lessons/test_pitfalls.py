"""Every mistake costs what it says, computed here a second time by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.arms.transforms.base import Identity
from mrl_demo.cli import main
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.vectors import normalise
from mrl_demo.lab.lab import Lab
from mrl_demo.lessons.pitfalls import PITFALLS, CutSearch, find_pitfall, one_search, rank_both_ways

RNG = np.random.default_rng(2)
DOCUMENTS = normalise((RNG.normal(size=(300, 16)) / np.arange(1, 17)).astype(np.float32))
QUERIES = normalise(DOCUMENTS[:20] + 0.1 * RNG.normal(size=(20, 16)).astype(np.float32))
SEARCH = CutSearch(QUERIES, DOCUMENTS, QUERIES[::-1], Identity(), 4)


def by_hand(name: str, query: int) -> np.ndarray:
    q, d = QUERIES[query], DOCUMENTS
    unit = d[:, :4] / np.linalg.norm(d[:, :4], axis=1, keepdims=True)
    own = q[:4] / np.linalg.norm(q[:4])
    low, step = unit.min(axis=0), (unit.max(axis=0) - unit.min(axis=0)) / 255
    uncut_low, uncut_step = d[:, :4].min(axis=0), (d[:, :4].max(axis=0) - d[:, :4].min(axis=0)) / 255
    read = low + (np.floor((unit - low) / step).clip(0, 255) + 0.5) * step
    narrow = uncut_low + (np.floor((unit - uncut_low) / uncut_step).clip(0, 255) + 0.5) * uncut_step
    own_codes = np.floor((own - own.min()) / ((own.max() - own.min()) / 255)).clip(0, 255)
    last = q[::-1][:4] / np.linalg.norm(q[::-1][:4])
    other = QUERIES[::-1][query][:4]
    return {
        "unnormalised": d[:, :4] @ q[:4],
        "cut-apart": unit @ last,
        "prompt": unit @ (other / np.linalg.norm(other)),
        "query-range": read @ (low + (own_codes + 0.5) * step),
        "range-before-cut": narrow @ own,
    }[name]


@pytest.mark.parametrize("name", [pitfall.name for pitfall in PITFALLS])
def test_a_pitfall_does_what_it_says_and_nothing_else(name: str) -> None:
    unit = DOCUMENTS[:, :4] / np.linalg.norm(DOCUMENTS[:, :4], axis=1, keepdims=True)
    changed = 0
    for query in range(20):
        one = CutSearch(QUERIES[query : query + 1], DOCUMENTS, SEARCH.prompted[query : query + 1], Identity(), 4)
        both = rank_both_ways(one, name)
        own = QUERIES[query][:4] / np.linalg.norm(QUERIES[query][:4])
        assert [score for _, score in both.right] == pytest.approx(np.sort(unit @ own)[::-1][:5], abs=1e-5)
        assert [score for _, score in both.wrong] == pytest.approx(np.sort(by_hand(name, query))[::-1][:5], abs=1e-4)
        changed += [row for row, _ in both.right] != [row for row, _ in both.wrong]
    assert changed > 2, "a mistake that changes nothing teaches nothing"


def test_an_unknown_pitfall_names_the_known() -> None:
    with pytest.raises(LabError, match="choose one of unnormalised, cut-apart"):
        find_pitfall("sloppy")


@pytest.mark.real_model
def test_the_damage_on_the_built_in_set_is_real(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pitfalls", "--arm", "base", "--dim", "32", "--queries", "60", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    effects = {effect["pitfall"]["name"]: effect for effect in report["effects"]}
    assert {name for name, effect in effects.items() if effect["difference"]["high"] < 0} >= {
        "unnormalised",
        "cut-apart",
        "prompt",
    }
    assert report["threshold"]["strangers_before"] == pytest.approx(0.01, abs=1e-3)
    assert report["threshold"]["strangers_after"] > 0.02


@pytest.mark.real_model
def test_own_documents_without_judgements_say_agreement(tmp_path: Path) -> None:
    shop = tmp_path / "shop.csv"
    rows = [f"{colour} {thing},A {colour} {thing}." for colour in ("red", "blue") for thing in ("chair", "lamp", "rug")]
    shop.write_text("\n".join(["title,text", *rows]), encoding="utf-8")
    lab = Lab(Settings(cache_dir=tmp_path / "cache"))
    corpus = lab.corpus(lab.add_corpus(shop))
    both = rank_both_ways(one_search(lab.builder, corpus, lab.builder.menu.find("base"), "a red lamp", 16), "cut-apart")
    assert corpus.documents[both.right[0][0]].title == "red lamp"
