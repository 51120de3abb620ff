"""What a run will take: memory, images for the network, time, disk space, and the time left."""

import collections
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from medrecog_core.datasets import Dataset, ImageRecord, library
from medrecog_core.datasets.small_test import SmallTest, find_small_test
from medrecog_core.datasets.splits import split_images
from medrecog_core.errors import MedrecogError
from medrecog_core.features import (
    Cell,
    DescriptorSource,
    DescriptorStore,
    MemoryEstimate,
    estimate_memory,
)
from medrecog_core.features.cost import gflop_an_image, seconds_an_image
from medrecog_core.features.encodings.local_descriptors import bytes_an_image
from medrecog_core.images import Preprocessing, find_preprocessing
from medrecog_core.jobs.progress import Progress, Stage
from medrecog_core.locations import cache_folder
from medrecog_core.networks import Network, find_network, resolve_precision
from medrecog_core.networks.engines import possible_engines
from medrecog_core.networks.summary import summarise
from medrecog_core.runs.extracted_dataset import descriptor_source, sampled
from medrecog_core.runs.run import Run
from medrecog_core.runs.specification import RunSpecification
from medrecog_core.runs.training_time import seconds_of_training, training_work

_PAGE = 4096
"""Bytes that SQLite and most file systems give at once."""
_BYTES_AROUND_A_DESCRIPTOR = 512  # the header of .npy, the key, and the row of the index
TRAINING = Stage("train", "Training classifiers", "cells")
"""The stage in which a run counts its cells."""


