"""`evaluate`: the trained arms against base, base + PCA and the control, on the test topics and on outside text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mrl_demo.adapt import AdaptSettings, Rotation, fit_adapted
from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.cache import VectorCache, vectors_key
from mrl_demo.core.config import Settings
from mrl_demo.core.storage import atomic_path, sha256_text
from mrl_demo.core.types import TRAINED_DIMS, Corpus, FloatMatrix
from mrl_demo.corpora.builtin import load_builtin
from mrl_demo.corpora.files import load_path
from mrl_demo.corpora.parts import stand_in_queries
from mrl_demo.evaluation.judged import judged_set
from mrl_demo.models.adapters import merged_model_dir, read_manifest
from mrl_demo.models.encoders import load_sentence_transformer
from mrl_demo.models.packaged import verified_base_dir
from mrl_demo.models.specs import MINILM, ModelSpec
from training.bases import encode
from training.data.pairs import DataError
from training.fit.validation import Scores, score
from training.report import Report
from training.result.card import rewrite_card
from training.result.measure import as_dicts, compare

BASE, PCA, ADAPTED, CONTROL = "base", "base-pca", "adapted", "tuned-plain"
_SPLIT = "test"


@dataclass(frozen=True)
class Scored:
    """Every arm's values on one collection, and how it was measured."""

    corpus: str
    setting: str
    scores: dict[str, Scores]


class ArmScorer:
    """Scores base, its PCA and adapter folders on collections; vectors are cached by weights and texts."""

    def __init__(
        self,
        settings: Settings,
        adapters: dict[str, Path],
        report: Report,
        max_tokens: int = 256,
        with_adapted: bool = False,
    ) -> None:
        self._settings, self._adapters, self._report = settings, adapters, report
        self._with_adapted = with_adapted
        self._cache = VectorCache(settings.cache_dir, settings.assets_dir / "vectors")
        self._max_tokens = max_tokens

    def score(self, corpus: Corpus, split: str = _SPLIT, dims: Sequence[int] = TRAINED_DIMS) -> Scored:
        """Values of every arm at each of `dims` on the split's queries of `corpus`."""
        found = {name: score(vectors, corpus, split, dims) for name, vectors in self._arms(corpus, split)}
        n = len(judged_set(corpus, split).queries)
        setting = (
            f"{n:,} judged queries over all {len(corpus):,} documents of {corpus.label}, cut at "
            f"{self._max_tokens} tokens; exact search; paired bootstrap intervals (95%) over queries."
        )
        return Scored(corpus.name, setting, found)

    def _arms(self, corpus: Corpus, split: str) -> Iterator[tuple[str, ArmVectors]]:
        """Every arm's name and vectors; rotations fitted to the documents follow their model where asked for."""
        base = self._vectors(MINILM, verified_base_dir(), corpus, split)
        yield BASE, base
        pca = self._settings.assets_dir / "rotations" / f"{MINILM.name}-pca.safetensors"
        if pca.is_file():
            yield PCA, _turned(base, Rotation.load(pca))
        if self._with_adapted:
            asked = self._encoded(MINILM, verified_base_dir(), stand_in_queries(corpus.documents))
            yield ADAPTED, _turned(base, self._fitted(ADAPTED, base, asked, MINILM))
        for name, folder in self._adapters.items():
            merged, spec = merged_model_dir(folder, self._settings.cache_dir), read_manifest(folder).spec()
            vectors = self._vectors(spec, merged, corpus, split)
            yield name, vectors
            if self._with_adapted and name != CONTROL:
                asked = self._encoded(spec, merged, stand_in_queries(corpus.documents))
                yield f"{name}-{ADAPTED}", _turned(vectors, self._fitted(f"{name}-{ADAPTED}", vectors, asked, spec))

    def _fitted(self, name: str, vectors: ArmVectors, asked: FloatMatrix, spec: ModelSpec) -> Rotation:
        settings = AdaptSettings.for_model(spec.trained_dims)
        rotation = fit_adapted(vectors.documents, settings, self._report.progress, asked)
        self._report.say(
            f"{name}: fitted on {rotation.documents:,} documents and {len(asked):,} of their titles and sentences in "
            f"{rotation.seconds:.0f} s. {rotation.note}"
        )
        return rotation

    def _vectors(self, spec: ModelSpec, folder: Path, corpus: Corpus, split: str) -> ArmVectors:
        queries = [query.text for query in judged_set(corpus, split).queries]
        documents = [document.content for document in corpus.documents]
        return ArmVectors(self._encoded(spec, folder, queries), self._encoded(spec, folder, documents))

    def _encoded(self, spec: ModelSpec, folder: Path, texts: Sequence[str]) -> FloatMatrix:
        key = vectors_key(spec.fingerprint, sha256_text(*texts), f"evaluate-{self._max_tokens}")
        found = self._cache.load(key, len(texts))
        if found is None:
            model = load_sentence_transformer(folder, replace(spec, max_tokens=self._max_tokens))
            found = encode(model, texts, progress=self._report.progress)
            self._cache.store(key, found)
        return found


