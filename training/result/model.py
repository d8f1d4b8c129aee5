"""The trained model as a user would load it: saved into the result, and read back from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from mrl_demo.models import run_folder
from mrl_demo.models.shipped.adapters import (
    merge_adapter,
    read_manifest,
    save_standard_folder,
    with_rotation,
    write_manifest,
)
from training.bases import Base
from training.config import TrainConfig
from training.fit.model import save_adapter, save_matrix
from training.fit.training_set import TrainingSet
from training.result.blend import Blend

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

    def blend(self, trained: SentenceTransformer, training: TrainingSet) -> Blend:
        """The model at any share of what was trained; an adapter's files are left in `result` for `write`."""
        start, rotation = self.base.load(), training.rotation
        start = start if rotation is None else with_rotation(start, rotation)
        return Blend(start.to(trained.device), self._weights(trained, training))

    def write(self, trained: SentenceTransformer, training: TrainingSet, share: float) -> SentenceTransformer:
        """Save the trained model with that share of the training kept, and return it loaded afresh."""
        if self.config.adapter.lora_rank:
            self._save_adapter(trained, training, share)
            return self.write_adapter()
        if training.rotation is not None and training.trained_map is not None:
            save_matrix(self.result, training.rotation, training.trained_map, share)
        return self.write_whole(trained if share == 1 else self.blend(trained, training).at(share))

    def write_whole(self, model: SentenceTransformer) -> SentenceTransformer:
        """Save a model whose weights were all trained, and return it loaded afresh."""
        if self.own_limit:
            model.max_seq_length = self.own_limit
        self._save(model.cpu())
        return replace(self.base, folder=str(self.result / run_folder.MODEL)).load()

    def write_adapter(self) -> SentenceTransformer:
        """Name the adapter's files in `result` and return base with them merged in.

        The whole model is saved too, unless its base is packaged and everybody has it.
        """
        merged = self._merged()
        if self.base.spec.source != "package":
            self._save(merged)
        return merged

    def _weights(self, trained: SentenceTransformer, training: TrainingSet) -> Mapping[str, Tensor]:
        """All weights with the whole of the training in them."""
        if not self.config.adapter.lora_rank:
            return trained.state_dict()
        self._save_adapter(trained, training, 1.0)
        return self._merged().state_dict()

    def _save_adapter(self, trained: SentenceTransformer, training: TrainingSet, share: float) -> None:
        save_adapter(trained, self.result, share)
        if training.rotation is not None:
            save_matrix(self.result, training.rotation, training.trained_map, share)

    def _merged(self) -> SentenceTransformer:
        config, base = self.config, self.base.load()
        dims = config.objective.dims if config.objective.matryoshka else ()
        dimension = int(base.get_embedding_dimension() or 0)
        write_manifest(self.result, config.name, self.base.content_sha256, dims, dimension)
        return merge_adapter(base, self.result, read_manifest(self.result))

    def _save(self, model: SentenceTransformer) -> None:
        prompts = self.config.prompts
        model.prompts.update(query=prompts.query_prompt, document=prompts.document_prompt)
        save_standard_folder(model, self.result / run_folder.MODEL, self.config.objective.dims)
