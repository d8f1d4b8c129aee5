"""vLLM, SGLang and TEI: how each is told that a model may be cut, and the request that cuts it."""

from __future__ import annotations

import shlex

from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, as_json, fill_script

_SCRIPT = "sentence_transformers_model.py"
_CHECK = "mrl check-server --url http://127.0.0.1:{port}/v1 --model {model} --dim {dim}"


def config_entries(setting: ExportSetting) -> dict[str, object]:
    """What the model's `config.json` needs for `dimensions` to be taken; sentence-transformers writes neither."""
    lengths = sorted({dim for dim in TRAINED_DIMS if dim <= setting.full_dim} | {setting.dim, setting.full_dim})
    return {"is_matryoshka": True, "matryoshka_dimensions": lengths}


def vllm_files(setting: ExportSetting) -> dict[str, str]:
    """The command, the entries of `config.json`, and a request."""
    entries = as_json(config_entries(setting)).replace("\n", "").replace("  ", " ")
    command = f"vllm serve {served_model(setting)} --runner pooling --hf-overrides {shlex.quote(entries.strip())}"
    return _served(setting, command, 8000)


def sglang_files(setting: ExportSetting) -> dict[str, str]:
    """The command, the entries of `config.json`, and a request."""
    entries = as_json(config_entries(setting)).replace("\n", "").replace("  ", " ")
    command = (
        f"python -m sglang.launch_server --model-path {served_model(setting)} --is-embedding "
        f"--json-model-override-args {shlex.quote(entries.strip())}"
    )
    return _served(setting, command, 30000)


def tei_files(setting: ExportSetting) -> dict[str, str]:
    """The command and a request; TEI reads no entry of `config.json`."""
    return _served(setting, f"text-embeddings-router --model-id {served_model(setting)} --port 8080", 8080)


def served_model(setting: ExportSetting) -> str:
    """What the server loads: the model's name, or the folder that `make-model` fills if it needs a Dense layer."""
    needs_folder = setting.rotation is not None or setting.model.folder is not None or setting.model.layer_norm
    return "./served-model" if needs_folder else shlex.quote(setting.model.name)


def _served(setting: ExportSetting, command: str, port: int) -> dict[str, str]:
    model = served_model(setting)
    steps = ["#!/bin/sh", "set -e"]
    files: dict[str, str] = {}
    if model == "./served-model":
        steps.append(f"[ -d served-model ] || python {_SCRIPT} served-model")
        files[_SCRIPT] = fill_script(_SCRIPT, setting)
    steps.append(command)
    request = {"model": model, "input": [f"{setting.model.query_prompt}your question"], "dimensions": setting.dim}
    check = _CHECK.format(port=port, model=model, dim=setting.dim)
    return {
        "serve.sh": "\n".join(steps) + "\n",
        **files,
        "config-entries.json": as_json(config_entries(setting)),
        "request.json": as_json(request),
        "check.sh": f"#!/bin/sh\n# Does the server cut and re-normalise?\n{check}\n",
    }


VLLM = Target("vllm", "vLLM", ("float32",), vllm_files, needs="vLLM 0.10 or newer")
SGLANG = Target("sglang", "SGLang", ("float32",), sglang_files, needs="SGLang 0.5 or newer")
TEI = Target("tei", "Text Embeddings Inference", ("float32",), tei_files, needs="TEI 1.8 or newer")
