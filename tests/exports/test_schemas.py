"""What cannot be run here is held to the fields and values that the engine's documentation lists."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest

from mrl_demo.exports.catalogue import EXPORT_TARGETS, find_target, make_bundle
from mrl_demo.exports.setting import ExportError, ExportSetting, ModelSource
from tests.exports.conftest import World

#: Every key that the engine's reference lists at the places where we use them.
KEYS = {
    "elasticsearch": "mappings properties type dims similarity index_options index rescore_vector oversample size "
    "query knn field query_vector k num_candidates rescore window_size rescore_query query_weight rescore_query_weight "
    "script_score match_all script source params head full",
    "opensearch": "settings index knn mappings properties type dimension method name engine space_type parameters "
    "encoder mode compression_level size query vector k rescore window_size rescore_query query_weight "
    "rescore_query_weight script_score match_all script lang source params field query_value head full",
    "weaviate": "class vectorConfig vectorizer none vectorIndexType vectorIndexConfig distance rq bq enabled bits "
    "properties name dataType head full",
    "azure-ai-search": "name fields type key searchable retrievable stored dimensions vectorSearchProfile vectorSearch "
    "algorithms kind hnswParameters metric compressions truncationDimension rescoringOptions enableRescoring "
    "defaultOversampling rescoreStorageMethod scalarQuantizationParameters quantizedDataType profiles algorithm "
    "compression select vectorQueries vector fields k oversampling",
    "vespa": "yql ranking hits input.query(head) input.query(full)",
    "vllm": "is_matryoshka matryoshka_dimensions model input dimensions",
    "sglang": "is_matryoshka matryoshka_dimensions model input dimensions",
    "tei": "is_matryoshka matryoshka_dimensions model input dimensions",
    "redis": "",
}
VALUES = {
    "elasticsearch": {
        "similarity": {"dot_product"},
        "index_options.type": {"hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw"},
    },
    "opensearch": {"compression_level": {"32x"}, "mode": {"on_disk"}, "engine": {"faiss"}},
    "azure-ai-search": {"kind": {"hnsw", "scalarQuantization", "binaryQuantization", "vector"}},
}
SETTINGS = [(target, precision) for target in EXPORT_TARGETS for precision in target.precisions]


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in keys_of(item)}
    return {key for item in value for key in keys_of(item)} if isinstance(value, list) else set()


def values_at(value: Any, path: list[str]) -> list[Any]:
    """Values under a key, at any depth; "a.b" is b right below a."""
    if isinstance(value, list):
        return [found for item in value for found in values_at(item, path)]
    if not isinstance(value, dict):
        return []
    deeper = [found for item in value.values() for found in values_at(item, path)]
    here = value
    for key in path:
        here = here.get(key) if isinstance(here, dict) else None
    return [*deeper, here] if isinstance(here, str) else deeper


@pytest.mark.parametrize(("target", "precision"), SETTINGS, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("rescore_dim", [0, 384])
def test_configs_hold_documented_fields_only(target: Any, precision: str, rescore_dim: int, world: World) -> None:
    setting = world.setting(precision=precision, rescore_dim=rescore_dim if target.reranks else 0)
    bundle = make_bundle(target, setting)
    assert {"README.md", "prepare.py", "rotation.npy", "setting.json"} < set(bundle.files)
    for name in bundle.files:
        if name.endswith(".py"):
            ast.parse(bundle.text(name))
            assert "# setting:" not in bundle.text(name), "a line was left as it ships"
        if name.endswith(".json") and name != "setting.json":
            config = json.loads(bundle.text(name))
            assert keys_of(config) <= set(KEYS[target.name].split())
            for path, allowed in VALUES.get(target.name, {}).items():
                assert set(values_at(config, path.split("."))) <= allowed
    if not target.was_run:
        assert "not run here" in bundle.text("README.md")


def test_vespa_gets_types_of_both_lengths_and_phased_ranking(world: World) -> None:
    schema = make_bundle(find_target("vespa"), world.setting(precision="binary", rescore_dim=384)).text("documents.sd")
    assert schema.count("{") == schema.count("}")
    assert "field head type tensor<int8>(x[8])" in schema
    assert "distance-metric: hamming" in schema
    assert "field full type tensor<float>(x[384])" in schema
    assert re.search(
        r"second-phase \{\s+expression: sum\(query\(full\) \* attribute\(full\)\)\s+rerank-count: 40", schema
    )


def test_azure_cuts_itself_and_keeps_the_whole_vector_to_rerank(world: World) -> None:
    index = json.loads(
        make_bundle(find_target("azure-ai-search"), world.setting(precision="int8", rescore_dim=384)).text("index.json")
    )
    (compression,) = index["vectorSearch"]["compressions"]
    assert compression["truncationDimension"] == 64
    assert index["fields"][1]["dimensions"] == 384
    with pytest.raises(ExportError, match="rescore-dim is 384 or 0"):
        make_bundle(find_target("azure-ai-search"), world.setting(precision="int8", rescore_dim=128))


def test_servers_are_told_that_the_model_may_be_cut(world: World) -> None:
    plain = world.setting(rotation=None)
    bundle = make_bundle(find_target("vllm"), plain)
    assert json.loads(bundle.text("config-entries.json"))["matryoshka_dimensions"] == [8, 16, 32, 64, 128, 256, 384]
    assert "--hf-overrides" in bundle.text("serve.sh")
    assert plain.model.name in bundle.text("serve.sh")
    rotated = make_bundle(find_target("sglang"), world.setting())
    assert "served-model" in rotated.text("serve.sh"), "a rotation is served as a Dense layer of a folder"
    assert "sentence_transformers_model.py" in rotated.files


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("milvus", {"precision": "int8"}, "does not store int8 here: choose --precision float32, float16"),
        ("vllm", {"rescore_dim": 384}, "does not re-rank"),
        ("faiss", {"precision": "binary", "dim": 12}, "fill whole bytes: 12"),
        ("faiss", {"rescore_dim": 32}, "rescore-dim is 32, shorter than the first stage's 64"),
        ("faiss", {"dim": 400, "rotation": None}, "Dimension 400"),
        ("faiss", {"shortlist": 0}, "shortlist is 0"),
        ("faiss", {"full_dim": 512}, "turns 384 numbers, not 512"),
        ("no-such-db", {}, "There is no export 'no-such-db': choose one of sentence-transformers, numpy"),
    ],
)
def test_what_fits_no_engine_is_refused_with_the_value(
    name: str, changes: dict[str, Any], words: str, world: World
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        make_bundle(find_target(name), world.setting(**changes))


def test_hostile_names_stay_text_in_scripts() -> None:
    prompt = 'x"; import os; os.remove("/")  #\n'
    setting = ExportSetting("a", ModelSource("m'); boom(", query_prompt=prompt), 8, 4)
    script = ast.parse(make_bundle(find_target("numpy"), setting).text("prepare.py"))
    calls = [node for node in ast.walk(script) if isinstance(node, ast.Call)]
    assert not any(isinstance(call.func, ast.Name) and call.func.id == "boom" for call in calls)
    assert prompt in [node.value for node in ast.walk(script) if isinstance(node, ast.Constant)]
