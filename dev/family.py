"""Write docs/family.md: every member of the family at five lengths on three collections, with bytes and times.

`.venv/bin/python dev/family.py` measures the built-in test set and times, `--outside BEIR_FOLDER ... [--queries N]` the
folders instead, from cached vectors (`--encode A,B`: those of these arms are encoded first; `--part N`: 300 questions
over N of the documents, all the answers among them, as a table of its own), and keeps the figures in
assets/results/family.json; `--members A,B` measures these arms alone and keeps the rows of the others, `--write` makes
the page from that file alone. What is not there (an arm whose vectors of an outside set would have to be encoded
first, a head without a train split) is left out and named on the page.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from family_page import family_page
from ship_controls import draw_part
from ship_vectors import fit_patiently

from mrl_demo.adapt.kept import FittedMap
from mrl_demo.arms.arm import Arm
from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.transforms.base import VectorMap
from mrl_demo.arms.transforms.cut import Cut
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.types import Corpus, Encoder
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.sweep import evaluate
from mrl_demo.lab.lab import Lab

_ROOT = Path(__file__).resolve().parents[1]
_FIGURES, _PAGE = _ROOT / "assets" / "results" / "family.json", _ROOT / "docs" / "family.md"
_DIMS = (16, 32, 64, 128, 384)
_METRIC = "ndcg@10"
_MEMBERS = (
    "base",
    "tuned",
    "rotation-only",
    "base-pca",
    "corpus-pca",
    "adapted",
    "leanvec",
    "csr",
    "supervised",
    "hierarchical",
    "tuned-adapted",
    "base@3",
    "tuned-2d@1",
    "tuned-2d@2",
    "tuned-2d@3",
    "tuned-2d@4",
    "tuned-2d@5",
    "tuned-2d@6",
)
_MAX_TOKENS = 128
_TIMED = 30


def main() -> None:
    """Measure and write, or only write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outside", nargs="*", type=Path, default=[], help="BEIR folders never trained on")
    parser.add_argument("--queries", type=int, default=300, help="questions to draw of each outside set")
    parser.add_argument(
        "--part", type=int, default=0, metavar="N", help="documents to draw of each outside set (0: all)"
    )
    parser.add_argument("--members", type=_names, default=_MEMBERS, help="arms to measure (default: all)")
    parser.add_argument("--encode", type=_names, default=(), help="arms to encode if their vectors are not there")
    parser.add_argument("--write", action="store_true", help="make the page from the figures that there are")
    options = parser.parse_args()
    lab, known = Lab(Settings.from_environment()), _known()
    if not options.write:
        known |= {"hardware": describe_hardware(), "date": time.strftime("%Y-%m-%d")}
        for corpus in _corpora(lab, options):
            measured = _measure_set(lab, corpus, options)
            sets = {one["name"]: one for one in known["sets"]}
            sets[corpus.name] = _merged(sets.get(corpus.name), measured)
            known["sets"] = list(sets.values())
            _FIGURES.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        if not options.outside and options.members == _MEMBERS:
            known |= {"times": _times(lab)}
            _FIGURES.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    _PAGE.write_text(family_page(json.loads(_FIGURES.read_text(encoding="utf-8"))), encoding="utf-8")
    print(f"Wrote {_PAGE}")


def _known() -> dict[str, Any]:
    """What was measured before; sets that are measured anew take their place."""
    return dict(json.loads(_FIGURES.read_text(encoding="utf-8"))) if _FIGURES.is_file() else {"sets": [], "times": {}}


def _corpora(lab: Lab, options: argparse.Namespace) -> Iterator[Corpus]:
    """The folders, whole or in part, or the built-in set."""
    if not options.outside:
        yield lab.corpus("builtin")
    for folder in options.outside:
        whole = lab.corpus(lab.add_corpus(folder))
        yield _part_of(whole, options.part) if options.part else whole


def _part_of(whole: Corpus, documents: int) -> Corpus:
    """The drawn part under a name and label of its own."""
    part = draw_part(whole, documents)
    label = f"{whole.label}, {len(part):,} of {len(whole):,} documents"
    return replace(part, name=f"{whole.name}-{len(part)}", label=label)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _merged(before: Mapping[str, Any] | None, measured: dict[str, Any]) -> dict[str, Any]:
    """What was measured now, in place of the same arms' rows of before."""
    if before is None or before["queries"] != measured["queries"]:
        return measured
    rows = {**before["rows"], **measured["rows"]}
    left_out = {name: why for name, why in {**before["left_out"], **measured["left_out"]}.items() if name not in rows}
    return {**measured, "rows": {name: rows[name] for name in _MEMBERS if name in rows}, "left_out": left_out}


