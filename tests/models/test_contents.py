"""A model's folder: hashed whole, and refused by name before anything of it is loaded if it could run code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.files.contents import check_contents, folder_digest
from mrl_demo.models.registry import EncoderRegistry
from mrl_demo.models.specs import HUB_MODELS, ModelOptions
from tests.models.zoo import ZOO


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ZOO["mean"](tmp_path_factory.mktemp("models") / "model")


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "mine"))


def change_json(path: Path, **changes: Any) -> None:
    raw = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(raw | changes), encoding="utf-8")


def fingerprint(folder: Path, options: ModelOptions | None = None) -> str:
    registry = EncoderRegistry(Settings(device="cpu"))
    return registry.encoder(registry.add_model(str(folder), options=options or ModelOptions())).fingerprint


CHANGES: dict[str, Callable[[Path], None]] = {
    "pooling": lambda folder: change_json(folder / "1_Pooling" / "config.json", pooling_mode="cls"),
    "prompts": lambda folder: change_json(
        folder / "config_sentence_transformers.json", prompts={"query": "ask : ", "document": ""}
    ),
    "token limit": lambda folder: change_json(folder / "tokenizer_config.json", model_max_length=16),
    "similarity": lambda folder: change_json(folder / "config_sentence_transformers.json", similarity_fn_name="dot"),
    "tokenizer": lambda folder: (folder / "tokenizer.json").write_text(
        (folder / "tokenizer.json").read_text(encoding="utf-8").replace('"lowercase":true', '"lowercase":false')
        .replace('"lowercase": true', '"lowercase": false'), encoding="utf-8",
    ) and None,
    "modules": lambda folder: (folder / "modules.json").write_text(
        json.dumps(json.loads((folder / "modules.json").read_text(encoding="utf-8"))[:2]), encoding="utf-8"
    ) and None,
    "a new file": lambda folder: (folder / "chat_template.jinja").write_text("{{ x }}", encoding="utf-8") and None,
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_can_change_a_vector_changes_the_fingerprint(folder: Path, original: Path, change: str) -> None:
    CHANGES[change](folder)
    assert folder_digest(folder) != folder_digest(original)
    assert fingerprint(folder) != fingerprint(original)


def test_a_read_me_or_a_move_changes_no_fingerprint(folder: Path, original: Path, tmp_path: Path) -> None:
    before = fingerprint(folder)
    (folder / "README.md").write_text("Other words.", encoding="utf-8")
    moved = shutil.copytree(folder, tmp_path / "elsewhere" / "mine")
    assert fingerprint(folder) == before == fingerprint(moved)
    assert folder_digest(folder) == folder_digest(original)


def test_options_and_library_versions_are_part_of_the_fingerprint(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = [ModelOptions(), ModelOptions("ask : "), ModelOptions(None, "text : "), ModelOptions(max_tokens=8)]
    assert len({fingerprint(folder, option) for option in options}) == len(options)
    before = fingerprint(folder)
    monkeypatch.setattr("mrl_demo.models.specs.library_versions", lambda: "transformers 99.0")
    assert fingerprint(folder) != before


def test_an_adapters_fingerprint_covers_the_model_it_belongs_to(tmp_path: Path) -> None:
    folder = ZOO["peft"](tmp_path / "adapter")
    before = folder_digest(folder)
    change_json(tmp_path / "peft-base" / "1_Pooling" / "config.json", pooling_mode="cls")
    assert folder_digest(folder) != before


def test_a_folder_that_changes_while_the_lab_runs_is_not_taken_for_what_it_was(folder: Path) -> None:
    """Its loaded model goes on as it is; whoever would load it again is told."""
    registry = EncoderRegistry(Settings(device="cpu"))
    name = registry.add_model(str(folder))
    encoder = registry.encoder(name)
    before = encoder.encode_queries(["bread"])
    CHANGES["pooling"](folder)
    np.testing.assert_array_equal(encoder.encode_queries(["bread"]), before)
    with pytest.raises(ModelError, match="has changed since it was added"):
        registry.encoder(registry.limited(name, 4)).encode_queries(["bread"])


@pytest.mark.parametrize(
    "setting",
    [
        {"auto_map": {"AutoModel": "modeling.Model"}},
        {"trust_remote_code": True},
        {"_attn_implementation": "someone/kernel"},
        {"_attn_implementation_internal": "someone/kernel"},
        {"text_config": {"auto_map": {"AutoModel": "modeling.Model"}}},
    ],
    ids=str,
)
def test_a_configuration_that_brings_code_is_refused_by_name(folder: Path, setting: dict[str, Any]) -> None:
    change_json(folder / "config.json", **setting)
    name = next(iter(setting["text_config"])) if "text_config" in setting else next(iter(setting))
    with pytest.raises(ModelError, match=rf"^mine: config\.json sets '{name}'.*none is run here"):
        EncoderRegistry(Settings(device="cpu")).add_model(str(folder))


def test_the_model_of_an_adapter_is_looked_at_too(tmp_path: Path) -> None:
    folder = ZOO["peft"](tmp_path / "adapter")
    change_json(tmp_path / "peft-base" / "config.json", auto_map={"AutoModel": "modeling.Model"})
    with pytest.raises(ModelError, match=r"^adapter: config\.json sets 'auto_map'"):
        EncoderRegistry(Settings(device="cpu")).add_model(str(folder))


def test_harmless_values_of_these_settings_are_no_reason_to_refuse(folder: Path) -> None:
    change_json(folder / "config.json", auto_map={}, trust_remote_code=False, _attn_implementation_autoset=True)
    check_contents(folder, "mine")


def test_modules_that_are_not_sentence_transformers_own_are_refused(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    modules[1]["type"] = "custom.Pooling"
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    with pytest.raises(ModelError, match=r"^mine: modules\.json names 'custom\.Pooling'"):
        EncoderRegistry(Settings(device="cpu")).add_model(str(folder))


def test_weights_that_are_pickled_alone_are_refused_by_name(folder: Path, tmp_path: Path) -> None:
    dense = ZOO["dense"](tmp_path / "dense")
    (weights,) = (dense / "2_Dense").glob("*.safetensors")
    torch.save({}, weights.with_name("pytorch_model.bin"))
    check_contents(dense, "dense")  # Beside .safetensors nobody reads it.
    weights.unlink()
    with pytest.raises(ModelError, match=r"^dense: 2_Dense/pytorch_model\.bin is pickled.*safe_serialization"):
        EncoderRegistry(Settings(device="cpu")).add_model(str(dense))
    for weights in folder.glob("*.safetensors"):
        weights.rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"^mine: pytorch_model\.bin is pickled"):
        EncoderRegistry(Settings(device="cpu")).add_model(str(folder))


def test_models_that_compare_by_something_else_than_cosine_are_refused(tmp_path: Path) -> None:
    """But for unit vectors, whose dot products and distances rank as their cosines do."""
    plain, unit = ZOO["no normalize"](tmp_path / "plain"), ZOO["mean"](tmp_path / "unit")
    for similarity, says in (("dot", "by dot product"), ("euclidean", "euclidean"), ("manhattan", "manhattan")):
        change_json(plain / "config_sentence_transformers.json", similarity_fn_name=similarity)
        with pytest.raises(ModelError, match=rf"plain compares by .*{says.split()[-1]}.*not of length 1"):
            EncoderRegistry(Settings(device="cpu")).add_model(str(plain))
    change_json(unit / "config_sentence_transformers.json", similarity_fn_name="dot")
    assert EncoderRegistry(Settings(device="cpu")).add_model(str(unit)) == "unit"


def test_a_saved_truncation_is_lifted_and_said(tmp_path: Path) -> None:
    registry = EncoderRegistry(Settings(device="cpu"))
    name = registry.add_model(str(ZOO["truncated"](tmp_path / "short")))
    encoder = registry.encoder(name)
    assert encoder.dimension == 32 and encoder.encode_queries(["bread"]).shape == (1, 32)
    assert registry.notes(name) == ("Its saved truncate_dim of 8 is lifted: its vectors have 32 numbers.",)
    assert "truncate_dim of 8" in registry.describe(name)


def test_prompts_that_nothing_uses_are_said(tmp_path: Path) -> None:
    registry = EncoderRegistry(Settings(device="cpu"))
    name = registry.add_model(str(ZOO["passage and corpus"](tmp_path / "prompted")))
    assert [note.split(" stands")[0] for note in registry.notes(name)] == [
        "Its prompt 'passage' ('text : ')",
        "Its prompt 'corpus' ('find : ')",
    ]


def test_prompts_can_be_given_to_a_model_that_configures_none(folder: Path) -> None:
    registry = EncoderRegistry(Settings(device="cpu"))
    plain = registry.encoder(registry.add_model(str(folder)))
    given = ModelOptions(query_prompt="ask : ", document_prompt="text : ")
    prompted = registry.encoder(registry.add_model(str(folder), options=given))
    assert plain is not prompted
    np.testing.assert_allclose(prompted.encode_queries(["bread"]), plain.encode_queries(["ask : bread"]), atol=1e-6)
    np.testing.assert_allclose(
        prompted.encode_documents(["bread"]), plain.encode_documents(["text : bread"]), atol=1e-6
    )


def test_models_that_ship_take_no_other_prompts_and_pinned_ones_do() -> None:
    registry = EncoderRegistry(Settings(device="cpu"))
    options = ModelOptions(query_prompt="ask : ")
    with pytest.raises(ModelError, match="minilm keeps its own"):
        registry.add_model("minilm", options=options)
    (bge, _) = HUB_MODELS
    encoder = registry.encoder(registry.add_model(bge.name, options=options))
    assert isinstance(encoder, SentenceEncoder)
    assert encoder.spec.query_prompt == "ask : " and encoder.fingerprint != bge.fingerprint
