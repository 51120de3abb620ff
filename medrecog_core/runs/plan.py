"""What a run is going to take, told before it starts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from medrecog_core.features import MemoryEstimate, estimate_memory
from medrecog_core.images import find_preprocessing
from medrecog_core.networks import find_network, resolve_precision
from medrecog_core.networks.layer_summary import summarise
from medrecog_core.runs.specification import RunSpecification


@dataclass(frozen=True)
class ScalePlan:
    """What one scale is going to take.

    Attributes
    ----------
    scale
        In pixels.
    gflop
        Thousand million multiplications and additions for one image, a square.
    memory
        What extraction takes.
    """

    scale: int
    gflop: float
    memory: MemoryEstimate

    @property
    def words(self) -> str:
        """For people, such as `224: 8 images at once, about 1.2 GB of memory`."""
        n = self.memory.images_at_once
        images = "1 image" if n == 1 else f"{n} images"
        return f"{self.scale}: {images} at once, about {self.memory.n_bytes / 1e9:.1f} GB of memory"


@dataclass(frozen=True)
class Plan:
    """What a run is going to take.

    Attributes
    ----------
    n_cells
        SVMs to train.
    precision
        `float32` or `bfloat16`.
    preprocessing
        What becomes of images, for people.
    scales
        The smallest first; memory is that of the greatest, not of their sum.
    free_memory
        Bytes that this machine has free.
    """

    n_cells: int
    precision: str
    preprocessing: str
    scales: tuple[ScalePlan, ...]
    free_memory: int

    @property
    def n_bytes(self) -> int:
        """Greatest resident memory of the run's extraction."""
        return max(scale.memory.n_bytes for scale in self.scales)

    @property
    def warning(self) -> str:
        """A sentence where the machine has not so much memory free, else empty."""
        if self.n_bytes <= self.free_memory:
            return ""
        fitting = _fitting(self.scales, self.free_memory)
        advice = f"leave out scales above {fitting[-1].scale}" if fitting else "choose fewer layers"
        return (
            f"This needs about {self.n_bytes / 1e9:.1f} GB of memory and "
            f"{self.free_memory / 1e9:.1f} GB are free: close other programs, or {advice}."
        )

    def to_document(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            "n_cells": self.n_cells,
            "precision": self.precision,
            "preprocessing": self.preprocessing,
            "scales": [
                {
                    "scale": scale.scale,
                    "gflop_per_image": scale.gflop,
                    "memory_bytes": scale.memory.n_bytes,
                    **asdict(scale.memory),
                }
                for scale in self.scales
            ],
            "memory_bytes": self.n_bytes,
            "free_memory_bytes": self.free_memory,
            "warning": self.warning,
        }


def plan_run(specification: RunSpecification) -> Plan:
    """Return what a run is going to take; neither images nor TensorFlow are touched."""
    network = find_network(specification.network)
    precision = resolve_precision(specification.precision)
    preprocessing = find_preprocessing(specification.preprocessing)
    layers_at: dict[int, list[str]] = {}
    for cell in specification.read_cells:
        layers_at.setdefault(cell.scale, []).append(cell.layer)
    scales = []
    for scale, layers in sorted(layers_at.items()):
        needed = {row.name for row in network.needed_rows(layers)}
        gflop = sum(s.gflop for s in summarise(network, scale) if s.name in needed)
        memory = estimate_memory(network, layers, scale, precision, preprocessing)
        scales.append(ScalePlan(scale, gflop, memory))
    return Plan(
        len(specification.cells),
        precision,
        preprocessing.title,
        tuple(scales),
        psutil.virtual_memory().available,
    )


def _fitting(scales: Sequence[ScalePlan], n_bytes: int) -> list[ScalePlan]:
    return [scale for scale in scales if scale.memory.n_bytes <= n_bytes]
