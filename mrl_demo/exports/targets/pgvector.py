"""PostgreSQL with pgvector: one column, an expression index on its prefix, re-ranking in SQL."""

from __future__ import annotations

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, fill_script

_SCRIPT = "pgvector_index.py"


def pgvector_files(setting: ExportSetting) -> dict[str, str]:
    """The script, and its statements as SQL to paste."""
    return {_SCRIPT: fill_script(_SCRIPT, setting), "schema.sql": schema_sql(setting)}


def schema_sql(setting: ExportSetting) -> str:
    """Table, index and query; the query's parameter is the rotated unit vector of the stored length."""
    dim, kind = setting.dim, "halfvec" if setting.precision == "float16" else "vector"
    stored = f"vector({setting.stored_dim})" if setting.rescore_dim or kind == "vector" else f"halfvec({dim})"
    operator, operators = ("<=>", f"{kind}_cosine_ops")
    prefix = f"subvector(%s, 1, {dim})::{kind}({dim})"
    if setting.precision == "binary":
        operator, operators, prefix = "<~>", "bit_hamming_ops", f"binary_quantize({prefix})::bit({dim})"
    elif stored.startswith("halfvec"):
        prefix = "%s"
    column, query = prefix.replace("%s", "embedding"), prefix.replace("%s", f"$1::{stored}")
    inner = f"SELECT id, embedding FROM documents ORDER BY {column} {operator} {query}"
    search = f"{inner.replace(', embedding', '')} LIMIT 10;"
    if setting.rescore_dim:
        search = (
            f"SELECT id FROM (\n    {inner} LIMIT {setting.shortlist}\n) AS shortlist\n"
            f"ORDER BY embedding <=> $1::{stored} LIMIT 10;"
        )
    return (
        "CREATE EXTENSION IF NOT EXISTS vector;  -- 0.8 or newer: subvector\n"
        f"CREATE TABLE documents (row bigint PRIMARY KEY, id text UNIQUE NOT NULL, embedding {stored} NOT NULL);\n"
        f"CREATE INDEX documents_prefix ON documents USING hnsw (({column}) {operators});\n"
        f"SET hnsw.ef_search = {min(1_000, 2 * setting.shortlist)};\n"
        f"-- $1: the query, prepared as the documents were (prepare.py).\n{search}\n"
    )


TARGET = Target(
    "pgvector",
    "PostgreSQL with pgvector",
    ("float32", "float16", "binary"),
    pgvector_files,
    reranks=True,
    needs='pip install "psycopg[binary]"; a PostgreSQL server with pgvector 0.8 or newer',
    was_run=True,
)
