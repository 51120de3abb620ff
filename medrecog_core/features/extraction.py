"""From image files to descriptors in the store: one pass a scale, for what is missing only."""

import collections
import contextlib
import hashlib
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path

import numpy as np

from medrecog_core.features.cell import Cell
from medrecog_core.features.cost import NetworkPass, peak_memory
from medrecog_core.features.encodings.local_descriptors import check_room
from medrecog_core.features.pooled_network import PooledNetwork, averaged, batch_size
from medrecog_core.features.reader import DescriptorReader
from medrecog_core.features.reading import Skipped, read_batches
from medrecog_core.features.store import DescriptorSource, DescriptorStore
from medrecog_core.images import Glimpse, Image, preprocessing_of_version
from medrecog_core.jobs.locks import is_held, waited_for
from medrecog_core.jobs.progress import Meter, Progress, Stage, ignore, never, stop_if
from medrecog_core.networks import Network
from medrecog_core.networks.engines import AUTO, Choice

_SIDE_OF_WORK = 224
_IMAGES_AT_ONCE = 1000


@dataclass
class Extraction:
    """What an extraction did.

    Attributes
    ----------
    network_images
        From scale to the number of images that went through the network.
    seconds
        From scale to the time that took, files to stored descriptors.
    peak_memory
        From scale to the greatest resident memory of the process until then, in bytes; of scales
        at which images went through the network.
    skipped
        Images that could not be read.
    unreadable
        Their identities.
    passes
        What went through the network together, and how long that took.
    choice
        The engine that computed it, and why; None where everything was in the store.
    """

    network_images: dict[int, int] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    peak_memory: dict[int, int] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    unreadable: frozenset[tuple[str, str]] = frozenset()
    passes: list[NetworkPass] = field(default_factory=list)
    choice: Choice | None = None


def extract(
    images: Sequence[Image],
    cells: Sequence[Cell],
    reader: DescriptorReader,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
    engine: str = AUTO,
    glimpses: dict[tuple[str, str], Glimpse] | None = None,
) -> Extraction:
    """Put the descriptors of images in cells into the store, where they are missing.

    A scale costs one pass through the network for each view, up to the deepest layer that is
    missing, whatever the number of layers and poolings. Images of the same content and rendering go
    through once, also where several processes want them at once. Each batch is kept as soon as it
    is computed. For the cells of encodings that is the local descriptors: the encodings themselves
    depend on a codebook, and are not kept.

    Parameters
    ----------
    images
        Files and their hashes.
    cells
        What to read.
    reader
        Of the descriptors: the network, what it is read with, and the store they go into.
    report
        Called with the progress, about once a batch.
    should_stop
        Asked before each batch.
    engine
        Name of the engine that computes, or `auto`; see `choose_engine`.
    glimpses
        Takes, by identity, the glimpses of the images that go through the network.

    Raises
    ------
    StoppedError
        If `should_stop` says so; every finished batch is in the store.
    StorageError
        If the store cannot be used.
    MedrecogError
        If local descriptors would take more room than they may, or the engine cannot compute this.
    """
    extraction = Extraction()
    unreadable: dict[tuple[str, str], Skipped] = {}
    network, source, store = reader.network, reader.source, reader.store
    graphs = _GraphInMemory(network, source, engine)
    preprocessing = preprocessing_of_version(source.preprocessing)
    distinct = list({image.identity: image for image in images}.values())
    stored = dict.fromkeys(cell.stored for cell in cells)
    check_room(network, stored, len(distinct), preprocessing.largest_proportion)
    for scale, cells_of_scale in itertools.groupby(
        sorted(stored, key=lambda cell: cell.scale), key=lambda cell: cell.scale
    ):
        start = time.monotonic()
        wanted = list(cells_of_scale)
        todo = [image for image in distinct if image.identity not in unreadable]
        n_images = len(todo)
        missing = _by_deepest_missing(todo, wanted, reader, report, should_stop)
        with contextlib.ExitStack() as alone:
            if missing:
                alone.enter_context(extracting_alone(source, scale, store, report, should_stop))
                # Another process may have put some there in the meantime.
                todo = [image for group in missing.values() for image in group]
                missing = _by_deepest_missing(todo, wanted, reader, ignore, should_stop)
            n_found = n_images - sum(len(group) for group in missing.values())
            meter = Meter(_extracting(scale), n_images, report, scale, n_found)
            for deepest, group in missing.items():
                readings = [
                    (cell.layer, cell.pooling)
                    for cell in wanted
                    if network.depth(cell.layer) <= network.depth(deepest)
                ]
                size = batch_size(scale, source.precision)
                work = len(group) * preprocessing.views * scale**2 // _SIDE_OF_WORK**2
                begun, done_before = time.monotonic(), meter.done
                for batch in read_batches(group, preprocessing, scale, size, unreadable, glimpses):
                    graph = graphs.reading(readings, work)
                    views = preprocessing.views_of(np.stack([pixels for _, pixels in batch]))
                    values = averaged(
                        graph.descriptors(view) for view in _until_stopped(views, should_stop)
                    )
                    store.put(
                        (source.key_of(image, Cell(layer, scale, pooling)), vectors[i])
                        for (layer, pooling), vectors in values.items()
                        for i, (image, _) in enumerate(batch)
                    )
                    meter.add(len(batch))
                n_passed = (meter.done - done_before) * preprocessing.views
                extraction.passes.append(
                    NetworkPass(deepest, scale, n_passed, time.monotonic() - begun)
                )
            meter.close()
        extraction.network_images[scale] = meter.done - meter.found
        extraction.seconds[scale] = time.monotonic() - start
        if meter.done > meter.found:
            extraction.peak_memory[scale] = peak_memory()
    extraction.choice = graphs.choice
    extraction.skipped = [
        Skipped(image.name, unreadable[image.identity].reason)
        for image in images
        if image.identity in unreadable
    ]
    extraction.unreadable = frozenset(unreadable)
    return extraction


