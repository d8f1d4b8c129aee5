"""What this processor does fast: asked of torch once, answered in the words of the code that needs it."""

from __future__ import annotations

import torch


def has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware; elsewhere bf16 is slower than float32."""
    flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))
