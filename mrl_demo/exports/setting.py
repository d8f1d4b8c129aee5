"""The setting that is exported: model, rotation, length, precision, rescoring; checked before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrl_demo.core.errors import LabError
from mrl_demo.core.vectors import check_dimension
from mrl_demo.search.quantised import RESCORE, SHORTEST_SHORTLIST, SHORTLIST, parse_precision

if TYPE_CHECKING:  # Menus and --help need no torch.
    from mrl_demo.adapt import Rotation


class ExportError(LabError, ValueError):
    """A setting that a target cannot hold, or an arm that has nothing to export."""


@dataclass(frozen=True)
class ModelSource:
    """Where the vectors come from: a sentence-transformers name or folder, its revision, and its prompts.

    `folder` is where its weights are on this machine if nobody else has them, None for a name on the Hub.
    `layer_norm` says that the model wants a parameter-free layer norm before the cut (nomic-embed-text-v1.5).
    """

    name: str
    revision: str = ""
    query_prompt: str = ""
    document_prompt: str = ""
    layer_norm: bool = False
    folder: Path | None = None


@dataclass(frozen=True)
class ExportSetting:
    """How vectors are stored and searched: the first `dim` of `full_dim` numbers at `precision`.

    The best `shortlist` are re-ranked by the float32 cosine of the first `rescore_dim` numbers (0: they are not).
    `rotation` turns full-length vectors before the cut, None for arms that only cut. Raises `ExportError` and
    `InvalidDimensionError` for values that fit no engine.

    >>> setting = ExportSetting("base", ModelSource("sentence-transformers/all-MiniLM-L6-v2"), 384, 64, rescore_dim=384)
    >>> setting.bytes_searched, setting.bytes_kept
    (256, 1536)
    """

    arm: str
    model: ModelSource
    full_dim: int
    dim: int
    precision: str = "float32"
    rescore_dim: int = 0
    shortlist: int = SHORTLIST
    rotation: Rotation | None = None

    def __post_init__(self) -> None:
        check_dimension(self.dim, self.full_dim)
        if self.rescore_dim:
            check_dimension(self.rescore_dim, self.full_dim)
            if self.rescore_dim < self.dim:
                says = f"rescore-dim is {self.rescore_dim}, shorter than the first stage's {self.dim}: "
                raise ExportError(says + f"give {self.dim} or more, or 0 for no second stage.").about("rescore_dim")
        if self.shortlist < SHORTEST_SHORTLIST:
            says = f"shortlist is {self.shortlist}: it must hold the {SHORTEST_SHORTLIST} results of a search or more"
            raise ExportError(f"{says}, as in {SHORTLIST}.").about("shortlist")
        if self.rotation is not None and self.rotation.dimension != self.full_dim:
            raise ExportError(
                f"The rotation turns {self.rotation.dimension} numbers, not {self.full_dim}: fit it anew."
            )

    @property
    def stored_dim(self) -> int:
        """Numbers that the engine has to be given of each vector."""
        return max(self.dim, self.rescore_dim)

    @property
    def bytes_searched(self) -> int:
        """Bytes of one vector that the first stage reads."""
        bits = {"float32": 32, "float16": 16, "int8": 8, "int4": 4, "binary": 1}[self.precision]
        return -(-bits * self.dim // 8)

    @property
    def bytes_kept(self) -> int:
        """Bytes of one float32 vector that re-ranking reads, 0 without; a disk will do."""
        return 4 * self.rescore_dim

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; of the rotation its kind and hash."""
        plain = {name: value for name, value in self.__dict__.items() if name not in {"model", "rotation"}}
        rotation = self.rotation and {"kind": self.rotation.kind, "sha256": self.rotation.fingerprint}
        sizes = {"bytes_searched": self.bytes_searched, "bytes_kept": self.bytes_kept}
        model = {name: value for name, value in self.model.__dict__.items() if name != "folder"}
        return {**plain, "model": model, "rotation": rotation, **sizes}


#: What engines can hold; each target says which of these it takes.
EXPORT_PRECISIONS = ("float32", "float16", "int8", "int4", "binary")


def parse_export_precision(name: str) -> tuple[str, bool]:
    """The stored precision of a name such as "int8+rescore", and whether it is re-ranked; raises `ExportError`."""
    stored = name.strip().lower().partition("@")[0]
    rescored = stored.endswith(RESCORE)
    stored = stored.removesuffix(RESCORE)
    if stored not in EXPORT_PRECISIONS:
        known = ", ".join(EXPORT_PRECISIONS)
        says = f"No engine here stores precision {name!r}: choose among {known}, each also with {RESCORE}."
        raise ExportError(says).about("precision")
    parse_precision(name)  # The length of its shortlist.
    return stored, rescored
