"""Weaviate: named vectors of both lengths; the shortlist's full vectors are compared in the client."""

from __future__ import annotations

from typing import Any

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, as_json

_QUANTISERS: dict[str, dict[str, Any]] = {
    "float32": {},
    "int8": {"rq": {"enabled": True, "bits": 8}},
    "binary": {"bq": {"enabled": True}},
}


def weaviate_files(setting: ExportSetting) -> dict[str, str]:
    """The body of `POST /v1/schema`."""
    return {"collection.json": as_json(weaviate_collection(setting))}


def weaviate_collection(setting: ExportSetting) -> dict[str, Any]:
    """Named vectors "head" (searched) and "full" (fetched with the shortlist)."""
    config = {"distance": "cosine", **_QUANTISERS[setting.precision]}
    vectors = {"head": _own_vector("hnsw", config)}
    if setting.rescore_dim:
        vectors["full"] = _own_vector("flat", {"distance": "cosine"})
    properties = [{"name": "doc_id", "dataType": ["text"]}]
    return {"class": "Documents", "vectorConfig": vectors, "properties": properties}


def _own_vector(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"vectorizer": {"none": {}}, "vectorIndexType": kind, "vectorIndexConfig": config}


TARGET = Target(
    "weaviate", "Weaviate", tuple(_QUANTISERS), weaviate_files, reranks=True, needs="Weaviate 1.32 or newer"
)
