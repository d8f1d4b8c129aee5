"""Tiny sentence-transformers models of every build, made on the spot: what people bring, in 32 numbers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    Router,
    StaticEmbedding,
    Transformer,
)
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertModel, BertTokenizerFast, RobertaConfig, RobertaModel

_WORDS = "bread dough oven yeast moon star orbit comet liver heart lung blood river lake ocean tide how what the and"
WORDS, PROMPT_WORDS = tuple(_WORDS.split(" ")), ("ask", "find", "text", ":")
WIDTH = 32
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def transformer(
    folder: Path, *, tokens: int = 32, positions: int = 64, seed: int = 0, roberta: bool = False
) -> Transformer:
    """A random BERT (or RoBERTa) of two layers over `WORDS` that reads at most `tokens` tokens."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True)
    vocabulary = [*_SPECIAL, *WORDS, *PROMPT_WORDS, *(f"w{i}" for i in range(40))]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    sizes: dict[str, Any] = {
        "vocab_size": len(vocabulary), "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 48, "max_position_embeddings": positions,
    }  # fmt: skip
    network = RobertaModel(RobertaConfig(**sizes, pad_token_id=0)) if roberta else BertModel(BertConfig(**sizes))
    network.save_pretrained(folder)
    return Transformer(str(folder), processor_kwargs={"model_max_length": tokens})


def static_embedding() -> StaticEmbedding:
    """Random vectors by word, averaged; one more word so that no text is empty."""
    torch.manual_seed(3)
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(["[UNK]", *WORDS, *PROMPT_WORDS])}, "[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    return StaticEmbedding(tokenizer, embedding_dim=WIDTH)


def save(folder: Path, *modules: Any, config: dict[str, Any] | None = None, half: torch.dtype | None = None) -> Path:
    """Save modules as a folder; `config` goes over config_sentence_transformers.json, `half` is their precision."""
    model = SentenceTransformer(modules=list(modules), device="cpu")
    if half:
        model.to(half)
    model.save_pretrained(str(folder), create_model_card=False)
    path = folder / "config_sentence_transformers.json"
    raw = json.loads(path.read_text(encoding="utf-8")) | (config or {})
    path.write_text(json.dumps(raw, indent=2), encoding="utf-8")
    return folder


def bert(pooling: Any = "mean", include_prompt: bool = True, **options: Any) -> Callable[[Path], Path]:
    """A maker of BERT models with these modules behind them; the rest goes to `transformer`."""
    config, half = options.pop("config", None), options.pop("half", None)
    dense, normalize = options.pop("dense", False), options.pop("normalize", True)

    def make(folder: Path) -> Path:
        width = WIDTH * (len(pooling) if isinstance(pooling, tuple) else 1)
        torch.manual_seed(1)
        modules: list[Any] = [transformer(folder.parent / f"{folder.name}-raw", **options)]
        modules.append(Pooling(WIDTH, pooling, include_prompt=include_prompt))
        modules += [Dense(width, 24)] if dense else []
        modules += [Normalize()] if normalize else []
        return save(folder, *modules, config=config, half=half)

    return make


def _router(folder: Path) -> Path:
    query = transformer(folder.parent / "query-raw", seed=5)
    document = transformer(folder.parent / "document-raw", seed=6, tokens=48)
    router = Router.for_query_document(
        [query, Pooling(WIDTH), Normalize()], [document, Pooling(WIDTH, "cls"), Normalize()]
    )
    return save(folder, router)


def _static_router(folder: Path) -> Path:
    document = transformer(folder.parent / "document-raw", seed=6)
    return save(folder, Router.for_query_document([static_embedding()], [document, Pooling(WIDTH)]), Normalize())


def _peft(folder: Path) -> Path:
    from peft import LoraConfig

    base = bert()(folder.parent / "peft-base")
    model = SentenceTransformer(str(base), device="cpu")
    torch.manual_seed(4)
    model.add_adapter(LoraConfig(r=4, target_modules=["query", "value"], init_lora_weights=False))
    model.save_pretrained(str(folder), create_model_card=False)
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = str(base)
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


_PROMPTS = {"query": "ask : ", "document": "text : ", "other": "find : "}
#: How each model is made in a folder that is not there yet.
ZOO: dict[str, Callable[[Path], Path]] = {
    "mean": bert(),
    "cls": bert("cls"),
    "max": bert("max"),
    "root of the length": bert("mean_sqrt_len_tokens"),
    "weighted mean": bert("weightedmean"),
    "last token": bert("lasttoken"),
    "two poolings": bert(("cls", "mean")),
    "dense": bert(dense=True),
    "no normalize": bert(normalize=False),
    "roberta": bert(roberta=True),
    "long": bert(tokens=256, positions=256),
    "bfloat16": bert(half=torch.bfloat16),
    "float16": bert(half=torch.float16, dense=True),
    "prompts": bert(config={"prompts": _PROMPTS}),
    "prompt not pooled": bert(include_prompt=False, config={"prompts": _PROMPTS}),
    "prompt not pooled, last": bert("weightedmean", include_prompt=False, config={"prompts": _PROMPTS}),
    "default prompt": bert(config={"prompts": {"other": "find : "}, "default_prompt_name": "other"}),
    "default is query": bert(config={"prompts": {"query": "ask : "}, "default_prompt_name": "query"}),
    "passage and corpus": bert(config={"prompts": {"passage": "text : ", "corpus": "find : "}}),
    "truncated": bert(config={"truncate_dim": 8}),
    "dot of unit vectors": bert(config={"similarity_fn_name": "dot"}),
    "static": lambda folder: save(folder, static_embedding()),
    "static, normalised": lambda folder: save(folder, static_embedding(), Normalize()),
    "router": _router,
    "router of two kinds": _static_router,
    "peft": _peft,
}


def copy_model(source: Path, folder: Path) -> Path:
    """A copy of a model's folder, to be changed."""
    return Path(shutil.copytree(source, folder))


def texts(count: int) -> list[str]:
    """Texts of 1 to some 90 words, some repeated, some with capitals and spaces around them."""
    generator = torch.Generator().manual_seed(count)
    made = []
    for i in range(count):
        length = int(torch.randint(1, 90 if i % 7 == 0 else 20, (1,), generator=generator))
        picks = torch.randint(0, len(WORDS), (length,), generator=generator).tolist()
        text = " ".join(WORDS[pick] for pick in picks)
        made.append([text, text.title(), f"  {text} "][i % 3])
    return made
