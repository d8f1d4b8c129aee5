"""A model reads as many tokens as it says itself, and texts it does not read whole are counted and said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mrl_demo import cli
from mrl_demo.core.config import Settings
from mrl_demo.core.types import CutTexts
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.registry import EncoderRegistry
from mrl_demo.models.specs import ModelOptions
from tests.models.zoo import WORDS, ZOO


def add(folder: Path, options: ModelOptions | None = None) -> SentenceEncoder:
    registry = EncoderRegistry(Settings(device="cpu"))
    encoder = registry.encoder(registry.add_model(str(folder), options=options or ModelOptions()))
    assert isinstance(encoder, SentenceEncoder)
    return encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ZOO["mean"](tmp_path_factory.mktemp("models") / "mine")  # It reads 32 tokens, two of them special.


def words(count: int) -> str:
    return " ".join(WORDS[i % len(WORDS)] for i in range(count))


def test_a_text_counts_as_cut_from_its_first_token_that_is_not_read(folder: Path) -> None:
    encoder = add(folder)
    assert encoder.count_cut([words(30)], "document") == CutTexts()
    assert encoder.count_cut([words(31)], "document") == CutTexts(1, 32)
    assert encoder.count_cut([words(31), "moon", words(31), words(400)], "query") == CutTexts(3, 32)
    assert encoder.count_cut([], "query") == CutTexts()


def test_the_prompt_takes_its_share_of_the_limit(folder: Path) -> None:
    encoder = add(folder, ModelOptions(document_prompt="text : "))
    assert encoder.count_cut([words(29)], "document") == CutTexts(1, 32)
    assert encoder.count_cut([words(29)], "query") == CutTexts()


def test_a_long_model_reads_to_its_own_end(tmp_path: Path) -> None:
    """Not to 256 or 512 tokens: texts that differ in their last word alone differ, until the limit."""
    encoder = add(ZOO["long"](tmp_path / "long"))
    for count, is_read in ((250, True), (254, True), (255, False)):
        texts = [f"{words(count - 1)} bread", f"{words(count - 1)} moon"]
        rows = encoder.encode_documents(texts)
        assert (np.abs(rows[0] - rows[1]).max() > 1e-4) == is_read
        assert encoder.count_cut(texts, "document") == (CutTexts() if is_read else CutTexts(2, 256))


def test_a_model_without_a_limit_cuts_nothing(tmp_path: Path) -> None:
    assert add(ZOO["static"](tmp_path / "static")).count_cut([words(5_000)], "document") == CutTexts()


def test_each_branch_of_a_router_has_its_own_limit(tmp_path: Path) -> None:
    encoder = add(ZOO["router"](tmp_path / "router"))
    assert encoder.count_cut([words(40)], "query").count == 1
    assert encoder.count_cut([words(40)], "document").count == 0
    assert encoder.count_cut([words(50)], "document").count == 1


def test_the_command_line_says_how_many_texts_were_cut(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """When they are encoded, and again when their vectors come from the cache."""
    corpus = tmp_path / "corpus.jsonl"
    rows = [{"id": str(i), "text": words(10 + 30 * (i % 2))} for i in range(5)]
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = ["--corpus", str(corpus), "--cache-dir", str(tmp_path / "cache")]
    said = "2 of 5 documents are longer than the 32 tokens that mine reads: the rest of each is not searched."
    for _ in range(2):
        assert cli.main(["search", "bread", "--arm", str(folder), "--dim", "8", *command]) == 0
        assert said in capsys.readouterr().out
    long_query = words(40)
    assert cli.main(["search", long_query, "--arm", str(folder), "--dim", "8", *command]) == 0
    assert "The query is longer than the 32 tokens that mine reads" in capsys.readouterr().out