def _until_stopped(
    views: Iterable[np.ndarray], should_stop: Callable[[], bool]
) -> Iterator[np.ndarray]:
    for view in views:
        stop_if(should_stop())
        yield view


def _extracting(scale: int) -> Stage:
    return Stage(f"extract-{scale}", f"Extracting features at {scale} px", "images")


def _looking_up(scale: int) -> Stage:
    return Stage(f"look-up-{scale}", f"Checking the feature cache at {scale} px", "images")


class _GraphInMemory:
    """The graph that was built last; one is built when an image needs it, and serves all scales."""

    def __init__(self, network: Network, source: DescriptorSource, engine: str) -> None:
        self._network, self._source, self._asked = network, source, engine
        self._readings: list[tuple[str, str]] = []
        self._graph: PooledNetwork | None = None

    @property
    def choice(self) -> Choice | None:
        """The engine that computed last, and why; None before."""
        return None if self._graph is None else self._graph.choice

    def reading(self, readings: list[tuple[str, str]], work: int) -> PooledNetwork:
        """Return a graph that gives these readings; an earlier one's memory is given back first."""
        if self._graph is None or readings != self._readings:
            self._graph = None
            self._graph = PooledNetwork(
                self._network,
                readings,
                self._source.precision,
                self._source.weights,
                self._asked,
                work,
            )
            self._readings = readings
        return self._graph


def _by_deepest_missing(
    images: Sequence[Image],
    cells: Sequence[Cell],
    reader: DescriptorReader,
    report: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> dict[str, list[Image]]:
    """Group the images that miss a cell by the deepest layer they miss."""
    groups: dict[str, list[Image]] = collections.defaultdict(list)
    deepest_first = sorted(cells, key=lambda cell: -reader.network.depth(cell.layer))
    meter = Meter(_looking_up(cells[0].scale), len(images), report)
    for first in range(0, len(images), _IMAGES_AT_ONCE):
        stop_if(should_stop())
        part = todo = images[first : first + _IMAGES_AT_ONCE]
        for cell in deepest_first:
            missing = reader.missing(todo, cell)
            groups[cell.layer] += missing
            is_missing = set(map(id, missing))
            todo = [image for image in todo if id(image) not in is_missing]
        meter.add(len(part))
    return {layer: group for layer, group in groups.items() if group}


@contextmanager
def extracting_alone(
    source: DescriptorSource,
    scale: int,
    store: DescriptorStore,
    report: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> Iterator[None]:
    """Wait until no other process extracts the same for the same store, and keep others from it.

    Two processes that want the descriptors of one image would both compute them. Whoever waited
    looks into the store again. However a process ends, the operating system lets the next one in.

    Raises
    ------
    StoppedError
        If `should_stop` says so while it waits.
    StorageError
        If the lock cannot be made.
    """
    content = json.dumps([*astuple(source), scale]).encode()
    file = _folder_beside(store) / f"{hashlib.sha256(content).hexdigest()[:24]}.lock"
    stage = Stage(
        f"wait-for-extraction-{scale}", f"Waiting for another process that extracts at {scale} px"
    )
    with waited_for(file, lambda: report(Progress(stage, 0, 0, waits=True)), should_stop):
        yield


def is_extracting(store: DescriptorStore) -> bool:
    """Return whether a process extracts images for a store at this moment."""
    return any(is_held(file) for file in _folder_beside(store).glob("*.lock"))


def _folder_beside(store: DescriptorStore) -> Path:
    # Not inside, because the store takes every file in its folder for an entry.
    return store.folder.with_name(f"{store.folder.name}-locks")
