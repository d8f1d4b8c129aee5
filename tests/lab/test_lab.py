from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.core.errors import CorpusError, InvalidDimensionError, LabError, ModelError
from mrl_demo.corpora.questions.typed import clean_query
from mrl_demo.evaluation.sweeps.worst import holds_from
from mrl_demo.lab.lab import Lab

if TYPE_CHECKING:
    from conftest import HashingEncoder


def test_a_known_answer_is_found_and_marked(lab: Lab) -> None:
    found = lab.compare("ripen ethylene gas", corpus="fruit", arms=["tiny"], dim=32, top_k=3)
    result = found.arms[0].result
    assert result.hits[0].document.id == "banana"
    assert result.hits[0].is_answer
    assert (result.answer_rank, result.full_answer_rank, result.overlap_at_10) == (1, 1, 1.0)
    assert result.hits[0].move == 0
    assert result.bytes_per_vector == 128
    assert result.memory_for(1_000_000) == 128_000_000


def test_moves_are_against_the_arms_own_full_ranking(lab: Lab) -> None:
    full = lab.compare("winter wine", corpus="fruit", arms=["tiny"], dim=32, top_k=5).arms[0].result
    rank_of = {hit.document.id: hit.rank for hit in full.hits}
    short = lab.compare("winter wine", corpus="fruit", arms=["tiny"], dim=2, top_k=5).arms[0].result
    assert all(hit.full_rank == rank_of[hit.document.id] for hit in short.hits)
    assert any(hit.move for hit in short.hits)


def test_the_slider_encodes_nothing_again(lab: Lab, encoder: HashingEncoder) -> None:
    lab.compare("ripe fruit", corpus="fruit", arms=["tiny"], dim=32)
    before = len(encoder.encoded)
    for dim in range(1, 33):
        lab.compare("ripe fruit", corpus="fruit", arms=["tiny"], dim=dim)
    assert len(encoder.encoded) == before


def test_vectors_survive_the_process(lab: Lab, beir_folder: Path, encoder: HashingEncoder) -> None:
    lab.prepare("fruit", ["tiny"])
    encoder.encoded.clear()
    second = Lab(lab.settings)
    second.encoders.add("tiny", encoder)
    second.add_corpus(beir_folder)
    second.prepare("fruit", ["tiny"])
    assert encoder.encoded == []


def test_a_damaged_cache_file_is_encoded_again(lab: Lab, beir_folder: Path, encoder: HashingEncoder) -> None:
    lab.prepare("fruit", ["tiny"])
    stored = list((lab.settings.cache_dir / "vectors").rglob("*.safetensors"))
    assert len(stored) == 1
    stored[0].write_bytes(stored[0].read_bytes()[:50])
    second = Lab(lab.settings)
    second.encoders.add("tiny", encoder)
    second.add_corpus(beir_folder)
    assert second.compare("wasps", corpus="fruit", arms=["tiny"], dim=32).arms[0].result.hits[0].document.id == "fig"


def test_an_unwritable_cache_costs_nothing_but_time(lab: Lab, beir_folder: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be", encoding="utf-8")
    lab.builder.cache = type(lab.builder.cache)(blocked, tmp_path)
    assert lab.compare("wasps", corpus="fruit", arms=["tiny"], dim=8).arms[0].result.hits


def test_many_visitors_get_the_same_answers(lab: Lab) -> None:
    def ask(i: int) -> list[str]:
        found = lab.compare(f"fruit {i % 5}", corpus="fruit", arms=["tiny"], dim=1 + i % 32)
        return [hit.document.id for hit in found.arms[0].result.hits]

    alone = [ask(i) for i in range(60)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(60))) == alone


@pytest.mark.parametrize("dim", [0, -5, 33, "wide"])
def test_a_bad_dimension_is_refused_with_the_range(lab: Lab, dim: object) -> None:
    with pytest.raises(InvalidDimensionError, match="1 to 32"):
        lab.compare("x", corpus="fruit", arms=["tiny"], dim=dim)


