"""OpenSearch: `knn_vector` fields of both lengths; faiss encoders or on-disk compression, re-ranking by a script."""

from __future__ import annotations

from typing import Any

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, as_json


def opensearch_files(setting: ExportSetting) -> dict[str, str]:
    """The body of `PUT /documents`, and that of `POST /documents/_search`."""
    return {"index.json": as_json(opensearch_index(setting)), "search.json": as_json(opensearch_query(setting))}


def opensearch_index(setting: ExportSetting) -> dict[str, Any]:
    """Fields "head" (searched) and "full" (kept for the second stage)."""
    method: dict[str, Any] = {"name": "hnsw", "engine": "faiss", "space_type": "innerproduct"}
    head: dict[str, Any] = {"type": "knn_vector", "dimension": setting.dim}
    if setting.precision == "binary":
        head |= {"space_type": "innerproduct", "mode": "on_disk", "compression_level": "32x"}
    else:
        if setting.precision == "float16":
            method["parameters"] = {"encoder": {"name": "sq", "parameters": {"type": "fp16"}}}
        head["method"] = method
    fields = {"head": head}
    if setting.rescore_dim:
        fields["full"] = {"type": "knn_vector", "dimension": setting.rescore_dim, "index": False}
    return {"settings": {"index": {"knn": True}}, "mappings": {"properties": fields}}


def opensearch_query(setting: ExportSetting) -> dict[str, Any]:
    """A query whose vectors are named where prepare.py's numbers go."""
    wanted = setting.shortlist if setting.rescore_dim else 10
    body: dict[str, Any] = {"size": 10, "query": {"knn": {"head": {"vector": ["head(query)"], "k": wanted}}}}
    if setting.rescore_dim:
        values = {"field": "full", "query_value": ["full(query)"], "space_type": "cosinesimil"}
        script = {"lang": "knn", "source": "knn_score", "params": values}
        second = {"script_score": {"query": {"match_all": {}}, "script": script}}
        rescore = {"rescore_query": second, "query_weight": 0, "rescore_query_weight": 1}
        body["rescore"] = {"window_size": wanted, "query": rescore}
    return body


TARGET = Target(
    "opensearch",
    "OpenSearch",
    ("float32", "float16", "binary"),
    opensearch_files,
    reranks=True,
    needs="OpenSearch 2.17 or newer",
)
