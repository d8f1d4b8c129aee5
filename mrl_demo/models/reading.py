"""How a model reads texts: the one preparation for few and many, queries and documents, search and training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from mrl_demo.core.locks import KeyedLocks
from mrl_demo.core.types import CutTexts, IntMatrix, Reading

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: What `SentenceTransformer.preprocess` gives: tensors with a row a text, and words for the modules (task, modality).
Features: TypeAlias = dict[str, Any]

#: Texts are tokenised together until so many characters, padding included, or so many texts are in memory.
_CHUNK_CHARACTERS = 4_000_000
_CHUNK_TEXTS = 4_096
#: Tokenizers without a limit say a number like 10**30.
_UNLIMITED = 10**9
#: Tokens that a tokenizer may add to a text at most.
_SPECIAL_TOKENS = 8
#: A tokenizer must not be used by two threads at once ("Already borrowed").
_TOKENIZERS = KeyedLocks()


def own_prompts(model: SentenceTransformer) -> tuple[str, str]:
    """The prompts that `encode_query` and `encode_document` of sentence-transformers 6 put first, "" for none."""
    default = model.prompts.get(model.default_prompt_name or "") or ""
    names = next((name for name in ("document", "passage", "corpus") if name in model.prompts), "")
    query = model.prompts.get("query", default)
    return query or "", (model.prompts[names] if names else default) or ""


def unused_prompts(model: SentenceTransformer) -> dict[str, str]:
    """Prompts that are configured under names which neither `encode_query` nor `encode_document` looks for."""
    used = set(own_prompts(model))
    return {name: prompt for name, prompt in model.prompts.items() if prompt and prompt not in used}


def read_texts(model: SentenceTransformer, texts: Sequence[str], reading: Reading, is_cut: bool = True) -> Features:
    """Tokenised, prompted, padded and cut as `encode_query` and `encode_document` do it: it is their own code.

    With `is_cut` off a text keeps the tokens that the model has no room for.
    """
    options = {} if is_cut else {"processing_kwargs": {"text": {"truncation": False, "verbose": False}}}
    with _TOKENIZERS.hold(str(id(model))):
        return dict(model.preprocess(list(texts), prompt=reading.prompt or None, task=reading.task, **options))


def chunks_by_length(texts: Sequence[str]) -> Iterator[IntMatrix]:
    """Row numbers of texts, the longest first, few enough at a time that their padded tokens fit in memory."""
    order = np.argsort([-len(text) for text in texts], kind="stable")
    start = 0
    while start < len(order):
        longest = max(1, len(texts[order[start]]))
        rows = order[start : start + max(1, min(_CHUNK_TEXTS, _CHUNK_CHARACTERS // longest))]
        yield rows
        start += len(rows)


def token_batches(features: Features, max_tokens: int, max_rows: int) -> Iterator[tuple[IntMatrix, Features]]:
    """Parts of tokenised texts by falling token count, at most about `max_tokens` tokens each, with their row numbers.

    Features without a mask `(n, length)` (a StaticEmbedding's) stay together: they hold no padding.
    """
    mask = features.get("attention_mask")
    if not isinstance(mask, Tensor) or mask.dim() != 2:
        yield np.arange(_count_rows(features)), features
        return
    if len(mask) == 1:  # A person's query: nothing to sort.
        yield np.zeros(1, dtype=np.int64), features
        return
    lengths = mask.sum(1).numpy()
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = max(1, int(lengths[order[start]]))
        rows = order[start : start + int(np.clip(max_tokens // longest, 1, max_rows))]
        yield rows, _part(features, mask, rows, longest)
        start += len(rows)


def count_cut_texts(model: SentenceTransformer, texts: Sequence[str], reading: Reading) -> CutTexts:
    """How many of `texts`, prompt included, have more tokens than the model reads: what it reads is compared with all.

    A text with fewer bytes than the limit has fewer tokens too, and is not looked at.
    """
    limit = token_limit(model)
    if not limit:
        return CutTexts()
    bytes_read = limit - _SPECIAL_TOKENS - len(reading.prompt.encode())
    possible = [text for text in dict.fromkeys(texts) if len(text.encode("utf-8", "replace")) > bytes_read]
    cut: set[str] = set()
    for rows in chunks_by_length(possible):
        part = [possible[row] for row in rows]
        masks = [read_texts(model, part, reading, is_cut).get("attention_mask") for is_cut in (True, False)]
        if isinstance(masks[0], Tensor) and isinstance(masks[1], Tensor):
            is_longer = masks[1].sum(1) > masks[0].sum(1)
            cut.update(text for text, longer in zip(part, is_longer.tolist(), strict=True) if longer)
    count = sum(text in cut for text in texts)
    return CutTexts(count, limit) if count else CutTexts()


def token_limit(model: SentenceTransformer) -> int:
    """The most tokens that the model reads of a text, 0 if there is no limit."""
    limit = model.max_seq_length
    return 0 if limit is None or limit >= _UNLIMITED else int(limit)


def limit_tokens(model: SentenceTransformer, limit: int) -> None:
    """Let `model` read at most `limit` tokens of a text; never more than it reads by itself, and 0 changes nothing."""
    own = model.max_seq_length
    if limit and own is not None and not math.isinf(own):  # A StaticEmbedding has none, and takes none.
        model.max_seq_length = min(limit, own)


def _count_rows(features: Features) -> int:
    return len(features["offsets"] if "offsets" in features else features["input_ids"])


def _part(features: Features, mask: Tensor, rows: IntMatrix, longest: int) -> Features:
    """The features of some rows without the columns that are padding in all of them."""
    shape, index = mask.shape, torch.from_numpy(rows)
    padded_left = bool((mask[:, 0] == 0).any())
    columns = slice(shape[1] - longest, None) if padded_left else slice(0, longest)

    def cut(value: Any) -> Any:  # noqa: ANN401 - a tensor of any kind, or a word for the modules
        """The rows and columns of a tensor over the texts; anything else as it is."""
        if not isinstance(value, Tensor) or value.dim() == 0 or value.shape[0] != shape[0]:
            return value
        return value[index][:, columns] if value.dim() == 2 and value.shape[1] == shape[1] else value[index]

    return {name: cut(value) for name, value in features.items()}
