"""Linear layers on a CPU: oneDNN's if this torch is known to have them, torch's own everywhere else.

For float32 torch takes MKL, which on AMD runs at under half of oneDNN's speed. The operators are the ones that torch's
compiler uses; they are not public, so this file is the only one that names them.
"""

from __future__ import annotations

import platform

import torch
from torch import Tensor
from torch.nn import functional

#: The versions of torch (major, minor) whose private operators were tried: others take the public ones.
_KNOWN_TORCH = {(2, 13)}
_OPERATORS = ("_linear_pointwise", "_reorder_linear_weight")


class CpuLinear:
    """A linear layer `(n, in)` to `(n, out)` in `dtype`, with GELU in the same pass if asked for.

    >>> layer = CpuLinear(torch.eye(2), torch.ones(2), torch.float32)
    >>> layer(torch.zeros(1, 2))
    tensor([[1., 1.]])
    """

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        self._weight = weight.detach().to(dtype).contiguous()
        self._bias = bias.detach().to(dtype)
        self._onednn = has_onednn_linear()
        if self._onednn:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(self._weight, None)

    def __call__(self, x: Tensor, gelu: bool = False) -> Tensor:
        """The layer's output for `x`, in its dtype."""
        if self._onednn:
            name, kind = ("gelu", "none") if gelu else ("none", "")
            fused: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, name, [], kind)
            return fused
        product = functional.linear(x, self._weight, self._bias)
        return functional.gelu(product) if gelu else product


def has_onednn_linear() -> bool:
    """Whether this torch is a version whose oneDNN operators were tried, on a machine that has them."""
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    x86 = platform.machine().lower() in {"x86_64", "amd64"}
    if version not in _KNOWN_TORCH or not x86 or not torch.backends.mkldnn.is_available():
        return False
    return all(hasattr(torch.ops.mkldnn, name) for name in _OPERATORS)
