from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.cli import main
from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.core.types import Document, FloatMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.lab.lab import Lab
from mrl_demo.maps import collection_map, layout
from mrl_demo.maps.groups import group_documents
from mrl_demo.maps.layout import lay_out
from mrl_demo.maps.neighbours import neighbours_kept
from mrl_demo.maps.page import map_page
from mrl_demo.search.prefix import PrefixIndex

NASTY = "</script><img src=x onerror=alert(1)>"


def clouds(each: int = 20, n: int = 3, d: int = 16, seed: int = 0) -> FloatMatrix:
    """Unit vectors in so many tight clouds, one after the other."""
    random = np.random.default_rng(seed)
    centres = np.repeat(random.normal(size=(n, d)), each, axis=0)
    return normalise((centres + 0.1 * random.normal(size=centres.shape)).astype(np.float32))


def mean_distance(places: FloatMatrix, rows: slice, others: slice) -> float:
    return float(np.linalg.norm(places[rows][:, None] - places[others][None], axis=2).mean())


def test_neighbours_stand_together_within_the_square_and_the_same_every_time() -> None:
    vectors = clouds()
    places = lay_out(vectors)
    assert places.min() >= 0 and places.max() <= 1
    own, other = slice(0, 20), slice(20, 40)
    assert mean_distance(places, own, own) < mean_distance(places, own, other)
    assert np.array_equal(places, lay_out(vectors))


def test_the_rest_join_the_landmarks_nearest_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "LANDMARKS", 30)
    places = lay_out(clouds())
    own, other = slice(40, 60), slice(0, 20)
    assert places.shape == (60, 2)
    assert mean_distance(places, own, own) < mean_distance(places, own, other)


@pytest.mark.parametrize("n", [2, 3, 7, 9])
def test_a_handful_of_documents_has_places_too(n: int) -> None:
    places = lay_out(clouds(1, n))
    assert places.shape == (n, 2) and np.isfinite(places).all()


@given(st.integers(2, 14), st.integers(0, 5))
def test_neighbours_are_those_that_sorting_finds(n: int, seed: int) -> None:
    vectors = clouds(1, n, 8, seed)
    kept = neighbours_kept(PrefixIndex(vectors), vectors, (2, 8))
    k = min(10, n - 1)

    def nearest(dim: int) -> list[set[int]]:
        scores = normalise(vectors[:, :dim]) @ normalise(vectors[:, :dim]).T
        np.fill_diagonal(scores, -np.inf)
        return [set(row) for row in np.argsort(-scores, axis=1, kind="stable")[:, :k].tolist()]

    full, short = nearest(8), nearest(2)
    assert kept[:, 1].tolist() == [k] * n
    assert kept[:, 0].tolist() == [len(a & b) for a, b in zip(full, short, strict=True)]


def test_equal_texts_are_each_others_neighbours() -> None:
    vectors = np.repeat(clouds(1, 1), 15, axis=0)
    assert neighbours_kept(PrefixIndex(vectors), vectors, (4, 16))[:, 1].tolist() == [10] * 15


def test_groups_are_the_owners_labels_or_clusters_named_by_their_words() -> None:
    labelled = [Document(str(i), "", "text", topic=("b", "a")[i % 2]) for i in range(6)]
    grouping = group_documents(labelled, clouds(2))
    assert (grouping.names, grouping.is_labelled) == (("a", "b"), True)
    assert grouping.group_of.tolist() == [1, 0] * 3
    words = ["kettle teapot brew", "engine piston valve", "violin cello bow"]
    bare = [Document(str(i), "", words[i // 30]) for i in range(90)]
    found = group_documents(bare, clouds(30))
    assert not found.is_labelled
    assert sorted(found.names) == sorted(", ".join(sorted(text.split())) for text in words)
    assert len(set(found.group_of[:30].tolist())) == 1
    assert group_documents(bare[:6], clouds(2)).names == ("all documents",)
    signs = [Document(str(i), "", "12 34") for i in range(60)]
    assert group_documents(signs, clouds()).names == ("group 1", "group 2")


def test_a_map_has_every_document_and_each_arm_at_every_length(lab: Lab) -> None:
    view = lab.map("fruit", ["tiny"], "when do bananas ripen")
    n = len(lab.corpus("fruit"))
    assert view.places.shape == (n, 2)
    assert view.dims[-1] == 32 and view.dims[0] == 2
    (side,) = view.sides
    assert side.kept.shape == (n, len(view.dims))
    assert side.kept[:, -1].tolist() == [n - 1] * n  # The full vector keeps all.
    assert len(side.tens) == len(view.dims) and view.documents[side.tens[-1][0]].id == "banana"
    raw = json.loads(json.dumps(view.to_dict()))
    assert raw["sides"][0]["kept"][-1] == "4" * n and len(raw["x"]) == n
    assert lab.map("fruit", ["tiny"]).sides[0].tens == ()


def test_what_takes_long_is_made_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection_map, "_FEW_POINTS", 0)
    assert not lab.is_mapped("fruit", ["tiny"])
    lab.prepare("fruit", ["tiny"])
    assert not lab.is_mapped("fruit", ["tiny"])
    first = lab.map("fruit", ["tiny"])
    assert lab.is_mapped("fruit", ["tiny"])
    monkeypatch.setattr(collection_map, "lay_out", None)
    monkeypatch.setattr(collection_map, "neighbours_kept", None)
    again = lab.map("fruit", ["tiny"])
    assert np.array_equal(first.places, again.places)
    assert np.array_equal(first.sides[0].kept, again.sides[0].kept)


def test_a_large_collection_is_a_sample_that_says_so(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection_map, "MOST_POINTS", 4)
    view = lab.map("fruit", ["tiny"])
    assert len(view.documents) == 4 and view.n_documents == 5
    assert "4 of 5 documents are on the map" in view.notes[-1]


def test_the_group_that_breaks_first_stands_on_top(lab: Lab) -> None:
    view = lab.map("fruit", ["tiny"])
    (side,) = view.sides
    (fate,) = side.fates(view.grouping, view.dims)
    assert fate.kept[-1] == 4.0  # All four others.
    assert fate.holds_from == view.dims[-1]


def test_a_bad_map_is_refused_in_words(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="two side by side, not 3"):
        lab.map("fruit", ["tiny"] * 3)
    (tmp_path / "one.csv").write_text("text\nonly this one\n")
    with pytest.raises(CorpusError, match="a map needs two or more"):
        lab.map(lab.add_corpus(tmp_path / "one.csv"), ["tiny"])


def test_the_page_is_whole_and_texts_in_it_are_data(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "nasty.csv").write_text(f"title,text\n{NASTY},Bees dance.\nTea,It is brewed.\n")
    page = map_page(lab.map(lab.add_corpus(tmp_path / "nasty.csv"), ["tiny"]))
    assert "<img" not in page and page.count("</script>") == 2
    assert "http" not in page.replace("http-equiv", "")
    data = page.split('id="data">')[1].split("</script>")[0]
    assert NASTY in json.loads(data)["titles"]


def test_the_command_writes_a_map_and_names_groups(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("title,text\n" + "\n".join(f"Chair {i},It has {i} legs." for i in range(12)))
    flags = ["--cache-dir", str(tmp_path / "cache"), "map", "--corpus", str(path), "--arms", "base"]
    assert main([*flags, "--out", str(tmp_path / "map.json"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "map.json").read_text(encoding="utf-8"))
    assert printed["groups"] == ["all documents"] and len(printed["x"]) == 12
    assert main([*flags, "--out", str(tmp_path / "map.png")]) == 2
    assert ".html or .json" in capsys.readouterr().err