def test_unknown_names_are_answered_with_those_there_are(lab: Lab) -> None:
    with pytest.raises(CorpusError, match=r"'nope'.*builtin.*fruit"):
        lab.compare("x", corpus="nope", arms=["tiny"], dim=8)
    with pytest.raises(ModelError, match=r"'nope'.*base.*tiny"):
        lab.compare("x", corpus="fruit", arms=["nope"], dim=8)


@pytest.mark.parametrize(
    "text",
    ["a", "🙂🙂🙂", "שלום עולם", "<script>alert(1)</script>", "‮reversed", "naïve café", "\U0010ffff", "a\ud800b"],
)
def test_unusual_queries_are_searched(lab: Lab, text: str) -> None:
    assert len(lab.compare(text, corpus="fruit", arms=["tiny"], dim=8).arms[0].result.hits) == 5


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x00\x01\x02", None])
def test_an_empty_query_gets_a_hint(lab: Lab, text: str) -> None:
    with pytest.raises(LabError, match="Type a question"):
        lab.compare(text, corpus="fruit", arms=["tiny"], dim=8)


def test_a_long_query_is_cut_and_said() -> None:
    cleaned = clean_query("word " * 20_000, 2_000)
    assert len(cleaned.text) <= 2_000
    assert "2,000" in cleaned.note
    assert clean_query("short", 2_000).note == ""


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [([9, 4, 2, 1], 8), ([1, 1, 1, 1], 4), ([1, 9, 1, 1], 16), ([1, 1, 1, 9], None), ([9, 9, 9, 5], 32)],
)
def test_a_query_holds_from_the_smallest_length_without_a_later_fall(ranks: list[int], expected: int | None) -> None:
    assert holds_from(ranks, (4, 8, 16, 32), 5) == expected


def test_rank_paths_follow_the_answer_or_the_first(lab: Lab) -> None:
    judged = lab.compare("wasps pollinate", corpus="fruit", arms=["tiny"], dim=8).arms[0].paths
    free = lab.compare("anything else", corpus="fruit", arms=["tiny"], dim=8).arms[0].paths
    assert (judged.tracked, free.tracked) == ("answer", "top")
    assert judged.ranks.shape == (len(judged.indices), len(judged.dims))
    assert free.ranks[0, -1] == 1


def test_random_and_fitted_arms_keep_full_dimension_scores(lab: Lab, encoder: HashingEncoder) -> None:
    from mrl_demo.adapt.rotation import random_permutation

    documents = encoder.encode_documents([doc.content for doc in lab.corpus("fruit").documents])
    turned = random_permutation(32, seed=3).apply(documents)
    np.testing.assert_allclose(turned @ turned.T, documents @ documents.T, atol=1e-5)
    assert not np.allclose(turned, documents)


def test_an_answer_as_plain_json_says_what_the_objects_say(lab: Lab) -> None:
    comparison = lab.compare("ripen ethylene gas", corpus="fruit", arms=["tiny", "tiny"], dim=4, top_k=2)
    plain = json.loads(json.dumps(comparison.to_dict()))
    assert (plain["query"], plain["corpus"], plain["dim"], len(plain["arms"])) == ("ripen ethylene gas", "fruit", 4, 2)
    side, arm = comparison.arms[0], plain["arms"][0]
    assert [hit["id"] for hit in arm["hits"]] == [hit.document.id for hit in side.result.hits]
    assert (arm["arm"], arm["full_dim"], arm["bytes_per_vector"]) == ("tiny", 32, 16)
    assert [document["ranks"] for document in arm["paths"]["documents"]] == side.paths.ranks.tolist()
    assert arm["paths"]["holds_from"] == side.paths.holds_from


def test_a_suffix_turns_any_model_and_what_has_no_vectors_is_refused(lab: Lab) -> None:
    names = [lab.add_arm(name) for name in ("tiny", "tiny+pca", "tiny+random")]
    sides = lab.compare("wasps pollinate", corpus="fruit", arms=names, dim=32).arms
    assert [side.spec.name for side in sides] == names
    assert len({round(side.result.hits[0].score, 4) for side in sides}) == 1  # A rotation keeps full-length scores.
    with pytest.raises(ModelError, match="'bm25' has no vectors"):
        lab.compare("wasps", corpus="fruit", arms=["bm25"], dim=8)


