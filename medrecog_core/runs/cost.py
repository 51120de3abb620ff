"""What an experiment will cost: images for the network, time and disk, known before it starts."""

import collections
import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from medrecog_core.datasets import ImageRecord, library
from medrecog_core.datasets.sampling import draw_sample
from medrecog_core.features import Cell, DescriptorSource, DescriptorStore
from medrecog_core.features.encodings.local_descriptors import bytes_an_image
from medrecog_core.features.network_rates import gflop_an_image, seconds_an_image
from medrecog_core.images import Preprocessing, Rendering, find_preprocessing
from medrecog_core.locations import cache_folder
from medrecog_core.networks import Network, find_network
from medrecog_core.runs.extracted_dataset import descriptor_source
from medrecog_core.runs.specification import RunSpecification
from medrecog_core.runs.training_time import seconds_of_training, training_work

_PAGE = 4096
"""Bytes that SQLite and most file systems give at once."""
_BYTES_AROUND_A_DESCRIPTOR = 512  # the header of .npy, the key, and the row of the index


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
        Images among them whose files nobody has looked at yet; they are taken for new.
    scales
        A cost for each scale, the smallest first.
    training_seconds
        What training takes, as far as this machine was measured; None before a measurement.
    n_bytes, n_bytes_free
        What the new descriptors take on disk, about, and what is free there.
    """

    n_images: int
    n_unknown: int
    scales: tuple[ScaleCost, ...]
    training_seconds: float | None
    n_bytes: int
    n_bytes_free: int

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


def estimate_cost(specification: RunSpecification, rendering: Rendering | None = None) -> Cost:
    """Return what a run of a specification will cost; no image is read.

    Files are taken for what they were when the data set was added.

    Parameters
    ----------
    specification
        Of the run.
    rendering
        How stored values become pictures, in the place of the data set's own rendering.

    Raises
    ------
    MedrecogError
        If the data set cannot be loaded, or a sample is too small.
    StorageError
        If the store cannot be used.
    """
    network = find_network(specification.network)
    source = descriptor_source(specification)
    dataset = library.load(specification.dataset)
    if rendering is not None:
        dataset = replace(dataset, rendering=rendering)
    images: Sequence[ImageRecord] = dataset.images
    if specification.sample is not None:
        images = draw_sample(images, specification.sample, specification.seed).images
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
                one = seconds_an_image(network, source.precision, layer, scale)
                seconds = None if one is None or seconds is None else seconds + n * one
                gflop += n * gflop_an_image(network, layer, scale)
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
    for sha256, identity in known:
        for cell in deepest_first:
            if source.key(sha256, cell, identity) not in store:
                counts[cell.layer] += 1
                break
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
