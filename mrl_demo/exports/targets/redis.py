"""Redis: a vector field over hashes; the shortlist's full vectors are compared in the client."""

from __future__ import annotations

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target

_TYPES = {"float32": "FLOAT32", "float16": "FLOAT16"}


def redis_files(setting: ExportSetting) -> dict[str, str]:
    """The commands that make and search the index."""
    return {"commands.txt": redis_commands(setting)}


def redis_commands(setting: ExportSetting) -> str:
    """`FT.CREATE`, `HSET`, `FT.SEARCH`; vectors go in as the bytes of prepare.py's rows."""
    kind = _TYPES[setting.precision]
    wanted = setting.shortlist if setting.rescore_dim else 10
    full = " full <full(document) as float32 bytes>" if setting.rescore_dim else ""
    returned = "2 id full" if setting.rescore_dim else "1 id"
    second = "# Re-rank the shortlist by the dot product of `full` with full(query), and keep ten.\n"
    return (
        f"FT.CREATE documents ON HASH PREFIX 1 doc: SCHEMA id TAG head VECTOR HNSW 6 TYPE {kind} DIM {setting.dim} "
        "DISTANCE_METRIC COSINE\n"
        f"HSET doc:1 id <id> head <head(document) as {kind.lower()} bytes>{full}\n"
        f'FT.SEARCH documents "*=>[KNN {wanted} @head $head AS distance]" PARAMS 2 head <head(query) as '
        f"{kind.lower()} bytes> SORTBY distance LIMIT 0 {wanted} RETURN {returned} DIALECT 2\n"
        f"{second if setting.rescore_dim else ''}"
    )


TARGET = Target("redis", "Redis", tuple(_TYPES), redis_files, reranks=True, needs="Redis 8, or the search module")
