"""Contrastive sparse representation: a k-sparse autoencoder over frozen vectors (arXiv 2503.01776).

From documents' vectors to codes of a few units among many; k of them are kept, and k is chosen at search time. Learnt
are reconstruction at several k at once and the neighbours that documents and stand-ins for queries have in full
(the contrastive part, with a soft target instead of a single positive). k is annealed from four times its value, and
units that stopped firing learn what is left of the reconstruction, as the paper has it.
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor
from torch.nn import functional

from mrl_demo.adapt.rotation import AdaptError, usable
from mrl_demo.core.errors import ModelError
from mrl_demo.core.sparse_rows import MOST_UNITS, SparseRows
from mrl_demo.core.storage import atomic_path
from mrl_demo.core.types import FloatMatrix, Progress

SPARSE_KIND = "sparse"
#: Part of every cache key: goes up when the recipe's result changes.
SPARSE_RECIPE = 1
_ENCODED_AT_ONCE = 4_096
_DEAD = 1e-2  # Firings a step, on average of late, under which a unit counts as dead.
#: Fewer documents teach no code.
FEWEST_ROWS = 50


@dataclass(frozen=True)
class SparseSettings:
    """How `fit_sparse` learns; the defaults come from the experiments in `dev/LOG.md`.

    `units` is the number of hidden units for each number of the vectors, `active` are the k that are trained. A batch
    has `batch_size` rows: a quarter are queries, half documents near to them, the rest random documents.
    `reconstruction` weighs the squared error against the divergence of neighbourhoods at `temperature`.

    >>> SparseSettings(units=1_000).width(384)
    Traceback (most recent call last):
        ...
    mrl_demo.adapt.rotation.AdaptError: 384000 units are more than two bytes can name (65536): ask for fewer.
    """

    units: int = 4
    active: tuple[int, ...] = (8, 16, 32, 64, 128)
    steps: int = 300
    batch_size: int = 256
    learning_rate: float = 3e-3
    reconstruction: float = 0.3
    temperature: float = 0.05
    seed: int = 0
    time_limit_s: float = 55.0

    def width(self, dimension: int) -> int:
        """Hidden units for vectors of `dimension` numbers; raises `AdaptError` for too many."""
        width = self.units * dimension
        if not 1 <= width <= MOST_UNITS:
            raise AdaptError(f"{width} units are more than two bytes can name ({MOST_UNITS}): ask for fewer.")
        return width


@dataclass(frozen=True)
class SparseCoder:
    """The encoder half: units fire by `relu((x - centre) @ weights.T + bias)`; `weights` `(h, d)` float32.

    `seconds` is the fit's wall time, `is_cut_short` whether its time limit ended it early, `dead` how many units never
    fire on the documents it was fitted to.

    >>> coder = SparseCoder(np.eye(3, dtype=np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32))
    >>> coder.encode(np.array([[0.0, 0.8, 0.6]], np.float32)).units.tolist()
    [[1, 2, 0]]
    """

    weights: FloatMatrix
    bias: FloatMatrix
    centre: FloatMatrix
    seconds: float = 0.0
    is_cut_short: bool = False
    dead: int = 0
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        parts = (self.weights, self.bias, self.centre)
        if self.weights.shape != (len(self.bias), len(self.centre)) or not all(np.isfinite(p).all() for p in parts):
            raise AdaptError(f"Weights of shape {self.weights.shape} with NaN or another bias are no sparse encoder.")
        object.__setattr__(self, "fingerprint", hashlib.sha256(b"".join(p.tobytes() for p in parts)).hexdigest())

    def encode(self, vectors: FloatMatrix) -> SparseRows:
        """Codes of `(n, d)` unit rows, as many units each as the vectors have numbers; raises `AdaptError`."""
        width, dimension = self.weights.shape
        if vectors.ndim != 2 or vectors.shape[1] != dimension:
            raise AdaptError(f"This encoder reads vectors of {dimension} numbers, not of shape {vectors.shape}.")
        weights, bias, centre = (torch.from_numpy(part) for part in (self.weights, self.bias, self.centre))
        kept = min(dimension, width)
        units = np.empty((len(vectors), kept), np.uint16)
        values = np.empty((len(vectors), kept), np.float16)
        for start in range(0, len(vectors), _ENCODED_AT_ONCE):
            part = slice(start, start + _ENCODED_AT_ONCE)
            rows = torch.from_numpy(np.ascontiguousarray(vectors[part], dtype=np.float32))
            strongest = functional.relu((rows - centre) @ weights.T + bias).topk(kept, dim=1)
            units[part], values[part] = strongest.indices.numpy(), strongest.values.numpy()
        return SparseRows(units, values, width)

    def apply(self, vectors: FloatMatrix) -> FloatMatrix:
        """The very same vectors: codes are made by `encode`, when they are searched."""
        return vectors

    def map_queries(self, vectors: FloatMatrix) -> FloatMatrix:
        """The very same vectors."""
        return vectors

    def save(self, path: Path, key: str = "") -> None:
        """Write weights, key and sha256 to one safetensors file, whole or not at all; raises `CacheError`."""
        metadata = {"kind": SPARSE_KIND, "key": key, "sha256": self.fingerprint, "seconds": repr(self.seconds)}
        metadata["dead"] = str(self.dead)
        with atomic_path(path) as temporary:
            parts = {"weights": self.weights, "bias": self.bias, "centre": self.centre}
            save_file(parts, temporary, metadata=metadata)

    @classmethod
    def load(cls, path: Path, key: str, dimension: int) -> SparseCoder:
        """Read what `save` wrote; raises `ModelError` naming the file if it is damaged or another's."""
        try:
            with safe_open(path, framework="numpy") as handle:
                metadata = handle.metadata() or {}
                parts = [handle.get_tensor(name) for name in ("weights", "bias", "centre")]
            coder = cls(parts[0], parts[1], parts[2], float(metadata["seconds"]), dead=int(metadata["dead"]))
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise ModelError(f"{path} is no readable sparse encoder ({error}): delete it and fit it again.") from error
        if metadata.get("key") != key or metadata.get("sha256") != coder.fingerprint or len(coder.centre) != dimension:
            raise ModelError(f"{path} is damaged or was fitted for something else: delete it and fit it again.")
        return coder


