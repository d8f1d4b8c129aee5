"""Whether a nested feed-forward block (MatFormer, arXiv 2310.07707) pays on this encoder before any training of it.

`.venv/bin/python dev/matformer.py [--documents N] [--queries N]` orders the 1,536 neurons of every layer by importance
(mean size of the activation times the length of the neuron's output weights, on training passages), keeps a quarter,
a half or all of them, prints nDCG@10 over the answers of some validation questions and other passages, agreement
with all neurons, and processor ms a document, and writes them to assets/results/matformer.json, which the page shows.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from mrl_demo.core.config import Settings
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.types import Corpus, FloatMatrix, Reading
from mrl_demo.core.vectors import normalise, truncate
from mrl_demo.corpora.shipped.builtin import load_builtin
from mrl_demo.lab.curves import save_text
from mrl_demo.layers.neurons import NEURONS_FILE, NeuronFigures, NeuronRow
from mrl_demo.models.batches.bulk import bulk_dtype, encode_in_bulk, forward_pass
from mrl_demo.models.loading import load_sentence_transformer
from mrl_demo.models.reading import read_texts
from mrl_demo.models.shipped.packaged import verified_base_dir
from mrl_demo.models.specs import MINILM

_TEXT = Reading("document", "")
_SHARES = (1.0, 0.75, 0.5, 0.25)
_CALIBRATION = 200


def main() -> None:
    """Measure every share of the neurons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=800)
    parser.add_argument("--queries", type=int, default=200)
    options = parser.parse_args()
    corpus = load_builtin(Settings.from_environment().assets_dir)
    queries = [query for query in corpus.queries if query.split == "validation"][: options.queries]
    answers = [set(corpus.judgements[query.id]) for query in queries]
    documents = _some_documents(corpus, set().union(*answers), options.documents)
    rows = {document.id: row for row, document in enumerate(documents)}
    relevant = [{rows[name] for name in names if name in rows} for names in answers]
    order = _importance([document.content for document in corpus.documents[:_CALIBRATION]])
    whole: FloatMatrix | None = None
    measured: list[NeuronRow] = []
    for share in _SHARES:
        model = load_sentence_transformer(verified_base_dir(), MINILM)
        _keep_neurons(model, order, share)
        asked, _ = _encode(model, [query.text for query in queries])
        vectors, ms = _encode(model, [document.content for document in documents])
        whole = vectors if whole is None else whole
        kept = float(np.einsum("nd,nd->n", vectors, whole).mean())
        quality = {dim: round(_ndcg(asked, vectors, relevant, dim), 4) for dim in (16, 32, 64, 128, 384)}
        neurons = int(share * len(order[0]))
        measured.append(NeuronRow(share, neurons, quality, round(kept, 4), round(ms, 3)))
        print(f"{share:.0%} of the neurons: nDCG@10 {quality}; cosine {kept:.3f}; {ms:.1f} ms a document", flush=True)
    date = time.strftime("%Y-%m-%d")
    figures = NeuronFigures(tuple(measured), len(queries), len(documents), date, describe_hardware())
    save_text(Settings.from_environment().assets_dir / "results" / NEURONS_FILE, json.dumps(asdict(figures)))


def _some_documents(corpus: Corpus, wanted: set[str], count: int) -> list[Any]:
    answers = [document for document in corpus.documents if document.id in wanted]
    others = [document for document in corpus.documents if document.id not in wanted]
    return [*answers, *others][: max(count, len(answers))]


def _layers(model: Any) -> Any:  # noqa: ANN401 - transformers' BertLayers
    return model[0].model.encoder.layer


def _importance(texts: list[str]) -> list[torch.Tensor]:
    """Neurons of every layer, the most important first."""
    model = load_sentence_transformer(verified_base_dir(), MINILM)
    sizes: list[torch.Tensor] = [torch.zeros(1)] * len(_layers(model))
    hooks = []
    for place, layer in enumerate(_layers(model)):

        def add(_module: object, _given: object, fired: torch.Tensor, place: int = place) -> None:
            sizes[place] = sizes[place] + fired.abs().sum((0, 1))

        hooks.append(layer.intermediate.register_forward_hook(add))
    with torch.inference_mode():
        for start in range(0, len(texts), 32):
            model(read_texts(model, texts[start : start + 32], _TEXT))
    for hook in hooks:
        hook.remove()
    lengths = [layer.output.dense.weight.detach().norm(dim=0) for layer in _layers(model)]
    return [(size * length).argsort(descending=True) for size, length in zip(sizes, lengths, strict=True)]


def _keep_neurons(model: Any, order: list[torch.Tensor], share: float) -> None:  # noqa: ANN401
    for layer, neurons in zip(_layers(model), order, strict=True):
        kept = neurons[: int(share * len(neurons))]
        inner, outer = layer.intermediate.dense, layer.output.dense
        inner.weight = torch.nn.Parameter(inner.weight[kept].detach().clone())
        inner.bias = torch.nn.Parameter(inner.bias[kept].detach().clone())
        outer.weight = torch.nn.Parameter(outer.weight[:, kept].detach().clone())
        inner.out_features = outer.in_features = len(kept)


def _encode(model: Any, texts: list[str]) -> tuple[FloatMatrix, float]:  # noqa: ANN401
    forward = forward_pass(model, bulk_dtype("cpu"))
    started = time.process_time()
    vectors = normalise(encode_in_bulk(model, forward, texts, _TEXT, 1))
    return vectors, (time.process_time() - started) * 1e3 / len(texts)


def _ndcg(queries: FloatMatrix, documents: FloatMatrix, relevant: list[set[int]], dim: int) -> float:
    scores = truncate(queries, dim) @ truncate(documents, dim).T
    best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    discounts = 1 / np.log2(np.arange(2, 12))
    gained = [
        sum(discounts[place] for place, row in enumerate(rows) if row in wanted)
        for rows, wanted in zip(best, relevant, strict=True)
    ]
    ideal = [discounts[: max(1, len(wanted))].sum() for wanted in relevant]
    return float(np.mean(np.array(gained) / np.array(ideal)))


if __name__ == "__main__":
    main()
