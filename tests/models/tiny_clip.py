"""A tiny CLIP as sentence-transformers saves it: 24 numbers for words and for pictures."""

from __future__ import annotations

import json
from pathlib import Path

import torch


def save_tiny_clip(folder: Path) -> Path:
    """Make one with random weights (seeded) in `folder` and return the folder to load."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Transformer
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor, CLIPTokenizer

    torch.manual_seed(0)
    raw, made = folder / "raw", folder / "tiny-clip"
    raw.mkdir(parents=True)
    letters = [chr(code) for code in range(97, 123)]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (raw / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    (raw / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(raw / "vocab.json"), str(raw / "merges.txt"), model_max_length=32)
    end = len(tokens) - 1
    width = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    words = {"vocab_size": len(tokens), "max_position_embeddings": 32, "eos_token_id": end, "bos_token_id": end - 1}
    config = CLIPConfig(
        text_config={**width, **words, "pad_token_id": end},
        vision_config={**width, "image_size": 32, "patch_size": 8},
        projection_dim=24,
    )
    CLIPModel(config).save_pretrained(raw)
    size = {"height": 32, "width": 32}
    CLIPProcessor(CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=size), tokenizer).save_pretrained(raw)
    SentenceTransformer(modules=[Transformer(str(raw))]).save_pretrained(str(made), create_model_card=False)
    return made