def fit_sparse(
    vectors: FloatMatrix,
    queries: FloatMatrix,
    settings: SparseSettings | None = None,
    progress: Progress | None = None,
) -> SparseCoder:
    """Learn a sparse encoder for `(n, d)` document vectors and `(m, d)` texts that stand in for queries (m may be 0).

    The same rows, settings and machine give the same encoder unless the time limit cut in. Raises `AdaptError` for
    under 50 documents, and whatever `progress` raises.
    """
    settings = settings or SparseSettings()
    started = time.perf_counter()
    documents = torch.from_numpy(usable(vectors))
    if len(documents) < FEWEST_ROWS:
        raise AdaptError(
            f"{len(documents)} documents are too few for sparse codes: give {FEWEST_ROWS}, or use another arm."
        )
    asking = torch.from_numpy(usable(queries)) if len(queries) else documents[:0]
    fit = _SparseFit(documents, asking, settings)
    is_cut_short = fit.run(started + settings.time_limit_s, progress)
    return fit.coder(time.perf_counter() - started, is_cut_short)


class _SparseFit:
    """One run of the optimiser: the autoencoder, and how often its units fire."""

    def __init__(self, documents: Tensor, queries: Tensor, settings: SparseSettings) -> None:
        self.documents, self.queries, self.settings = documents, queries, settings
        self.generator = torch.Generator().manual_seed(settings.seed)
        rows = torch.cat([documents, queries])
        centre = rows.mean(0)
        start = self._directions(rows, centre, settings.width(rows.shape[1]))
        self.parts = [part.requires_grad_() for part in (start, start.clone(), torch.zeros(len(start)), centre.clone())]
        self.firings = torch.ones(len(start))
        blocks = [(block @ documents.T).topk(min(2, len(documents)), 1).indices for block in queries.split(1_024)]
        self.near = torch.cat(blocks) if blocks else torch.empty((0, 2), dtype=torch.int64)

    def _directions(self, rows: Tensor, centre: Tensor, width: int) -> Tensor:
        """Where the units look at first: at texts that there are, and at random if those are too few."""
        chosen = rows[torch.randperm(len(rows), generator=self.generator)[:width]] - centre
        random = torch.randn(width - len(chosen), rows.shape[1], generator=self.generator)
        return functional.normalize(torch.cat([chosen, random]), dim=1)

    def run(self, deadline: float, progress: Progress | None) -> bool:
        """Take the steps; whether the time was up before the last."""
        settings = self.settings
        optimiser = torch.optim.Adam(self.parts, lr=settings.learning_rate)
        for step in range(settings.steps):
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * (1 + math.cos(math.pi * step / settings.steps)) / 2
            loss = self._loss(self._batch(), widening=1 + 3 * max(0.0, 1 - 2 * step / settings.steps))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if progress and step % 10 == 0:
                progress(step / settings.steps, f"Fitting sparse codes: loss {float(loss.detach()):.3f}")
            if time.perf_counter() > deadline:
                return step + 1 < settings.steps
        return False

    def coder(self, seconds: float, is_cut_short: bool) -> SparseCoder:
        """What has been learnt."""
        weights, _, bias, centre = (part.detach() for part in self.parts)
        fires = functional.relu((self.documents - centre) @ weights.T + bias).amax(0) > 0
        found = [np.ascontiguousarray(part.numpy()) for part in (weights, bias, centre)]
        return SparseCoder(found[0], found[1], found[2], seconds, is_cut_short, int((~fires).sum()))

    def _batch(self) -> Tensor:
        """A quarter queries, the two documents nearest to each, random documents; none twice."""
        quarter = max(1, self.settings.batch_size // 4)
        chosen = torch.randperm(len(self.queries), generator=self.generator)[:quarter]
        drawn = torch.randint(len(self.documents), (quarter if len(chosen) else 4 * quarter,), generator=self.generator)
        places = torch.cat([self.near[chosen].flatten(), drawn]).unique()
        return torch.cat([self.queries[chosen], self.documents[places]])

    def _loss(self, rows: Tensor, widening: float) -> Tensor:
        settings = self.settings
        weights, decoder, bias, centre = self.parts
        fired = functional.relu((rows - centre) @ weights.T + bias)
        wanted = _log_shares(rows, settings.temperature)
        total, active = rows.new_zeros(()), [k for k in settings.active if k <= fired.shape[1]]
        for k in active:
            codes = _strongest(fired, min(fired.shape[1], int(k * widening)))
            missing = rows - centre - codes @ decoder
            shares = _log_shares(functional.normalize(codes, dim=1, eps=1e-6), settings.temperature)
            distance = functional.kl_div(shares, wanted, log_target=True, reduction="batchmean")
            total = total + (distance + settings.reconstruction * missing.square().sum(1).mean()) / len(active)
        self.firings = 0.95 * self.firings + 0.05 * (codes.detach() > 0).float().sum(0)
        return total + self._revived(rows, missing.detach())

    def _revived(self, rows: Tensor, missing: Tensor) -> Tensor:
        """What units that stopped firing would add to the reconstruction, so that they learn again."""
        weights, decoder, bias, centre = self.parts
        dead = self.firings < _DEAD
        if not dead.any():
            return rows.new_zeros(())
        silent = (rows - centre) @ weights[dead].T + bias[dead]
        codes = _strongest(functional.relu(silent), min(64, silent.shape[1]))
        return 0.1 * (missing - codes @ decoder[dead]).square().sum(1).mean()


def _strongest(fired: Tensor, k: int) -> Tensor:
    best = fired.topk(k, dim=1)
    return torch.zeros_like(fired).scatter(1, best.indices, best.values)


def _log_shares(rows: Tensor, temperature: float) -> Tensor:
    """Log softmax over the cosines with the other rows."""
    itself = torch.eye(len(rows), dtype=torch.bool)
    return (rows @ rows.T / temperature).masked_fill(itself, -1e4).log_softmax(1)
