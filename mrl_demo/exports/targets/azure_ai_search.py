"""Azure AI Search: full-length vectors go in, the service cuts them (`truncationDimension`) and re-ranks itself."""

from __future__ import annotations

from typing import Any

from mrl_demo.exports.setting import ExportError, ExportSetting
from mrl_demo.exports.target import Target, as_json

_KINDS = {"int8": "scalarQuantization", "binary": "binaryQuantization"}


def azure_files(setting: ExportSetting) -> dict[str, str]:
    """The index' definition for api-version 2025-09-01, and a query; raises `ExportError` for lengths it has not."""
    if setting.rescore_dim not in {0, setting.full_dim}:
        says = f"Azure AI Search re-ranks by the whole vector: rescore-dim is {setting.full_dim} or 0 here."
        raise ExportError(says).about("rescore_dim")
    return {"index.json": as_json(azure_index(setting)), "query.json": as_json(azure_query(setting))}


def azure_index(setting: ExportSetting) -> dict[str, Any]:
    """The document field takes rotated unit rows of the full length; the compression keeps the first numbers."""
    compression = {
        "name": "short",
        "kind": _KINDS[setting.precision],
        "truncationDimension": setting.dim,
        "rescoringOptions": {
            "enableRescoring": bool(setting.rescore_dim),
            "defaultOversampling": max(1, setting.shortlist // 10),
            "rescoreStorageMethod": "preserveOriginals" if setting.rescore_dim else "discardOriginals",
        },
    }
    if setting.precision == "int8":
        compression["scalarQuantizationParameters"] = {"quantizedDataType": "int8"}
    profile = {"name": "short", "algorithm": "graph", "compression": "short"}
    search = {
        "algorithms": [{"name": "graph", "kind": "hnsw", "hnswParameters": {"metric": "cosine"}}],
        "compressions": [compression],
        "profiles": [profile],
    }
    vector = {"name": "embedding", "type": "Collection(Edm.Single)", "searchable": True, "retrievable": False}
    vector |= {"stored": False, "dimensions": setting.full_dim, "vectorSearchProfile": "short"}
    return {
        "name": "documents",
        "fields": [{"name": "id", "type": "Edm.String", "key": True}, vector],
        "vectorSearch": search,
    }


def azure_query(setting: ExportSetting) -> dict[str, Any]:
    """A query whose vector is named where prepare.py's numbers go: rotated and whole."""
    vector = {"kind": "vector", "vector": ["rotated(query)"], "fields": "embedding", "k": 10}
    if setting.rescore_dim:
        vector["oversampling"] = max(1, setting.shortlist // 10)
    return {"select": "id", "vectorQueries": [vector]}


TARGET = Target("azure-ai-search", "Azure AI Search", tuple(_KINDS), azure_files, reranks=True, needs="Azure AI Search")
