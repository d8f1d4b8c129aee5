"""What this machine is, in one line for a figure's caption; where models run on it, and what it does fast."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from mrl_demo.core.errors import LabError

#: What MRL_DEVICE may be; "auto" is the first of the others that is here, "cpu" if no other is.
DEVICES = ("auto", "cuda", "mps", "cpu")


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


def choose_device(wanted: str = "auto") -> str:
    """The torch device that models run on: `wanted`, or a GPU if there is one for "auto"; raises `LabError`.

    >>> choose_device("cpu")
    'cpu'
    >>> choose_device("tpu")
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: MRL_DEVICE='tpu' is no device: use auto, cuda, mps or cpu.
    """
    check_device_name(wanted)
    present = _present_devices()
    if wanted == "auto":
        return present[0]
    if wanted not in present:
        raise LabError(
            f"MRL_DEVICE={wanted!r}, but torch finds no such device here: use auto or {' or '.join(present)}."
        )
    return wanted


def check_device_name(wanted: str) -> str:
    """`wanted` if it is one of `DEVICES`; raises `LabError` naming them."""
    if wanted not in DEVICES:
        raise LabError(f"MRL_DEVICE={wanted!r} is no device: use {', '.join(DEVICES[:-1])} or {DEVICES[-1]}.")
    return wanted


def parse_devices(text: str) -> tuple[str, ...]:
    """Devices with commas between them, one for each process that encodes; none for "". Raises `LabError`.

    >>> parse_devices("cuda:0, cuda:1"), parse_devices("2*cpu")
    (('cuda:0', 'cuda:1'), ('cpu', 'cpu'))
    """
    devices: list[str] = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        match = re.fullmatch(r"(?:([1-9]\d?)\*)?(cpu|mps|cuda(?::\d{1,3})?)", word)
        if not match:
            raise LabError(f"{word!r} in {text!r} is no device: write cuda:0,cuda:1 or cpu,cpu (2*cpu).").about(
                "devices"
            )
        devices += [match[2]] * int(match[1] or 1)
    return tuple(devices)


def devices_for(processes: int) -> str:
    """Devices for so many processes as `parse_devices` reads them: a GPU each if there are any, else the CPU."""
    import torch

    if processes < 1:
        raise LabError(f"{processes} processes cannot encode: use 1 or more.").about("processes")
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return ",".join(f"cuda:{number % gpus}" if gpus else "cpu" for number in range(processes))


def _present_devices() -> tuple[str, ...]:
    """Those of `DEVICES` that torch can use here, the fastest first."""
    import torch  # Here, so that whoever only asks what machine this is does not load it.

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return tuple(name for name in DEVICES if present.get(name))


def has_bf16(device: str = "cpu") -> bool:
    """Whether `device` multiplies bfloat16 in hardware; elsewhere bf16 is slower than float32."""
    import torch

    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device != "cpu":
        return False
    flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))
