"""What this machine is, in one line for a figure's caption, and what its processor does fast."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe_hardware() -> str:
    """Processor, the cores this process may use, memory: "AMD EPYC ..., 2 cores, 24 GB"."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = f", {_memory_bytes() / 1e9:.0f} GB" if _memory_bytes() else ""
    return f"{_processor()}, {cores} core{'s' * (cores != 1)}{memory}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.split(":", 1)[1].split())
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown processor"


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware; elsewhere bf16 is slower than float32."""
    import torch  # Here, so that whoever only asks what machine this is does not load it.

    flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))
