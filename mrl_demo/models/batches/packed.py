"""BERT without padding: a batch's texts lie end to end, so only tokens are multiplied and attention needs no mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from mrl_demo.core.types import FloatMatrix
from mrl_demo.models.batches.onednn import CpuLinear
from mrl_demo.models.reading import Features

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: Modules that may follow the transformer: they read nothing but its last layer.
_AFTER = {"Pooling", "Dense", "Normalize", "LayerNorm"}


@dataclass(frozen=True)
class _Run:
    """Neighbouring texts of one length: `texts` times `length` tokens from `start` on."""

    start: int
    texts: int
    length: int

    def of(self, tokens: Tensor) -> Tensor:
        """The run's `(texts, length, width)` view of a batch's `(tokens, width)`."""
        return tokens[self.start : self.start + self.texts * self.length].view(self.texts, self.length, -1)


class PackedBert:
    """A BERT sentence-transformers model's forward pass; linear layers and attention in `dtype`, the rest in float32.

    Against the model itself: one product for query, key and value, no padding, no mask, weights converted once. With
    float32 its vectors differ by rounding alone, with bfloat16 their cosine is above 0.9999.
    """

    def __init__(self, model: SentenceTransformer, dtype: torch.dtype) -> None:
        first: Any = model[0]
        bert: Any = first.model
        self._dtype = dtype
        self._heads = int(bert.config.num_attention_heads)
        self._words: Tensor = bert.embeddings.word_embeddings.weight.detach()
        with torch.inference_mode():
            types = bert.embeddings.token_type_embeddings.weight[0]
            self._positions: Tensor = bert.embeddings.position_embeddings.weight + types
            self._layers = [_Layer(layer, self._heads, dtype) for layer in bert.encoder.layer]
        self._norm: Any = bert.embeddings.LayerNorm
        self._after = list(model)[1:]

    @staticmethod
    def fits(model: SentenceTransformer) -> bool:
        """Whether this is a plain BERT on a CPU: absolute positions, GELU, no decoder, no adapter inside its layers."""
        first: Any = model[0]
        bert = getattr(first, "model", None)
        config = getattr(bert, "config", None)
        return (
            type(bert).__name__ == "BertModel"
            and model.device.type == "cpu"
            and getattr(config, "hidden_act", "") == "gelu"
            and getattr(config, "position_embedding_type", None) in {None, "absolute"}
            and not getattr(config, "is_decoder", False)
            and first.tokenizer.padding_side == "right"
            and set(first.modality_config) == {"text"}
            and first.module_output_name == "token_embeddings"
            and {type(module).__name__ for module in list(model)[1:]} <= _AFTER
            and not any("lora" in name for name, _ in model.named_parameters())
        )

    def __call__(self, features: Features) -> FloatMatrix:
        """`(n, dimension)` float32 vectors of n tokenised texts; fastest where texts of one length are neighbours."""
        mask: Tensor = features["attention_mask"]
        runs = _runs(mask.sum(1).tolist())
        with torch.inference_mode():
            hidden = self._embedded(features["input_ids"][mask.bool()], runs)
            for layer in self._layers:
                hidden = layer(hidden, runs)
            parts = [self._pooled(run.of(hidden), features) for run in runs]
            vectors: FloatMatrix = torch.cat(parts).float().numpy()
        return vectors

    def _embedded(self, ids: Tensor, runs: Sequence[_Run]) -> Tensor:
        words = functional.embedding(ids, self._words)
        places = torch.cat([torch.arange(run.length).repeat(run.texts) for run in runs])
        return _normalised(self._norm, words.add_(functional.embedding(places, self._positions)))

    def _pooled(self, hidden: Tensor, read: Features) -> Tensor:
        mask = torch.ones(hidden.shape[:2], dtype=torch.int64)
        features: Features = {"token_embeddings": hidden, "attention_mask": mask}
        if "prompt_length" in read:
            features["prompt_length"] = read["prompt_length"]
        for module in self._after:
            features = module(features)
        vectors: Tensor = features["sentence_embedding"]
        return vectors


class _Layer:
    def __init__(self, layer: Any, heads: int, dtype: torch.dtype) -> None:  # noqa: ANN401 - transformers' BertLayer
        self._heads, self._dtype = heads, dtype
        attention = layer.attention.self
        parts = (attention.query, attention.key, attention.value)
        weight = torch.cat([part.weight for part in parts])
        bias = torch.cat([part.bias for part in parts])
        width = weight.shape[1]
        scale = (width // heads) ** -0.5  # Put into the query's weights, attention need not multiply every score.
        weight[:width] *= scale
        bias[:width] *= scale
        self._projections = CpuLinear(weight, bias, dtype)
        self._out = CpuLinear(layer.attention.output.dense.weight, layer.attention.output.dense.bias, dtype)
        self._up = CpuLinear(layer.intermediate.dense.weight, layer.intermediate.dense.bias, dtype)
        self._down = CpuLinear(layer.output.dense.weight, layer.output.dense.bias, dtype)
        self._norms: tuple[Any, Any] = (layer.attention.output.LayerNorm, layer.output.LayerNorm)

    def __call__(self, hidden: Tensor, runs: Sequence[_Run]) -> Tensor:
        """`(tokens, width)` float32 of the next layer; `hidden` is overwritten."""
        mixed = self._attention(self._projections(hidden.to(self._dtype)), runs)
        hidden = _normalised(self._norms[0], hidden.add_(self._out(mixed)))
        wide = self._up(hidden.to(self._dtype), gelu=True)
        return _normalised(self._norms[1], hidden.add_(self._down(wide)))

    def _attention(self, projected: Tensor, runs: Sequence[_Run]) -> Tensor:
        mixed = projected.new_empty(len(projected), projected.shape[1] // 3)
        for run in runs:
            parts = run.of(projected).view(run.texts, run.length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            query, key, value = parts.reshape(3, run.texts * self._heads, run.length, -1)
            # Plain products: at these lengths half the time of torch's flash attention on a CPU.
            shares = torch.softmax(torch.bmm(query, key.transpose(1, 2)), -1)
            weighted = torch.bmm(shares, value).view(run.texts, self._heads, run.length, -1)
            run.of(mixed).view(run.texts, run.length, self._heads, -1).copy_(weighted.transpose(1, 2))
        return mixed


def _normalised(norm: Any, x: Tensor) -> Tensor:  # noqa: ANN401 - a LayerNorm, whose weights are typed loosely
    return functional.layer_norm(x, (x.shape[-1],), norm.weight, norm.bias, norm.eps)


def _runs(lengths: Sequence[int]) -> list[_Run]:
    runs: list[_Run] = []
    start = 0
    for length, rows in groupby(lengths):
        runs.append(_Run(start, sum(1 for _ in rows), length))
        start += runs[-1].texts * length
    return runs
