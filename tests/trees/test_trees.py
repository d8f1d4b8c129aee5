"""A tree of ever longer prefixes: clusters with their labels, a question's path, on anybody's documents."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from mrl_demo.arms.names import resolve_arm
from mrl_demo.cli import main
from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.lab.lab import Lab
from mrl_demo.trees.prefix_tree import PrefixTree, _cluster
from mrl_demo.trees.report import path_words, tree_report

KINDS = {"fruit": ("apple", "pear", "fig"), "tools": ("saw", "axe", "file"), "birds": ("owl", "jay", "wren")}


def write_shelf(folder: Path, labels: str = "paths") -> Path:
    """90 documents in three domains of three topics: labels as paths, as two columns, or none."""
    rows = []
    for domain, topics in KINDS.items():
        for topic in topics:
            for number in range(10):
                text = f"{domain} {domain} {topic} note{number}"
                label = {"paths": {"label": f"{domain}/{topic}"}, "columns": {"kind": domain, "label": topic}}
                rows.append({"id": f"{topic}-{number}", "text": text, **label.get(labels, {})})
    path = folder / "shelf.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture
def shelf(lab: Lab, tmp_path: Path) -> str:
    return lab.add_corpus(write_shelf(tmp_path))


def nodes(tree: PrefixTree) -> list[int]:
    return [node.size for node in tree.children]


def test_every_floor_holds_every_document_once_and_children_are_parts_of_their_parent(lab: Lab, shelf: str) -> None:
    tree = lab.tree(shelf, "tiny", dims=(4, 16, 32))
    assert sum(nodes(tree)) == 90 and len(tree.children) == 3
    for node in tree.children:
        below = [row for child in node.children for row in child.rows]
        assert not below or sorted(below) == sorted(node.rows)
    assert [floor.dim for floor in tree.floors] == [4, 16, 32]
    assert all(0 < share <= 1 for floor in tree.floors for share in floor.purity.values())


def test_labels_put_domains_into_the_first_numbers(lab: Lab, shelf: str) -> None:
    arm = resolve_arm("tiny+hierarchical", lab.builder.menu)
    lab.builder.menu.add(arm)
    plain, ordered = (lab.tree(shelf, name, dims=(4, 16)) for name in ("tiny", "tiny+hierarchical"))
    assert ordered.floors[0].purity["domain"] == 1.0 >= plain.floors[0].purity["domain"]
    assert {node.name for node in ordered.children} == set(KINDS)


def test_a_question_goes_down_to_what_it_is_about_and_says_where_its_document_is_lost(lab: Lab, shelf: str) -> None:
    tree = lab.tree(shelf, "tiny", "apple note3 fruit", dims=(16, 32))
    assert (tree.path[0].dim, tree.path[0].name) == (16, "fruit")
    assert path_words(tree).startswith("tiny: “apple note3 fruit” goes 16: fruit")
    assert tree.best is not None and tree.documents[tree.best].id == "apple-3"
    assert set(tree.reached) <= set(tree.children[tree.path[0].place].rows)
    assert (tree.parts_at is None) == (tree.best in tree.reached)


def test_the_terminal_shows_what_each_length_knows_and_the_clusters(lab: Lab, shelf: str) -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(tree_report([lab.tree(shelf, "tiny", "apple fruit", dims=(4, 16))], depth=2))
    told = console.export_text()
    for words in ("90 documents", "4 numbers", "fruit,", "(16 numbers)", "“apple fruit” goes"):
        assert words in told, told


def test_a_collection_without_labels_is_named_by_its_words(lab: Lab, tmp_path: Path) -> None:
    tree = lab.tree(lab.add_corpus(write_shelf(tmp_path, "none")), "tiny", dims=(8,))
    assert tree.fields == () and tree.floors[0].purity == {}
    assert {word for node in tree.children for word in node.name.split(", ")} & set(KINDS)


def test_what_makes_no_tree_says_why(lab: Lab, shelf: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="0 lengths make no tree"):
        lab.tree(shelf, "tiny", dims=())
    with pytest.raises(LabError, match="Dimension 99"):
        lab.tree(shelf, "tiny", dims=(99,))
    (tmp_path / "one.txt").write_text("alone\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="1 documents: a tree needs two"):
        lab.tree(lab.add_corpus(tmp_path / "one.txt"), "tiny")
    lab.builder.menu.add(resolve_arm("tiny+hierarchical", lab.builder.menu))
    with pytest.raises(CorpusError, match="no labels to learn from"):
        lab.tree("fruit", "tiny+hierarchical")


def test_equal_documents_are_one_cluster() -> None:
    same: FloatMatrix = normalise(np.ones((12, 4), np.float32))
    group_of, centres = _cluster(same, 3, seed=0)
    assert set(group_of.tolist()) == {0} and centres.shape == (1, 4)


@pytest.mark.real_model
def test_the_command_line_reads_two_label_columns_and_follows_a_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_shelf(tmp_path, "columns")
    own = ["--corpus", str(path), "--domain-column", "kind", "--cache-dir", str(tmp_path / "cache")]
    asked = ["tree", "--arms", "base,base+hierarchical", "--dims", "4,16", "--query", "a pear", *own]
    assert main([*asked, "--json"]) == 0
    plain, ordered = json.loads(capsys.readouterr().out)
    assert ordered["labels"] == ["domain", "topic"] and ordered["path"][0]["name"] == "fruit"
    assert ordered["floors"][0]["purity"]["domain"] >= plain["floors"][0]["purity"]["domain"]
