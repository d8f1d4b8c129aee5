"""Models of the Hub, of folders and of finished runs, whatever their base, as arms of the page and the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mrl_demo import cli
from mrl_demo.arms.menu import ArmMenu
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError
from mrl_demo.lab.lab import Lab
from mrl_demo.models.registry import EncoderRegistry
from tests.training.hub_stand_in import COMMIT, Repository, serving
from training.bases import find_base
from training.config import TrainConfig
from training.context import RunContext, RunOptions
from training.report import Report
from training.run import train

TEXTS = ["how bread and oven", "the moon and star", "a tiger"]


@pytest.fixture
def hub(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A Hub on the loopback address with the tiny model under the name someone/tiny, and an empty cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    with serving(Repository("someone/tiny", tiny_base)) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield address


@pytest.fixture
def fresh(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache")


def loaded(folder: Path) -> np.ndarray:
    """What sentence-transformers alone makes of `TEXTS`."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu").encode(TEXTS)


def test_a_hub_model_is_an_arm_at_the_commit_it_was_found_at(hub: str, fresh: Settings, tiny_base: Path) -> None:
    registry = EncoderRegistry(fresh)
    name = registry.add_model("someone/tiny")
    assert name == registry.add_model("someone/tiny") == "tiny"
    arm = next(arm for arm in ArmMenu(registry).arms() if arm.name == "tiny")
    assert "someone/tiny" in arm.description
    encoder = registry.encoder("tiny")
    assert encoder.dimension == 32
    np.testing.assert_allclose(encoder.encode_queries(TEXTS), loaded(tiny_base), atol=1e-5)
    pinned = EncoderRegistry(fresh)
    pinned.add_model(f"someone/tiny@{COMMIT}")
    assert pinned.encoder("tiny").fingerprint == encoder.fingerprint


