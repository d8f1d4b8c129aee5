"""Whether an arm can serve a collection, and why not: known before anything is encoded."""

from __future__ import annotations

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.pictures import can_read
from mrl_demo.arms.transforms.base import Choosy
from mrl_demo.core.types import Corpus
from mrl_demo.models.registry import EncoderRegistry


def why_not(encoders: EncoderRegistry, arm: Arm, corpus: Corpus) -> str:
    """The reason why an arm cannot serve a corpus, "" if it can."""
    is_asked = corpus.has_pictures and arm.has_vectors and not encoders.is_given(arm.encoder)
    if is_asked and not can_read(encoders.encoder(arm.encoder), corpus):
        return "its model reads texts alone, and these are pictures: choose a model of both (CLIP, SigLIP)"
    return arm.transform.refusal(corpus) if isinstance(arm.transform, Choosy) else ""
