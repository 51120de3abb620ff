"""What the networks run on, found out without importing TensorFlow."""

import ctypes.util
import functools
import importlib.util
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from medrecog_core.errors import UsageError
from medrecog_core.settings import read_settings

PRECISIONS = ("auto", "float32", "bfloat16")

_BFLOAT16_GPU_CAPABILITY = 8.0
_ONEDNN_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "avx512_bf16", "amx_tile"})


@dataclass(frozen=True)
class Device:
    """A processor or GPU.

    Attributes
    ----------
    kind
        `cpu` or `gpu`.
    name
        As the machine calls it.
    n_cores
        Processor cores this process may use.
    has_fast_bfloat16
        Whether it multiplies bfloat16 numbers faster than float32 ones.
    """

    kind: str
    name: str
    n_cores: int
    has_fast_bfloat16: bool


@functools.cache
def find_device() -> Device:
    """Return the NVIDIA GPU when there is one, else the processor."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gpu = _query_gpu()
    if gpu is not None:
        name, capability = gpu
        return Device("gpu", name, n_cores or 1, capability >= _BFLOAT16_GPU_CAPABILITY)
    name, flags = _read_cpu_info()
    return Device("cpu", name, n_cores or 1, _multiplies_bfloat16_fast(flags))


def has_onednn() -> bool:
    """Return whether TensorFlow leaves convolutions on this processor to oneDNN.

    It does by default on Linux where the processor multiplies small numbers in units of their own.
    """
    _, flags = _read_cpu_info()
    return (
        find_device().kind == "cpu"
        and platform.system() == "Linux"
        and read_settings().onednn != "0"
        and not flags.isdisjoint(_ONEDNN_FLAGS)
    )


def resolve_precision(asked: str) -> str:
    """Return `float32` or `bfloat16`; `auto` is bfloat16 where that is faster.

    Raises
    ------
    UsageError
        If there is no such precision.
    """
    if asked not in PRECISIONS:
        raise UsageError(f"Unknown precision “{asked}”. Available: {', '.join(PRECISIONS)}.")
    if asked == "auto":
        return "bfloat16" if find_device().has_fast_bfloat16 else "float32"
    return asked


def _multiplies_bfloat16_fast(flags: set[str]) -> bool:
    """Whether a processor of these flags gains from bfloat16.

    The processors whose AVX-512 knows float16 (Intel, from Sapphire Rapids on) are built to
    multiply bfloat16 in their AMX units. Where a virtual machine hides those, the AVX-512
    instruction that is left gives half the rate of float32: 169 against 320 GFLOP/s for VGG-19 on
    two Emerald Rapids cores (`benchmarks/extraction.py`). Others (Zen 4, Cooper Lake) double it.
    """
    return "amx_bf16" in flags or ("avx512_bf16" in flags and "avx512_fp16" not in flags)


def _query_gpu() -> tuple[str, float] | None:
    program = shutil.which("nvidia-smi")
    hidden = read_settings().visible_gpus in ("", "-1")
    if program is None or hidden or not _has_cuda_libraries():
        return None
    query = [program, "--query-gpu=name,compute_cap", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
        name, capability = answer.stdout.splitlines()[0].rsplit(",", 1)
        return name.strip(), float(capability)
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return None


def _has_cuda_libraries() -> bool:
    """Whether CUDA's library for networks is installed, without which a GPU lies idle."""
    try:
        from_wheel = importlib.util.find_spec("nvidia.cudnn") is not None
    except ModuleNotFoundError:
        from_wheel = False
    return from_wheel or ctypes.util.find_library("cudnn") is not None


def _read_cpu_info() -> tuple[str, set[str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine(), set()
    fields: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    name = fields.get("model name") or platform.machine()
    return name, set(fields.get("flags", "").split())
