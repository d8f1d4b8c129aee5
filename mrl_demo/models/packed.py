"""BERT without padding: a batch's texts lie end to end, so only tokens are multiplied and attention needs no mask."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from mrl_demo.core.types import FloatMatrix

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: Token ids, mask and so on of a batch's texts, as the tokenizer names them, not padded.
TokenBatch = Mapping[str, Sequence[Sequence[int]]]


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
        bert: Any = first.auto_model
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
        """Whether this is a plain BERT: absolute positions, GELU, no decoder, no adapter inside its layers."""
        bert = getattr(model[0], "auto_model", None)
        config = getattr(bert, "config", None)
        return (
            type(bert).__name__ == "BertModel"
            and getattr(config, "hidden_act", "") == "gelu"
            and getattr(config, "position_embedding_type", None) in {None, "absolute"}
            and not getattr(config, "is_decoder", False)
            and not any("lora" in name for name, _ in model.named_parameters())
        )

    def __call__(self, batch: TokenBatch) -> FloatMatrix:
        """`(n, dimension)` float32 vectors of n tokenised texts; fastest where texts of one length are neighbours."""
        ids = batch["input_ids"]
        runs = _runs(ids)
        with torch.inference_mode():
            hidden = self._embedded(ids, runs)
            for layer in self._layers:
                hidden = layer(hidden, runs)
            found: FloatMatrix = torch.cat([self._pooled(run.of(hidden)) for run in runs]).float().numpy()
        return found

    def _embedded(self, ids: Sequence[Sequence[int]], runs: Sequence[_Run]) -> Tensor:
        words = functional.embedding(torch.tensor([token for row in ids for token in row]), self._words)
        places = torch.cat([torch.arange(run.length).repeat(run.texts) for run in runs])
        return _normalised(self._norm, words.add_(functional.embedding(places, self._positions)))

    def _pooled(self, hidden: Tensor) -> Tensor:
        features: dict[str, Tensor] = {"token_embeddings": hidden, "attention_mask": torch.ones(hidden.shape[:2])}
        for module in self._after:
            features = module(features)
        return features["sentence_embedding"]


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
        self._projections = _Linear(weight, bias, dtype)
        self._out = _Linear(layer.attention.output.dense.weight, layer.attention.output.dense.bias, dtype)
        self._up = _Linear(layer.intermediate.dense.weight, layer.intermediate.dense.bias, dtype)
        self._down = _Linear(layer.output.dense.weight, layer.output.dense.bias, dtype)
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
            found = torch.bmm(shares, value).view(run.texts, self._heads, run.length, -1)
            run.of(mixed).view(run.texts, run.length, self._heads, -1).copy_(found.transpose(1, 2))
        return mixed


class _Linear:
    """A linear layer, by oneDNN where torch has it: for float32 torch takes MKL, on AMD at under half the speed."""

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        self._weight = weight.detach().to(dtype).contiguous()
        self._bias = bias.detach().to(dtype)
        self._onednn = _has_onednn_linear()
        if self._onednn:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(self._weight, None)

    def __call__(self, x: Tensor, gelu: bool = False) -> Tensor:
        if self._onednn:
            name, kind = ("gelu", "none") if gelu else ("none", "")
            fused: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, name, [], kind)
            return fused
        found = functional.linear(x, self._weight, self._bias)
        return functional.gelu(found) if gelu else found


def _has_onednn_linear() -> bool:
    """Whether torch has the operators (not public ones) that its own compiler uses for linear layers on x86."""
    names = ("_linear_pointwise", "_reorder_linear_weight")
    x86 = platform.machine().lower() in {"x86_64", "amd64"}
    return x86 and torch.backends.mkldnn.is_available() and all(hasattr(torch.ops.mkldnn, name) for name in names)


def _normalised(norm: Any, x: Tensor) -> Tensor:  # noqa: ANN401 - a LayerNorm, whose weights are typed loosely
    return functional.layer_norm(x, (x.shape[-1],), norm.weight, norm.bias, norm.eps)


def _runs(ids: Sequence[Sequence[int]]) -> list[_Run]:
    runs: list[_Run] = []
    start = 0
    for length, rows in groupby(len(row) for row in ids):
        runs.append(_Run(start, sum(1 for _ in rows), length))
        start += runs[-1].texts * length
    return runs