def _turned(vectors: ArmVectors, rotation: Rotation) -> ArmVectors:
    return ArmVectors(rotation.apply(vectors.queries), rotation.apply(vectors.documents))


def outside_corpus(folder: Path, queries: int, seed: int = 0) -> Corpus:
    """A BEIR folder with at most `queries` of its judged queries; raises `DataError` where none is judged."""
    corpus = load_path(folder)
    if not corpus.queries:
        raise DataError(f"{folder} has no judged queries: queries.jsonl and qrels.tsv are needed.")
    if len(corpus.queries) > queries:
        chosen = sorted(np.random.default_rng(seed).choice(len(corpus.queries), queries, replace=False))
        corpus = replace(corpus, queries=tuple(corpus.queries[i] for i in chosen))
    return corpus


def sections(scored: Scored, name: str) -> list[dict[str, Any]]:
    """What the card shows of one arm: against base, base + PCA and the control, and against uncut base."""
    found = []
    dims = sorted({dim for dim, _ in scored.scores[BASE]})
    for other in (BASE, PCA, CONTROL):
        if other in scored.scores and other != name:
            rows = compare(scored.scores[other], scored.scores[name], dims)
            found.append(_section(f"{scored.corpus}: against {other}", scored.setting, rows, (other, name)))
    rows = compare(scored.scores[BASE], scored.scores[name], dims, before_dim=dims[-1])
    found.append(_section(f"{scored.corpus}: against uncut base", scored.setting, rows, (f"base@{dims[-1]}", name)))
    return found


def _section(title: str, setting: str, rows: Sequence[Any], names: tuple[str, str]) -> dict[str, Any]:
    kept = [row for row in as_dicts(rows) if row["metric"] == "ndcg@10"]
    return {"title": title, "setting": setting, "names": list(names), "rows": kept}


def shares(scored: Scored) -> dict[str, dict[int, float]]:
    """Each arm's nDCG@10 at each dimension as a share of uncut base."""
    full = max(dim for dim, _ in scored.scores[BASE])
    whole = float(scored.scores[BASE][full, "ndcg@10"].mean())
    return {
        name: {
            dim: float(values.mean()) / whole for (dim, metric), values in sorted(found.items()) if metric == "ndcg@10"
        }
        for name, found in scored.scores.items()
    }


def builtin_corpus(settings: Settings) -> Corpus:
    """The built-in collection, whose test topics no shipped model has seen a query of."""
    return load_builtin(settings.assets_dir)


def evaluate(
    adapters: Sequence[Path], outside: Sequence[Path], settings: Settings, report: Report, *,
    queries: int = 2000, max_tokens: int = 128, with_adapted: bool = False, write: bool = False,
) -> list[Scored]:  # fmt: skip
    """Print every arm's figures on the test topics and on `outside`; with `write` store them with each adapter."""
    folders = {folder.name: folder for folder in adapters}
    corpora = [builtin_corpus(settings), *(outside_corpus(folder, queries) for folder in outside)]
    scorer = ArmScorer(settings, folders, report, max_tokens, with_adapted)
    scored = [scorer.score(corpus) for corpus in corpora]
    for each in scored:
        report.say(_shares_text(each))
        for name in folders:
            for section in sections(each, name):
                report.say(f"\n{section['title']}\n" + _section_text(section))
    if write:
        for name, folder in folders.items():
            _store(folder, [section for each in scored for section in sections(each, name)])
    return scored


def _store(folder: Path, found: list[dict[str, Any]]) -> None:
    with atomic_path(folder / "evaluation.json") as temporary:
        temporary.write_text(json.dumps({"sections": found}, indent=2) + "\n", encoding="utf-8")
    rewrite_card(folder)


def _shares_text(scored: Scored) -> str:
    lines = [f"\n{scored.corpus}: nDCG@10 and its share of uncut base. {scored.setting}"]
    for name, found in shares(scored).items():
        values = {dim: float(scored.scores[name][dim, "ndcg@10"].mean()) for dim in found}
        lines.append(
            f"{name:>12} " + "  ".join(f"{dim}: {values[dim]:.3f} ({share:.1%})" for dim, share in found.items())
        )
    return "\n".join(lines)


def _section_text(section: dict[str, Any]) -> str:
    return "\n".join(
        f"{row['dim']:>6} {row['before']:.4f} -> {row['after']:.4f} {row['difference']:+.4f} "
        f"({row['low']:+.4f} .. {row['high']:+.4f})"
        for row in section["rows"]
    )
