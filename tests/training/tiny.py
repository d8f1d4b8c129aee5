"""A random BERT of 2 layers x 32 numbers made on the spot, and rows to train it on."""

from __future__ import annotations

import json
from pathlib import Path

import torch

TOPICS = [
    ["bread", "dough", "oven", "yeast", "flour"],
    ["moon", "star", "orbit", "comet", "planet"],
    ["liver", "heart", "lung", "blood", "bone"],
    ["river", "lake", "ocean", "tide", "rain"],
    ["guitar", "piano", "drum", "opera", "choir"],
    ["wool", "needle", "thread", "loom", "button"],
    ["coin", "bank", "loan", "tax", "price"],
    ["tiger", "eagle", "whale", "ant", "bee"],
]
WORDS = [word for topic in TOPICS for word in topic]


def make_tiny_model(folder: Path, width: int = 32) -> Path:
    """Save a sentence-transformers folder with mean pooling and Normalize."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(0)
    raw = folder.parent / f"{folder.name}-raw"
    raw.mkdir(parents=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "how", "what", "about", "and", "the"]
    (raw / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(str(raw / "vocab.txt")).save_pretrained(raw)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=width, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(raw)
    transformer = Transformer(str(raw), max_seq_length=32)
    model = SentenceTransformer(modules=[transformer, Pooling(width), Normalize()], device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def rows(count: int = 80) -> list[dict[str, str]]:
    """Rows whose query and positive share a topic."""
    found = []
    for i in range(count):
        topic = TOPICS[i % len(TOPICS)]
        a, b, c = (topic[(i // len(TOPICS) + k) % 5] for k in range(3))
        words = WORDS[i % len(WORDS)], WORDS[(7 * i + 3) % len(WORDS)]
        found.append({"query": f"how {a} and {words[0]}", "positive": f"the {b} {c} about {a} {words[0]} {words[1]}"})
    return found


def write_jsonl(path: Path, items: list[dict[str, str]]) -> Path:
    """Write one JSON object a line."""
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path
