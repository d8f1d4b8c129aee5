"""An arm over a corpus as a setting to export: which model, which rotation, checked against what the arm has."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.adapt import Rotation
from mrl_demo.arms.arm import Arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.arms.transforms.base import Identity
from mrl_demo.core.types import Corpus, Progress
from mrl_demo.core.vectors import check_dimension
from mrl_demo.exports.setting import ExportError, ExportSetting, ModelSource, parse_export_precision
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.search.quantised import parse_precision


@dataclass(frozen=True)
class ExportChoice:
    """What a person chose to export: `rescore_dim` None re-ranks as the precision's name says, 0 does not.

    `shortlist` None is as long as the precision's name says.

    >>> choice = ExportChoice("tuned", 64, "binary+rescore@100")
    >>> choice.resolved_rescore_dim, choice.resolved_shortlist
    (64, 100)
    """

    arm: str
    dim: object
    precision: str = "float32"
    rescore_dim: object | None = None
    shortlist: int | None = None

    @property
    def stored(self) -> str:
        """The precision of the first stage; raises `ExportError` for one that there is not."""
        return parse_export_precision(self.precision)[0]

    @property
    def resolved_rescore_dim(self) -> object:
        """The second stage's length: the one chosen, else the cut's own for "+rescore", else 0."""
        if self.rescore_dim is not None:
            return self.rescore_dim
        return self.dim if parse_export_precision(self.precision)[1] else 0

    @property
    def resolved_shortlist(self) -> int:
        """How many documents the second stage reads."""
        return parse_precision(self.precision).shortlist if self.shortlist is None else self.shortlist


def export_setting(
    builder: SpaceBuilder, arm: Arm, corpus: Corpus, choice: ExportChoice, progress: Progress | None = None
) -> ExportSetting:
    """The setting of an arm over a corpus; its rotation is fitted on first use.

    Raises `ExportError` for an arm without vectors or with a map that is no rotation, `InvalidDimensionError` for
    lengths that it has not.
    """
    if not arm.has_vectors:
        raise ExportError(f"{arm.name} has no vectors, so there is nothing to export: choose another arm.").about("arm")
    full = builder.encoders.encoder(arm.encoder).dimension
    dim = check_dimension(choice.dim, full)
    second = choice.resolved_rescore_dim
    return ExportSetting(
        arm=arm.name,
        model=model_source(builder, arm),
        full_dim=full,
        dim=dim,
        precision=choice.stored,
        rescore_dim=check_dimension(second, full) if str(second) != "0" else 0,
        shortlist=choice.resolved_shortlist,
        rotation=_rotation(builder, arm, corpus, progress),
    )


def model_source(builder: SpaceBuilder, arm: Arm) -> ModelSource:
    """What somebody else needs to make this arm's vectors; a name alone for a model that was added as an object."""
    encoder = builder.encoders.encoder(arm.encoder)
    if not isinstance(encoder, SentenceEncoder):
        return ModelSource(arm.encoder)
    spec = encoder.spec
    is_public = spec.source in {"package", "hub"}
    return ModelSource(
        name=spec.model_id if is_public else arm.encoder,
        revision=spec.revision,
        query_prompt=spec.query_prompt,
        document_prompt=spec.document_prompt,
        layer_norm=spec.layer_norm,
        folder=None if is_public else encoder.folder(),
    )


def _rotation(builder: SpaceBuilder, arm: Arm, corpus: Corpus, progress: Progress | None) -> Rotation | None:
    fitted = builder.space(arm, corpus, progress).transform
    if isinstance(fitted, Identity):
        return None
    if isinstance(fitted, Rotation):
        return fitted
    raise ExportError(f"{arm.name} maps vectors by {type(fitted).__name__}, which no export holds: choose another arm.")
