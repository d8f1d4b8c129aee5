"""The targets there are, and the bundle of one: scripts, rotation, setting and what to do with them."""

from __future__ import annotations

from mrl_demo.exports.setting import ExportError, ExportSetting
from mrl_demo.exports.target import Bundle, Target, as_json, fill_script, rotation_file
from mrl_demo.exports.targets import (
    azure_ai_search,
    elasticsearch,
    faiss,
    lancedb,
    milvus,
    numpy,
    opensearch,
    pgvector,
    qdrant,
    redis,
    sentence_transformers,
    servers,
    sqlite_vec,
    vespa,
    weaviate,
)

EXPORT_TARGETS: tuple[Target, ...] = (
    sentence_transformers.TARGET,
    numpy.TARGET,
    faiss.TARGET,
    pgvector.TARGET,
    qdrant.TARGET,
    milvus.TARGET,
    lancedb.TARGET,
    sqlite_vec.TARGET,
    elasticsearch.TARGET,
    opensearch.TARGET,
    vespa.TARGET,
    weaviate.TARGET,
    redis.TARGET,
    azure_ai_search.TARGET,
    servers.VLLM,
    servers.SGLANG,
    servers.TEI,
)
_NOT_RUN = "not run here: checked against the engine's documented schema only"
_RUN = "run in our tests against the real engine, which returned our own top ten"


def find_target(name: str) -> Target:
    """The target of that name; raises `ExportError` naming those there are."""
    for target in EXPORT_TARGETS:
        if target.name == name.strip().lower():
            return target
    known = ", ".join(target.name for target in EXPORT_TARGETS)
    raise ExportError(f"There is no export {name!r}: choose one of {known}.").about("format")


def make_bundle(target: Target, setting: ExportSetting) -> Bundle:
    """All files of an export; raises `ExportError` if the target cannot hold the setting."""
    target.check(setting)
    files: dict[str, str | bytes] = dict(target.files(setting))
    files["prepare.py"] = fill_script("prepare.py", setting)
    if setting.rotation is not None:
        files["rotation.npy"] = rotation_file(setting)
    files["setting.json"] = as_json({"target": target.name, **setting.to_dict()})
    readme = {"README.md": describe_export(target, setting)}
    folder = setting.model.folder
    return Bundle(target.name, {**readme, **files}, {"model": folder} if folder is not None else {})


def describe_export(target: Target, setting: ExportSetting) -> str:
    """What the bundle holds and how it is used, as Markdown."""
    model = "the folder `model`" if setting.model.folder is not None else f"`{setting.model.name}`"
    second = (
        f"The best {setting.shortlist} are re-ranked by the float32 cosine of {setting.rescore_dim} numbers "
        f"({setting.bytes_kept:,} bytes more a vector; a disk will do)."
        if setting.rescore_dim
        else "There is no second stage."
    )
    rotation = (
        f"Vectors are turned by `rotation.npy` before the cut (sha256 `{setting.rotation.fingerprint}`); `prepare.py` "
        "refuses any other. Documents and queries need the same one."
        if setting.rotation is not None
        else "Vectors are cut as the model gives them."
    )
    return (
        f"# {setting.arm} at {setting.dim} of {setting.full_dim} numbers, {setting.precision}, for {target.label}\n\n"
        f"Vectors come from {model}. {rotation} Then they are cut to {setting.dim} numbers **and re-normalised**: "
        f"{setting.bytes_searched:,} bytes a vector instead of {4 * setting.full_dim:,}. {second}\n\n"
        f"Needs: {target.needs}. This export was {_RUN if target.was_run else _NOT_RUN}.\n\n"
        "`prepare.py` turns full-length vectors into what the engine is given (`head`, `full`); `setting.json` says "
        "all of the above to programs. Keep both with the index: vectors of another setting do not fit it.\n"
    )
