"""Models of the Hub that are known here: how each reads, pools and compares, for what lengths, under what licence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mrl_demo.models.specs import HUB_MODELS, ModelSpec

_SEARCH_PROMPT = "Represent this sentence for searching relevant passages: "
_QWEN_PROMPT = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"


@dataclass(frozen=True)
class KnownModel:
    """What a model's card says of it. `max_tokens` 0 is no limit, `trained_dims` () is no Matryoshka training.

    A model's own configuration goes before: prompts from here serve a model that configures none; the layer norm, the
    trained lengths and the licence are nowhere but here.

    >>> find_known("nomic-ai/nomic-embed-text-v1.5").layer_norm
    True
    """

    model_id: str
    dimension: int
    pooling: str
    max_tokens: int
    licence: str
    trained_dims: tuple[int, ...] = ()
    query_prompt: str = ""
    document_prompt: str = ""
    similarity: str = "cosine"
    is_normalised: bool = True
    layer_norm: bool = False
    brings_code: bool = False

    @property
    def is_commercial(self) -> bool:
        """Whether its licence lets a business use it."""
        return "-nc-" not in self.licence

    def notes(self) -> tuple[str, ...]:
        """What a person should know before using it."""
        if self.is_commercial:
            return ()
        return (f"Its licence, {self.licence}, allows no commercial use.",)


KNOWN_MODELS = (
    KnownModel("sentence-transformers/all-MiniLM-L6-v2", 384, "mean", 256, "apache-2.0"),
    KnownModel("sentence-transformers/all-mpnet-base-v2", 768, "mean", 384, "apache-2.0"),
    KnownModel("BAAI/bge-base-en-v1.5", 768, "cls", 512, "mit", query_prompt=_SEARCH_PROMPT),
    KnownModel(
        "nomic-ai/nomic-embed-text-v1.5", 768, "mean", 8192, "apache-2.0", (64, 128, 256, 512, 768),
        "search_query: ", "search_document: ", is_normalised=False, layer_norm=True, brings_code=True,
    ),
    KnownModel(
        "mixedbread-ai/mxbai-embed-large-v1", 1024, "cls", 512, "apache-2.0", (512, 1024), _SEARCH_PROMPT,
        is_normalised=False,
    ),
    KnownModel(
        "google/embeddinggemma-300m", 768, "mean", 2048, "gemma", (128, 256, 512, 768),
        "task: search result | query: ", "title: none | text: ",
    ),
    KnownModel(
        "Qwen/Qwen3-Embedding-0.6B", 1024, "lasttoken", 32768, "apache-2.0", (32, 64, 128, 256, 512, 768, 1024),
        _QWEN_PROMPT,
    ),
    KnownModel(
        "Snowflake/snowflake-arctic-embed-m-v2.0", 768, "cls", 8192, "apache-2.0", (256, 768), "query: ",
        brings_code=True,
    ),
    KnownModel("Snowflake/snowflake-arctic-embed-l-v2.0", 1024, "cls", 8192, "apache-2.0", (256, 1024), "query: "),
    KnownModel("MongoDB/mdbr-leaf-ir", 768, "mean", 512, "apache-2.0", query_prompt=_SEARCH_PROMPT),
    KnownModel(
        "sentence-transformers/static-retrieval-mrl-en-v1", 1024, "static", 0, "apache-2.0",
        (32, 64, 128, 256, 512, 1024), is_normalised=False,
    ),
    KnownModel(
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", 384, "mean", 128, "apache-2.0",
        is_normalised=False,
    ),
    KnownModel(
        "jinaai/jina-embeddings-v3", 1024, "mean", 8192, "cc-by-nc-4.0", (32, 64, 128, 256, 512, 768, 1024),
        "Represent the query for retrieving evidence documents: ", "Represent the document for retrieval: ",
        brings_code=True,
    ),
)  # fmt: skip


def find_known(model_id: str) -> KnownModel | None:
    """What is known of a Hub model, None for others; a short name of the registry's finds its model too."""
    by_name = {spec.name: spec.model_id for spec in HUB_MODELS}
    wanted = by_name.get(model_id, model_id).casefold()
    return next((model for model in KNOWN_MODELS if model.model_id.casefold() == wanted), None)


def with_known(spec: ModelSpec) -> ModelSpec:
    """A Hub model's spec, completed by what is known of the model; as it was for other models and lengths."""
    known = find_known(spec.model_id)
    if spec.source != "hub" or known is None:
        return spec
    has_prompts = bool(spec.query_prompt or spec.document_prompt)
    return replace(
        spec,
        layer_norm=known.layer_norm,
        trained_dims=spec.trained_dims or tuple(dim for dim in known.trained_dims if dim <= spec.dimension),
        query_prompt=spec.query_prompt if has_prompts else known.query_prompt,
        document_prompt=spec.document_prompt if has_prompts else known.document_prompt,
        licence=known.licence,
        notes=(*spec.notes, *known.notes()),
    )