_ASSUMED_PACE = 1 / 2e9
"""Seconds for a unit of a cell's work until one was measured: about what two cores were seen to
need. Cells take little beside images, so that a wrong guess moves the end of a run but little."""


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
        advice = f"use input sizes up to {fitting[-1].scale}" if fitting else "choose fewer layers"
        return (
            f"This needs about {self.n_bytes / 1e9:.1f} GB of memory and "
            f"{self.free_memory / 1e9:.1f} GB are free. Close other programs, or {advice}."
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
    preprocessing = find_preprocessing(specification.preprocessing, specification.views)
    layers_at: dict[int, list[str]] = {}
    for cell in specification.read_cells:
        layers_at.setdefault(cell.scale, []).append(cell.layer)
    scales = []
    for scale, layers in sorted(layers_at.items()):
        needed = {row.name for row in network.needed_rows(layers)}
        gflop = sum(s.gflop for s in summarise(network, scale) if s.name in needed)
        gflop *= specification.views
        memory = max(
            (
                estimate_memory(network, layers, scale, precision, preprocessing, engine)
                for engine in possible_engines(network, layers, precision, specification.engine)
            ),
            key=lambda estimate: estimate.n_bytes,
        )
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


@dataclass(frozen=True)
class ScaleCost:
    """The images that have to go through the network at a scale.

    Attributes
    ----------
    scale
        In pixels.
    n_images
        Those of different content that lack a descriptor.
    seconds
        What that takes at the rate that this machine was measured at; None before a measurement.
    gflop
        Thousand million multiplications and additions of all these images.
    """

    scale: int
    n_images: int
    seconds: float | None
    gflop: float


@dataclass(frozen=True)
class Cost:
    """What a run will cost.

    Attributes
    ----------
    n_images
        Images of different content.
    n_unknown
        Images among them whose files nobody has looked at yet; they are counted as new.
    scales
        A cost for each scale, the smallest first.
    training_seconds
        What training takes, as far as this machine was measured; None before a measurement.
    n_bytes, n_bytes_free
        What the new descriptors take on disk, about, and what is free there.
    small_test
        The classes with too few test images; None if every class has enough.
    """

    n_images: int
    n_unknown: int
    scales: tuple[ScaleCost, ...]
    training_seconds: float | None
    n_bytes: int
    n_bytes_free: int
    small_test: SmallTest | None = None

    @property
    def seconds(self) -> float | None:
        """Of extraction over all scales; None where one is not known."""
        known = [each.seconds for each in self.scales if each.seconds is not None]
        return sum(known) if len(known) == len(self.scales) else None

    @property
    def fits_on_disk(self) -> bool:
        """Whether the new descriptors find room."""
        return self.n_bytes <= self.n_bytes_free

    def to_document(self) -> dict[str, Any]:
        """Return the cost as JSON values."""
        return {
            **asdict(self),
            "scales": [asdict(each) for each in self.scales],
            "seconds": self.seconds,
            "fits_on_disk": self.fits_on_disk,
        }


def estimate_cost(specification: RunSpecification) -> Cost:
    """Return what a run of a specification will cost; no image is read.

    Files are assumed to be unchanged since the data set was added.

    Parameters
    ----------
    specification
        Of the run.

    Raises
    ------
    MedrecogError
        If the data set cannot be loaded, or a sample is too small.
    StorageError
        If the store cannot be used.
    """
    dataset, _ = sampled(library.load(specification.dataset), specification)
    return _cost_with(specification, dataset)


def _cost_with(specification: RunSpecification, dataset: Dataset) -> Cost:
    """Return the cost of a run on the images of a data set, all of them."""
    network = find_network(specification.network)
    source = descriptor_source(specification)
    images = dataset.images
    known = {
        (image.file.sha256, dataset.rendering_of(image).identity)
        for image in images
        if image.file is not None
    }
    n_unknown = sum(image.file is None for image in images)
    by_scale = collections.defaultdict(list)
    for cell in dict.fromkeys(cell.stored for cell in specification.read_cells):
        by_scale[cell.scale].append(cell)
    proportion = _mean_proportion(images, find_preprocessing(specification.preprocessing))
    scales, n_bytes = [], 0
    folder = cache_folder().features
    store = DescriptorStore(folder) if folder.is_dir() else None
    try:
        for scale in sorted(by_scale):
            cells = sorted(by_scale[scale], key=lambda cell: -network.depth(cell.layer))
            missing = _count_by_deepest_missing(known, cells, source, store)
            missing[cells[0].layer] += n_unknown
            seconds: float | None = 0.0
            gflop = 0.0
            for layer, n in missing.items():
                if n == 0:
                    continue
                n_passes = n * specification.views
                one = seconds_an_image(network, source.precision, layer, scale)
                seconds = None if one is None or seconds is None else seconds + n_passes * one
                gflop += n_passes * gflop_an_image(network, layer, scale)
                n_bytes += n * _bytes_of_pass(network, cells, layer, proportion)
            scales.append(ScaleCost(scale, missing.total(), seconds, gflop))
    finally:
        if store is not None:
            store.close()
    n_bytes_free = shutil.disk_usage(_nearest_there(folder)).free
    return Cost(
        len(known) + n_unknown,
        n_unknown,
        tuple(scales),
        _training_seconds(specification, images),
        n_bytes,
        n_bytes_free,
        _small_test(specification, images),
    )


def expect_small_test(specification: RunSpecification) -> SmallTest | None:
    """Return the classes that a run will test with too few images.

    None if there are none, or if the images cannot be read or sampled yet.
    """
    try:
        dataset, _ = sampled(library.load(specification.dataset), specification)
    except MedrecogError:
        return None
    return _small_test(specification, dataset.images)


def _small_test(specification: RunSpecification, images: Sequence[ImageRecord]) -> SmallTest | None:
    try:
        split = split_images(images, specification.split_protocol)
    except MedrecogError:
        return None  # the run itself says why its images cannot be split
    return find_small_test(
        [images[i] for i in split.tested], sorted({image.label for image in images})
    )


def _training_seconds(
    specification: RunSpecification, images: Sequence[ImageRecord]
) -> float | None:
    works = (training_work(cell, specification, images) for cell in specification.cells)
    expected = [seconds_of_training(work, specification.classifier) for work in works]
    known = [seconds for seconds in expected if seconds is not None]
    return sum(known) if len(known) == len(expected) else None


def _count_by_deepest_missing(
    known: set[tuple[str, str]], deepest_first: list[Cell], source: DescriptorSource, store: Any
) -> collections.Counter[str]:
    """Count the images that lack a cell, by the deepest layer they lack."""
    counts: collections.Counter[str] = collections.Counter()
    if store is None:
        counts[deepest_first[0].layer] = len(known)
        return counts
    complete = list(known)
    for cell in deepest_first:
        held = store.held([source.key(sha256, cell, identity) for sha256, identity in complete])
        counts[cell.layer] += held.count(False)
        complete = [image for image, is_there in zip(complete, held, strict=True) if is_there]
    return counts


def _mean_proportion(images: Sequence[ImageRecord], preprocessing: Preprocessing) -> float:
    """Return longer side over shorter one, at the mean, of what the network reads."""
    most = preprocessing.largest_proportion
    sides = [
        sorted((image.file.width, image.file.height))
        for image in images
        if image.file is not None and image.file.width
    ]
    if most == 1 or not sides:
        return 1.0
    return sum(min(longer / shorter, most) for shorter, longer in sides) / len(sides)


def _bytes_of_pass(network: Network, cells: list[Cell], deepest: str, proportion: float) -> int:
    """Return what an image's descriptors take: of all cells up to the deepest that is missing."""
    return sum(
        _bytes_of_entry(bytes_an_image(network, cell, proportion))
        for cell in cells
        if network.depth(cell.layer) <= network.depth(deepest)
    )


def _bytes_of_entry(n_bytes: int) -> int:
    """Return what an entry of the store takes: small ones share a page, others fill whole ones."""
    if n_bytes + _BYTES_AROUND_A_DESCRIPTOR <= _PAGE / 2:
        return n_bytes + _BYTES_AROUND_A_DESCRIPTOR
    return math.ceil(n_bytes / _PAGE) * _PAGE + _BYTES_AROUND_A_DESCRIPTOR


def _nearest_there(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


class Forecast:
    """Expects how long a run will still take, over all scales and cells.

    What is ahead is known beforehand, as seconds where this machine was measured, else as
    multiplications. As the run itself shows how long some of it takes, all that is left of its kind
    is expected to go at that pace.

    Parameters
    ----------
    scales
        From scale to the work of its pass through the network.
    cells
        The work of each cell that is missing, in their order.
    scales_pace, cells_pace
        Seconds for a unit of work as far as they are known beforehand: 1 where the work is in
        seconds, None where nothing was measured.
    """

    def __init__(
        self,
        scales: Mapping[int, float],
        cells: Sequence[float],
        scales_pace: float | None = 1.0,
        cells_pace: float | None = 1.0,
    ) -> None:
        self._scales, self._cells = dict(scales), list(cells)
        self._scales_pace, self._cells_pace = scales_pace, cells_pace
        self._scales_left, self._cells_left = sum(self._scales.values()), sum(self._cells)
        self._expected_cells_pace = cells_pace
        self._cells_begun: float | None = None
        self._told_at = time.monotonic()

    def seconds_left(self, progress: Progress) -> float | None:
        """Return the expected time to the end of the run, None while it is unknown.

        Parameters
        ----------
        progress
            The latest, of any stage; each has to be reported.
        """
        now = time.monotonic()
        if progress.scale is not None:
            self._hear_of_scale(progress, progress.scale)
            self._told_at = now
        elif progress.stage.id == TRAINING.id:
            self._hear_of_cells(progress, now)
            self._told_at = now
        expected = (
            _seconds(self._scales_left, self._scales_pace),
            _seconds(self._cells_left, self._cells_pace),
        )
        if expected[0] is None or expected[1] is None:
            return None
        # A long cell says nothing of itself until it is done.
        since = now - self._told_at if self._cells_begun is not None else 0.0
        return max(0.0, expected[0] + expected[1] - since)

    def _hear_of_scale(self, progress: Progress, scale: int) -> None:
        work = self._scales.get(scale, 0.0)
        later = sum(each for other, each in self._scales.items() if other > scale)
        n_images = progress.total - progress.found
        if progress.rate and work:
            self._scales_pace = n_images / progress.rate / work
        share_left = (progress.total - progress.done) / n_images if n_images else 0.0
        self._scales_left = share_left * work + later

    def _hear_of_cells(self, progress: Progress, now: float) -> None:
        if self._cells_begun is None:
            self._cells_begun = now
        self._scales_left = 0.0
        n_done = progress.done - progress.found
        done, took = sum(self._cells[:n_done]), now - self._cells_begun
        if done and self._expected_cells_pace is not None:
            # What was expected counts as much as a cell of average work, since those that are
            # done first may be small ones.
            usual = sum(self._cells) / len(self._cells)
            self._cells_pace = (took + self._expected_cells_pace * usual) / (done + usual)
        elif done:
            self._cells_pace = took / done
        self._cells_left = sum(self._cells[n_done:])


def forecast_run(run: Run, dataset: Dataset) -> Forecast:
    """Return the forecast of a run, for what it has not done yet.

    Parameters
    ----------
    run
        The run.
    dataset
        Its data set, from `load_sample`.

    Raises
    ------
    StorageError
        If the store cannot be used.
    """
    specification = run.specification()
    cost = _cost_with(specification, dataset)
    works = [training_work(cell, specification, dataset.images) for cell in run.missing_cells()]
    seconds = [seconds_of_training(work, specification.classifier) for work in works]
    is_measured = cost.seconds is not None
    return Forecast(
        {each.scale: each.seconds if is_measured else each.gflop for each in cost.scales},  # type: ignore[misc]
        works if None in seconds else [each or 0.0 for each in seconds],
        1.0 if is_measured else None,
        _ASSUMED_PACE if None in seconds else 1.0,
    )


def _seconds(work: float, pace: float | None) -> float | None:
    if not work:
        return 0.0
    return None if pace is None else work * pace
