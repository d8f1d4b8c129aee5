"""Many texts as token ids in one flat tensor, from which padded batches are gathered on the device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class TokenRows:
    """`flat` int32 holds the ids of all texts, text `i` from `starts[i]` on, `lengths[i]` long (both int64)."""

    flat: Tensor
    starts: Tensor
    lengths: Tensor

    @classmethod
    def from_arrays(cls, ids: NDArray[np.uint16], lengths: NDArray[np.uint8], device: str) -> TokenRows:
        """From the flat ids and the length of each text."""
        counts = torch.from_numpy(lengths.astype(np.int64)).to(device)
        flat = torch.from_numpy(ids.astype(np.int32)).to(device)
        return cls(flat, torch.cumsum(counts, 0) - counts, counts)

    def __len__(self) -> int:
        return len(self.starts)

    def joined(self, *others: TokenRows) -> TokenRows:
        """These texts and then the others', in one."""
        parts = (self, *others)
        counts = torch.cat([part.lengths for part in parts])
        offsets = [sum(len(before.flat) for before in parts[:i]) for i in range(len(parts))]
        starts = torch.cat([part.starts + offset for part, offset in zip(parts, offsets, strict=True)])
        return TokenRows(torch.cat([part.flat for part in parts]), starts, counts)

    def padded(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Ids (0 where a text has ended) and mask of the texts at `rows`, each `(n, longest)` int64."""
        lengths = self.lengths[rows]
        place = torch.arange(int(lengths.max()), device=self.flat.device)
        mask = place < lengths[:, None]
        where = (self.starts[rows][:, None] + place).clamp(max=len(self.flat) - 1)
        return self.flat[where].long() * mask, mask.long()

    def by_length(self, rows: Tensor, parts: int) -> list[Tensor]:
        """Places in `rows`, shortest texts first, in `parts` chunks of nearly equal size: less padding."""
        return list(self.lengths[rows].argsort().chunk(max(1, min(parts, len(rows)))))