@pytest.mark.parametrize("name", ["bge-base", "someone/model", "tiny+adapted", "base+adapted+adapted", "/etc"])
def test_what_nobody_put_on_the_menu_is_refused_and_nothing_is_loaded(lab: Lab, name: str) -> None:
    with pytest.raises(ModelError, match=f"There is no arm {re.escape(repr(name))}: choose one of base.*tiny"):
        lab.compare("wasps", corpus="fruit", arms=[name], dim=8)


def test_no_arm_and_no_results_are_refused(lab: Lab) -> None:
    with pytest.raises(ModelError, match=r"No arm is named.*base.*tiny"):
        lab.compare("x", corpus="fruit", arms=[], dim=8)
    with pytest.raises(LabError, match="cannot show 0 results"):
        lab.compare("x", corpus="fruit", arms=["tiny"], dim=8, top_k=0)


def test_a_persons_files_never_take_a_name_of_the_house_or_of_each_other(lab: Lab, tmp_path: Path) -> None:
    paths = []
    for folder, name in (("a", "builtin.csv"), ("a", "speed.csv"), ("a", "c++.csv"), ("a", "my.notes.csv"),
                         ("b", "my.notes.CSV")):  # fmt: skip
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"text\nBees in {folder}\n", encoding="utf-8")
        paths.append(path)
    names = [lab.add_corpus(path) for path in paths]
    assert names == ["builtin-2", "speed-2", "c++", "my.notes", "my.notes-2"]
    assert lab.add_corpus(paths[3]) == "my.notes"
    assert len(lab.corpus("builtin")) == 2_400
    assert lab.corpus("my.notes-2").documents[0].text == "Bees in b"
    found = lab.compare("bees", corpus="c++", arms=["tiny"], dim=8)
    assert found.corpus == "c++" and found.arms[0].result.hits[0].document.text == "Bees in a"


def test_what_was_done_to_the_documents_is_said_with_every_comparison(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "gaps.csv"
    path.write_text('text\nBees dance\n""\n', encoding="utf-8")
    found = lab.compare("bees", corpus=lab.add_corpus(path), arms=["tiny"], dim=8)
    assert [(note.kind, note.count, note.place) for note in found.corpus_notes] == [
        ("empty-document", 1, "gaps.csv, line 3")
    ]
    assert json.loads(json.dumps(found.to_dict()))["corpus_notes"][0]["count"] == 1


def test_queries_with_one_text_share_their_known_answers(lab: Lab) -> None:
    folder = CODE_ROOT / "tests" / "cases" / "07" / "dupq"
    found = lab.compare("a thing", corpus=lab.add_corpus(folder), arms=["tiny"], dim=32, top_k=4)
    assert {hit.document.id for hit in found.arms[0].result.hits if hit.is_answer} == {"d1", "d2"}


def test_the_first_look_loads_no_model_and_shows_what_a_search_shows(settings: Settings) -> None:
    lab = Lab(settings)
    asked: dict[str, Any] = {
        "query": lab.examples("builtin")[0].text,
        "corpus": "builtin",
        "arms": ["base", "tuned"],
        "dim": 64,
    }
    first = lab.first_look(**asked)
    assert all(lab.encoders.encoder(name)._model is None for name in ("minilm", "tuned"))
    assert [side.result.encode_ms for side in first.arms] == [None, None]
    searched = lab.compare(**asked)
    for side, other in zip(first.arms, searched.arms, strict=True):
        assert [hit.index for hit in side.result.hits] == [hit.index for hit in other.result.hits]
        assert [hit.score for hit in side.result.hits] == pytest.approx(
            [hit.score for hit in other.result.hits], abs=3e-4
        )
        assert other.result.encode_ms is not None
    assert lab.first_look(**asked | {"query": "never asked before"}).arms[0].result.encode_ms is not None
