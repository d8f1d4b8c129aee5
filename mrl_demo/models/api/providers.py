"""The protocols of embedding APIs as data: where texts go, in what words, and where vectors are in the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mrl_demo.core.types import TextTask

#: Builds a request's body from the model's name, texts, what they are, and the model's own fields.
BodyOf: TypeAlias = "Callable[[str, Sequence[str], TextTask, Mapping[str, object]], dict[str, object]]"
#: Takes vectors out of an answer; raises KeyError, TypeError or IndexError if they are not there.
VectorsOf: TypeAlias = Callable[[Any], list[list[float]]]


#: When the list prices below were looked up; docs/models.md says where.
PRICES_AS_OF = "November 2026"


@dataclass(frozen=True)
class ApiModel:
    """What is known of a model: trained lengths, US dollars a million tokens (list price), tokens read of a text.

    `dollars` None: no price is known; `max_tokens` 0: no limit is. `fields` of its requests ask for full-length vectors
    where the API would send shorter ones by default: cutting is done here.
    """

    trained_dims: tuple[int, ...] = ()
    dollars: float | None = None
    max_tokens: int = 0
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Provider:
    """One protocol: `base` is its address unless the variable `base_variable` has another.

    `keys` are the environment variables that may hold the key, the first that is set is used. `path` may contain
    {model}; {project} and {location} come from GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION. `batch` texts go into
    one request.

    >>> PROVIDERS["openai"].keys
    ('OPENAI_API_KEY',)
    """

    name: str
    base: str
    base_variable: str
    path: str
    keys: tuple[str, ...]
    header: str
    batch: int
    body: BodyOf
    vectors: VectorsOf
    models: Mapping[str, ApiModel] = field(default_factory=dict)
    is_key_needed: bool = True


def _openai_body(model: str, texts: Sequence[str], _task: TextTask, fields: Mapping[str, object]) -> dict[str, object]:
    return {"model": model, "input": list(texts), "encoding_format": "float", **fields}


def _voyage_body(model: str, texts: Sequence[str], task: TextTask, fields: Mapping[str, object]) -> dict[str, object]:
    return {"model": model, "input": list(texts), "input_type": task, "truncation": True, **fields}


def _cohere_body(model: str, texts: Sequence[str], task: TextTask, fields: Mapping[str, object]) -> dict[str, object]:
    kind = {"input_type": f"search_{task}", "embedding_types": ["float"], "truncate": "END"}
    return {"model": model, "texts": list(texts), **kind, **fields}


def _gemini_body(model: str, texts: Sequence[str], task: TextTask, fields: Mapping[str, object]) -> dict[str, object]:
    about = {"model": f"models/{model}", "taskType": f"RETRIEVAL_{task.upper()}", **fields}
    return {"requests": [{**about, "content": {"parts": [{"text": text}]}} for text in texts]}


def _vertex_body(_model: str, texts: Sequence[str], task: TextTask, fields: Mapping[str, object]) -> dict[str, object]:
    instances = [{"content": text, "task_type": f"RETRIEVAL_{task.upper()}"} for text in texts]
    return {"instances": instances, "parameters": {"autoTruncate": True, **fields}}


def _openai_vectors(answer: Any) -> list[list[float]]:  # noqa: ANN401 - whatever a server sends
    return [row["embedding"] for row in sorted(answer["data"], key=lambda row: row["index"])]


def _cohere_vectors(answer: Any) -> list[list[float]]:  # noqa: ANN401
    return list(answer["embeddings"]["float"])


def _gemini_vectors(answer: Any) -> list[list[float]]:  # noqa: ANN401
    return [row["values"] for row in answer["embeddings"]]


def _vertex_vectors(answer: Any) -> list[list[float]]:  # noqa: ANN401
    return [row["embeddings"]["values"] for row in answer["predictions"]]


_GEMINI = {"gemini-embedding-001": ApiModel((768, 1536, 3072), 0.15, 2_048)}
_VOYAGE_DIMS = (256, 512, 1024, 2048)
_VOYAGE_DOLLARS = {
    "voyage-4-large": 0.12,
    "voyage-4": 0.06,
    "voyage-4-lite": 0.02,
    "voyage-3.5": 0.06,
    "voyage-3.5-lite": 0.02,
    "voyage-3-large": 0.18,
}

OPENAI = Provider(
    "openai", "https://api.openai.com/v1", "OPENAI_BASE_URL", "/embeddings", ("OPENAI_API_KEY",), "Authorization", 128,
    _openai_body, _openai_vectors,
    {"text-embedding-3-small": ApiModel((512, 1536), 0.02, 8_192),
     "text-embedding-3-large": ApiModel((256, 1024, 3072), 0.13, 8_192)},
)  # fmt: skip
GEMINI = Provider(
    "gemini", "https://generativelanguage.googleapis.com/v1beta", "GEMINI_BASE_URL",
    "/models/{model}:batchEmbedContents", ("GEMINI_API_KEY", "GOOGLE_API_KEY"), "x-goog-api-key", 100,
    _gemini_body, _gemini_vectors, _GEMINI,
)  # fmt: skip
VERTEX = Provider(
    "vertex", "https://{location}-aiplatform.googleapis.com/v1", "VERTEX_BASE_URL",
    "/projects/{project}/locations/{location}/publishers/google/models/{model}:predict", ("VERTEX_ACCESS_TOKEN",),
    "Authorization", 1, _vertex_body, _vertex_vectors, _GEMINI,
)  # fmt: skip
COHERE = Provider(
    "cohere", "https://api.cohere.com/v2", "COHERE_BASE_URL", "/embed", ("COHERE_API_KEY", "CO_API_KEY"),
    "Authorization", 96, _cohere_body, _cohere_vectors,
    {
        "embed-v4.0": ApiModel((256, 512, 1024, 1536), 0.12, 128_000, {"output_dimension": 1536}),
        "embed-english-v3.0": ApiModel((), None, 512),
        "embed-multilingual-v3.0": ApiModel((), None, 512),
    },
)  # fmt: skip
VOYAGE = Provider(
    "voyage", "https://api.voyageai.com/v1", "VOYAGE_BASE_URL", "/embeddings", ("VOYAGE_API_KEY",),
    "Authorization", 128, _voyage_body, _openai_vectors,
    {
        name: ApiModel(_VOYAGE_DIMS, dollars, 32_000, {"output_dimension": _VOYAGE_DIMS[-1]})
        for name, dollars in _VOYAGE_DOLLARS.items()
    },
)  # fmt: skip
#: Any server that speaks OpenAI's protocol: vLLM, TEI, Ollama, llama.cpp. TEI takes 32 texts a request.
COMPATIBLE = Provider(
    "url", "", "", "/embeddings", ("MRL_API_KEY",), "Authorization", 32, _openai_body, _openai_vectors,
    is_key_needed=False,
)  # fmt: skip
PROVIDERS: Mapping[str, Provider] = {provider.name: provider for provider in (OPENAI, GEMINI, VERTEX, COHERE, VOYAGE)}
