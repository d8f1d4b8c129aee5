"""Shared stand-ins: a tiny encoder that needs no weights, a lab over it, and a collection of a few documents."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from xdist.scheduler import LoadScopeScheduling

from mrl_demo.core.process import prepare_process

prepare_process()  # As every entry point: before torch comes, whose waiting threads would spin and starve each other.

from mrl_demo.core.config import Settings  # noqa: E402
from mrl_demo.core.types import NOTHING_CUT, CutTexts, FloatMatrix, Progress, TextTask  # noqa: E402
from mrl_demo.core.vectors import normalise  # noqa: E402
from mrl_demo.lab.lab import Lab  # noqa: E402

# No example fails for being slow: others may use the processor. The profile "thorough" tries eight times as many.
hypothesis.settings.register_profile("usual", max_examples=100, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=800, deadline=None)
hypothesis.settings.load_profile("usual")

FRUIT = (
    ("apple", "Apple trees", "An apple tree needs winter cold before it flowers in spring."),
    ("banana", "Bananas", "Bananas ripen after picking because they give off ethylene gas."),
    ("cherry", "Cherries", "Birds eat cherries as soon as the fruit turns red on the branch."),
    ("fig", "Figs", "A fig is an inverted flower that tiny wasps enter to pollinate."),
    ("grape", "Grapes", "Grapes left on the vine into winter make a sweet dessert wine."),
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """With several workers (`-n 2`) a folder stays with one of them, and so do the fixtures that it shares.

    Whatever starts the page or a browser is one group: two of those at once would only slow each other down.
    """
    return FolderScheduling(config, log)


class FolderScheduling(LoadScopeScheduling):
    """Gives a worker all tests of a folder."""

    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.removeprefix("tests/").split("/")[0]
        return "page" if folder in {"ui", "doors"} else folder


class HashingEncoder:
    """Words hashed into `(n, 32)` float32 unit rows: texts that share words are near, and nothing is loaded."""

    dimension = 32
    document_precision = "float32"
    fingerprint = "hashing-encoder-1"

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        self.encoded.extend(texts)
        return normalise(np.stack([self._vector(text) for text in texts]).astype(np.float32))

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        if progress:
            progress(1.0, "done")
        return self.encode_queries(texts)

    def count_cut(self, texts: Sequence[str], task: TextTask) -> CutTexts:
        return NOTHING_CUT

    def _vector(self, text: str) -> FloatMatrix:
        vector = np.zeros(self.dimension, dtype=np.float32)
        for word in text.lower().replace(".", " ").split():
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "little")
            vector += np.random.default_rng(seed).standard_normal(self.dimension).astype(np.float32)
        return vector


@pytest.fixture
def encoder() -> HashingEncoder:
    return HashingEncoder()


@pytest.fixture
def beir_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "fruit"
    folder.mkdir()
    rows = [json.dumps({"_id": key, "title": title, "text": text}) for key, title, text in FRUIT]
    (folder / "corpus.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    queries = [{"_id": "q1", "text": "ripen ethylene gas"}, {"_id": "q2", "text": "wasps pollinate"}]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)) + "\n", encoding="utf-8")
    qrels = "query-id\tcorpus-id\tscore\nq1\tbanana\t1\nq2\tfig\t1\n"
    (folder / "qrels.tsv").write_text(qrels, encoding="utf-8")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), cache_dir=tmp_path / "cache")


@pytest.fixture
def lab(settings: Settings, encoder: HashingEncoder, beir_folder: Path) -> Lab:
    """A lab with the corpus "fruit" and the arm "tiny"."""
    made = Lab(settings)
    made.encoders.add("tiny", encoder)
    made.add_corpus(beir_folder)
    return made


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server with pgvector of this test run's own: its address."""
    pgserver = pytest.importorskip("pgserver")
    # Not in pytest's folder, which is for one user: the server runs as another one if root starts it.
    with tempfile.TemporaryDirectory(prefix="mrl-postgres-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()