def _measure_set(lab: Lab, corpus: Corpus, options: argparse.Namespace) -> dict[str, Any]:
    """nDCG@10 with intervals, and paired differences from `tuned` at the same length; outside texts are cut short."""
    builder, left_out, arms = lab.builder, {}, []
    queries, max_tokens = (options.queries, _MAX_TOKENS) if options.outside else (0, 0)
    for name in dict.fromkeys(("tuned", *options.members)):
        try:
            arm = builder.with_token_limit(resolve_arm(name, builder.menu), max_tokens)
            is_encoded = corpus.name == "builtin" or name in options.encode or _has_vectors(lab, arm, corpus)
            if not is_encoded:
                raise LabError("its vectors of this collection were not encoded yet.")
            started = time.perf_counter()
            fitted = _fit(lab, arm, corpus)
            fit_s = fitted.seconds if isinstance(fitted, FittedMap) else 0.0
            print(f"{corpus.name} {name}: fitted in {fit_s:.1f} s, {time.perf_counter() - started:.1f} s", flush=True)
            arms.append((name, fit_s))
        except LabError as error:
            left_out[name] = str(error)
    names = tuple(name for name, _ in arms)
    plan = SweepPlan(names, _DIMS, ("float32",), (_METRIC,), queries=queries, max_tokens=max_tokens, against=("tuned",))
    result = evaluate(builder, corpus, plan)
    differences = {(row.arm, row.dim): row for row in result.differences if row.against == "tuned"}
    rows = {}
    for name, fit_s in arms:
        at = {row.dim: row for row in result.rows if row.arm == name}
        rows[name] = {"fit_s": round(fit_s, 1)}
        for dim, row in at.items():
            other = differences.get((name, row.dim))
            rows[name][str(dim)] = [round(row.value, 4), round(row.low, 4), round(row.high, 4)]
            if other:
                rows[name][f"{dim} vs tuned"] = [round(v, 4) for v in (other.difference, other.low, other.high)]
    said = {"label": corpus.label, "documents": len(corpus), "queries": result.n_queries}
    return {"name": corpus.name, **said, "rows": rows, "left_out": left_out}


def _has_vectors(lab: Lab, arm: Arm, corpus: Corpus) -> bool:
    return lab.builder.has_documents(arm.encoder, corpus)


def _fit(lab: Lab, arm: Arm, corpus: Corpus) -> VectorMap:
    """The arm's map, fitted without the limit on its time and kept for the sweep, unless it is kept already."""
    builder = lab.builder
    documents = builder.documents(arm.encoder, corpus)
    if arm.transform.fitted_on.takes_long and not builder.is_ready(arm, corpus):
        material = builder.material(arm, corpus, documents)
        key = arm.transform.key(material)
        fit_patiently(arm, material).save(builder.cache.folder / "rotations" / f"{key}.safetensors", key=key)
    return builder.fit(arm, corpus, documents)


def _times(lab: Lab) -> dict[str, dict[str, float]]:
    """Median ms to encode one question, and mean ms of a document among 60, by encoder; as many threads as the lab."""
    corpus = lab.corpus("builtin")
    texts = [query.text for query in corpus.queries if query.split == "test"][:_TIMED]
    documents = [document.content for document in corpus.documents[:60]]
    measured: dict[str, dict[str, float]] = {}
    for name in _MEMBERS:
        try:
            arm = resolve_arm(name, lab.builder.menu)
            if arm.transform == Cut():  # What is done to vectors takes no time beside the encoder.
                measured[name] = _times_of(lab.encoders.encoder(arm.encoder), texts, documents)
        except LabError as error:
            print(f"{name} has no times: {error}", flush=True)
    return measured


def _times_of(encoder: Encoder, texts: Sequence[str], documents: Sequence[str]) -> dict[str, float]:
    encoder.encode_queries(texts[:2])  # Loads the weights.
    encoder.encode_documents(documents[:8])
    asked = [_ms(partial(encoder.encode_queries, [text])) for text in texts]
    bulk = _ms(partial(encoder.encode_documents, documents)) / len(documents)
    return {"query_ms": round(float(np.median(asked)), 2), "document_ms": round(bulk, 2)}


def _ms(work: Callable[[], object]) -> float:
    """Milliseconds of processor, all threads together: a busy machine does not change them much."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1e3


if __name__ == "__main__":
    main()
