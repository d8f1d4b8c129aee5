"""The trained model as a user would load it: saved into the result, and read back from there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mrl_demo.core.types import FloatMatrix
from mrl_demo.models import run_folder
from mrl_demo.models.adapters import merge_adapter, read_manifest, save_standard_folder, write_manifest
from training.bases import Base
from training.config import TrainConfig
from training.fit.model import save_adapter

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@dataclass(frozen=True)
class ModelWriter:
    """Saves what was trained from `base` into the folder `result`: an adapter over it, or a whole model.

    The saved model reads as many tokens as its base (`own_limit`), however short training cut its texts.
    """

    config: TrainConfig
    base: Base
    own_limit: int
    result: Path

    def write(self, trained: SentenceTransformer, rotation: FloatMatrix | None) -> SentenceTransformer:
        """Save the trained model and return it loaded afresh."""
        return self._adapter(trained, rotation) if self.config.adapter.lora_rank else self._whole(trained)

    def _whole(self, trained: SentenceTransformer) -> SentenceTransformer:
        if self.own_limit:
            trained.max_seq_length = self.own_limit
        self._save(trained.cpu())
        return replace(self.base, folder=str(self.result / run_folder.MODEL)).load()

    def _adapter(self, trained: SentenceTransformer, rotation: FloatMatrix | None) -> SentenceTransformer:
        """The adapter's files; the whole model too, unless its base is packaged and everybody has it."""
        config, result = self.config, self.result
        save_adapter(trained, result, rotation, config.adapter.adapter_scale)
        base = self.base.load()
        dims = config.objective.dims if config.objective.matryoshka else ()
        dimension = int(base.get_embedding_dimension() or 0)
        write_manifest(result, config.name, self.base.content_sha256, dims, dimension)
        merged = merge_adapter(base, result, read_manifest(result))
        if self.base.spec.source != "package":
            self._save(merged)
        return merged

    def _save(self, model: SentenceTransformer) -> None:
        prompts = self.config.prompts
        model.prompts.update(query=prompts.query_prompt, document=prompts.document_prompt)
        save_standard_folder(model, self.result / run_folder.MODEL, self.config.objective.dims)
