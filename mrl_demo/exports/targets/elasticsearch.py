"""Elasticsearch: `dense_vector` fields of both lengths; quantised index, re-ranking by a script score."""

from __future__ import annotations

from typing import Any

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, as_json

_INDEXES = {"float32": "hnsw", "int8": "int8_hnsw", "int4": "int4_hnsw", "binary": "bbq_hnsw"}


def elasticsearch_files(setting: ExportSetting) -> dict[str, str]:
    """The body of `PUT /documents`, and that of `POST /documents/_search`."""
    return {"mapping.json": as_json(elastic_mapping(setting)), "search.json": as_json(elastic_search(setting))}


def elastic_mapping(setting: ExportSetting) -> dict[str, Any]:
    """Fields "head" (searched) and "full" (kept for the second stage); unit rows, so a dot product is a cosine."""
    options: dict[str, Any] = {"type": _INDEXES[setting.precision]}
    if setting.precision != "float32":  # The engine's own re-ranking by the cut float32 numbers, or none.
        options["rescore_vector"] = {"oversample": 0}
    head = {"type": "dense_vector", "dims": setting.dim, "similarity": "dot_product", "index_options": options}
    fields: dict[str, Any] = {"head": head}
    if setting.rescore_dim:
        fields["full"] = {"type": "dense_vector", "dims": setting.rescore_dim, "index": False}
    return {"mappings": {"properties": fields}}


def elastic_search(setting: ExportSetting) -> dict[str, Any]:
    """A query whose vectors are named where prepare.py's numbers go."""
    wanted = setting.shortlist if setting.rescore_dim else 10
    knn = {"field": "head", "query_vector": ["head(query)"], "k": wanted, "num_candidates": max(100, 2 * wanted)}
    body: dict[str, Any] = {"size": 10, "query": {"knn": knn}}
    if setting.rescore_dim:
        score = {"source": "dotProduct(params.full, 'full') + 1.0", "params": {"full": ["full(query)"]}}
        second = {"script_score": {"query": {"match_all": {}}, "script": score}}
        rescore = {"rescore_query": second, "query_weight": 0, "rescore_query_weight": 1}
        body["rescore"] = {"window_size": wanted, "query": rescore}
    return body


TARGET = Target(
    "elasticsearch",
    "Elasticsearch",
    tuple(_INDEXES),
    elasticsearch_files,
    reranks=True,
    needs="Elasticsearch 8.18 or newer",
)
