"""Vespa: tensor types of both lengths, and phased ranking."""

from __future__ import annotations

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, as_json

_CELLS = {"float32": "float", "float16": "bfloat16", "int8": "int8", "binary": "int8"}


def vespa_files(setting: ExportSetting) -> dict[str, str]:
    """The schema, and the body of a query."""
    return {"documents.sd": vespa_schema(setting), "query.json": as_json(vespa_query(setting))}


def head_type(setting: ExportSetting) -> str:
    """The tensor type of the first stage; binary packs eight signs into an int8 cell."""
    width = setting.dim // 8 if setting.precision == "binary" else setting.dim
    return f"tensor<{_CELLS[setting.precision]}>(x[{width}])"


def vespa_schema(setting: ExportSetting) -> str:
    """Fields, the index on the head, and a profile whose second phase re-ranks the shortlist by the full cosine."""
    metric = {"binary": "hamming", "int8": "angular"}.get(setting.precision, "prenormalized-angular")
    lines = [
        "schema documents {",
        "    document documents {",
        "        field id type string { indexing: summary | attribute }",
        f"        field head type {head_type(setting)} {{",
        "            indexing: attribute | index",
        f"            attribute {{ distance-metric: {metric} }}",
        "        }",
    ]
    if setting.rescore_dim:
        lines += [
            f"        field full type tensor<float>(x[{setting.rescore_dim}]) {{",
            "            indexing: attribute",
            "            attribute: paged  # On disk: only the second phase reads it.",
            "        }",
        ]
    lines += ["    }", "    rank-profile short inherits default {", "        inputs {"]
    lines += [f"            query(head) {head_type(setting)}"]
    if setting.rescore_dim:
        lines += [f"            query(full) tensor<float>(x[{setting.rescore_dim}])"]
    lines += ["        }", "        first-phase { expression: closeness(field, head) }"]
    if setting.rescore_dim:
        lines += [
            "        second-phase {",
            "            expression: sum(query(full) * attribute(full))",
            f"            rerank-count: {setting.shortlist}",
            "        }",
        ]
    return "\n".join([*lines, "    }", "}", ""])


def vespa_query(setting: ExportSetting) -> dict[str, object]:
    """A query whose vectors are named where prepare.py's numbers go."""
    wanted = setting.shortlist if setting.rescore_dim else 10
    query: dict[str, object] = {
        "yql": f"select id from documents where {{targetHits: {wanted}}}nearestNeighbor(head, head)",
        "ranking": "short",
        "hits": 10,
        "input.query(head)": ["head(query)"],
    }
    return query | ({"input.query(full)": ["full(query)"]} if setting.rescore_dim else {})


TARGET = Target("vespa", "Vespa", tuple(_CELLS), vespa_files, reranks=True, needs="Vespa 8")