def test_what_was_downloaded_is_there_when_the_hub_is_not(
    tiny_base: Path, fresh: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    with serving(Repository("someone/tiny", tiny_base)) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        EncoderRegistry(fresh).add_model(f"someone/tiny@{COMMIT}")
    registry = EncoderRegistry(fresh)
    assert registry.encoder(registry.add_model(f"someone/tiny@{COMMIT}")).encode_queries(TEXTS).shape == (3, 32)
    with pytest.raises(ModelError, match=rf"'someone/other' is no folder here, and {address} did not give it.*Check"):
        registry.add_model("someone/other")
    assert "other" not in registry.names()


def test_the_command_line_searches_and_measures_with_a_hub_model(
    hub: str, fresh: Settings, beir_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = ["--corpus", str(beir_folder), "--cache-dir", str(fresh.cache_dir), "--json"]
    assert cli.main(["search", "wasps", "--arm", "someone/tiny", "--dim", "8", *shared]) == 0
    assert json.loads(capsys.readouterr().out)["arms"][0]["arm"] == "tiny"
    command = ["evaluate", "--arms", "someone/tiny,someone/tiny+pca", "--dims", "4,32", "--split", "", *shared]
    assert cli.main(command) == 0
    assert "tiny+pca" in capsys.readouterr().out
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(fresh.cache_dir / "empty"))
    assert cli.main(["search", "wasps", "--arm", "someone/tiny", *shared]) == 2
    assert "127.0.0.1:9 did not give it" in capsys.readouterr().err


def test_a_known_hub_model_is_asked_for_only_when_its_first_text_comes(
    fresh: Settings, beir_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    lab = Lab(fresh)
    assert "bge-base" not in [arm.name for arm in lab.arms()]
    assert lab.add_arm("bge-base") == "bge-base"
    assert "bge-base" in [arm.name for arm in lab.arms()]
    with pytest.raises(ModelError, match=r"'BAAI/bge-base-en-v1.5' is no folder here.*Check the name and the connect"):
        lab.compare("wasps", corpus=lab.add_corpus(beir_folder), arms=["bge-base"], dim=8)


@pytest.mark.parametrize("given", ["nothing-here", "a/b/c", "../up", "someone/ti ny", ""])
def test_what_is_neither_folder_nor_hub_name_is_named(given: str, fresh: Settings) -> None:
    with pytest.raises(ModelError, match="neither a folder"):
        EncoderRegistry(fresh).add_model(given)


def test_folders_without_a_model_are_named(fresh: Settings, tiny_base: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"empty has no modules\.json"):
        EncoderRegistry(fresh).add_model(str(tmp_path / "empty"))
    shutil.copytree(tiny_base, tmp_path / "weightless", ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(ModelError, match=r"weightless holds no \.safetensors"):
        EncoderRegistry(fresh).add_model(str(tmp_path / "weightless"))


def test_a_folder_is_an_arm_beside_another_of_its_name(fresh: Settings, tiny_base: Path, tmp_path: Path) -> None:
    registry = EncoderRegistry(fresh)
    other = shutil.copytree(tiny_base, tmp_path / "other" / tiny_base.name)
    assert [registry.add_model(str(folder)) for folder in (tiny_base, other)] == ["tiny", "tiny-2"]
    np.testing.assert_allclose(registry.encoder("tiny-2").encode_queries(TEXTS), loaded(tiny_base), atol=1e-5)


def test_a_folder_s_own_plus_is_no_suffix(fresh: Settings, tiny_base: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_base, tmp_path / "mine+pca")
    lab = Lab(fresh)
    assert lab.add_arm(str(folder)) == "mine+pca"
    assert lab.add_arm(f"{folder}+random") == "mine+pca+random"
    arms = {arm.name: arm for arm in lab.arms()}
    assert [arms[name].transform.name for name in ("mine+pca", "mine+pca+random")] == ["cut", "random"]
    assert {arms[name].encoder for name in ("mine+pca", "mine+pca+random")} == {"mine+pca"}


@pytest.fixture
def in_cache(finished: Path, fresh: Settings) -> Path:
    """The finished run on the tiny base where the page's runs go."""
    return shutil.copytree(finished, fresh.cache_dir / "trained" / "mine")


def test_a_run_on_another_base_is_an_arm(in_cache: Path, fresh: Settings) -> None:
    registry = EncoderRegistry(fresh)
    assert "mine" in [arm.name for arm in ArmMenu(registry).arms()]
    assert "mine" not in registry.adapter_dirs()
    encoder = registry.encoder("mine")
    assert encoder.spec.trained_dims == (4, 8, 16, 32)  # type: ignore[attr-defined]
    np.testing.assert_allclose(encoder.encode_queries(TEXTS), loaded(in_cache / "model"), atol=1e-5)


def test_a_changed_weight_of_a_run_is_refused_by_name(in_cache: Path, fresh: Settings) -> None:
    (file,) = (in_cache / "model").glob("*.safetensors")
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    with pytest.raises(ModelError, match=r"model\.safetensors is not the file it should be"):
        EncoderRegistry(fresh).encoder("mine").encode_queries(TEXTS)


def test_a_file_that_the_run_did_not_leave_is_refused_by_name(in_cache: Path, fresh: Settings) -> None:
    (in_cache / "model" / "chat_template.jinja").write_text("{{ x }}", encoding="utf-8")
    with pytest.raises(ModelError, match=r"chat_template\.jinja is no file of the run"):
        EncoderRegistry(fresh).encoder("mine").encode_queries(TEXTS)


def test_an_adapter_whose_base_is_not_here_is_no_arm(in_cache: Path, fresh: Settings) -> None:
    shutil.rmtree(in_cache / "model")
    assert "mine" not in [arm.name for arm in ArmMenu(EncoderRegistry(fresh)).arms()]


@pytest.mark.parametrize("text", ["{", "[]", '{"key": 1}'])
def test_a_broken_seal_is_named(in_cache: Path, fresh: Settings, text: str) -> None:
    (in_cache / "training.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"training\.json|no whole run"):
        EncoderRegistry(fresh).encoder("mine")


def test_a_run_on_a_hub_model_with_all_weights_is_an_arm(hub: str, fresh: Settings, tiny_config: TrainConfig) -> None:
    config = tiny_config.changed(
        base="someone/tiny", lora_rank=0, rotation=False, steps=2, evaluations=1, query_prompt="how "
    )
    assert find_base(config).spec.source == "hub"
    out = fresh.cache_dir / "trained" / "whole"
    assert train(config, RunOptions(out), RunContext(fresh, Report(quiet=True)))
    registry = EncoderRegistry(fresh)
    (arm,) = (arm for arm in ArmMenu(registry).arms() if arm.name == "whole")
    assert "someone/tiny" in arm.description
    assert arm.trained_dims == (*config.objective.dims, 32)
    query, document = registry.encoder("whole").encode_queries(["star"]), loaded(out / "model")
    assert query.shape == (1, 32) and document.shape == (3, 32)
    assert registry.encoder("whole").spec.query_prompt == "how "  # type: ignore[attr-defined]
    # Its base stands beside it: "base" is another model, and so no before to its after.
    assert ArmMenu(registry).base_of("whole") == "tiny"
    assert "tiny" in [arm.name for arm in ArmMenu(registry).arms()]


def test_where_the_base_of_a_run_is_gone_it_stands_beside_the_packaged_one(in_cache: Path, fresh: Settings) -> None:
    seal = json.loads((in_cache / "training.json").read_text(encoding="utf-8"))
    (in_cache / "training.json").write_text(json.dumps(seal | {"base": "no base"}), encoding="utf-8")
    assert ArmMenu(EncoderRegistry(fresh)).base_of("mine") == "base"
    assert ArmMenu(EncoderRegistry(fresh)).base_of("tuned") == "base"
