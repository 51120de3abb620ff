"""From image files to descriptors in the store: one pass a scale, for what is missing only."""

import collections
import hashlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from medrecog_core.errors import StoppedError, StorageError
from medrecog_core.features.cell import Cell
from medrecog_core.features.pooled_network import PooledNetwork, batch_size
from medrecog_core.features.store import DescriptorSource, DescriptorStore
from medrecog_core.images import UnreadableImageError, decode_image, read_file, squeeze
from medrecog_core.networks import Network

_READERS = 2
_BATCHES_AHEAD = 3


@dataclass(frozen=True)
class Skipped:
    """A file that could not be used, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class HashedImage:
    """An image file and the SHA-256 of its bytes, in hexadecimal."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class Progress:
    """How far a stage is.

    Attributes
    ----------
    stage
        In words.
    done, total
        Images, pictures or cells.
    rate
        So many a second; 0 while it is unknown.
    scale
        While images go through the network: the scale at which they do.
    """

    stage: str
    done: int
    total: int
    rate: float = 0.0
    scale: int | None = None

    @property
    def seconds_left(self) -> float | None:
        """Expected time to the end of the stage, None while it is unknown."""
        return (self.total - self.done) / self.rate if self.rate else None


@dataclass
class Extraction:
    """What an extraction did.

    Attributes
    ----------
    network_images
        From scale to the number of images that went through the network.
    seconds
        From scale to the time that took, files to stored descriptors.
    skipped
        Images that could not be read.
    """

    network_images: dict[int, int] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)


def ignore(_: Progress) -> None:
    """Report progress to nobody."""


def never() -> bool:
    """Ask for no stop."""
    return False


def hash_images(
    paths: Sequence[Path],
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> tuple[list[HashedImage], list[Skipped]]:
    """Hash every file; those that cannot be read are listed instead.

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    """
    hashed, skipped = [], []
    meter = _Meter("reading files", len(paths), report)
    with ThreadPoolExecutor(_READERS) as readers:
        for path, answer in zip(paths, readers.map(_sha256, paths), strict=True):
            if should_stop():
                readers.shutdown(cancel_futures=True)
                raise StoppedError("The work was stopped; what was done is kept.")
            if isinstance(answer, str):
                hashed.append(HashedImage(path, answer))
            else:
                skipped.append(Skipped(str(path), str(answer)))
            meter.add(1)
    return hashed, skipped


def extract(
    images: Sequence[HashedImage],
    cells: Sequence[Cell],
    network: Network,
    source: DescriptorSource,
    store: DescriptorStore,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> Extraction:
    """Put the descriptors of images in cells into the store, where they are missing.

    A scale costs one pass through the network, up to the deepest layer that is missing, whatever
    the number of layers and poolings. Images of the same content go through once. Each batch is
    kept as soon as it is computed.

    Parameters
    ----------
    images
        Files and their hashes.
    cells
        What to read.
    network, source
        The network, and the weights, preprocessing and precision it is read with.
    store
        Where the descriptors go.
    report
        Called with the progress, about once a batch.
    should_stop
        Asked before each batch.

    Raises
    ------
    StoppedError
        If `should_stop` says so; every finished batch is in the store.
    StorageError
        If the store cannot be used.
    """
    extraction = Extraction()
    unreadable: dict[str, Skipped] = {}
    distinct = list({image.sha256: image for image in images}.values())
    for scale, cells_of_scale in itertools.groupby(
        sorted(cells, key=lambda cell: cell.scale), key=lambda cell: cell.scale
    ):
        start = time.monotonic()
        wanted = list(cells_of_scale)
        todo = [image for image in distinct if image.sha256 not in unreadable]
        groups = _by_deepest_missing(todo, wanted, network, source, store, report, should_stop)
        n_images = sum(len(group) for group in groups.values())
        meter = _Meter(f"extracting at {scale}", n_images, report, scale)
        for deepest, group in groups.items():
            readings = [
                (cell.layer, cell.pooling)
                for cell in wanted
                if network.depth(cell.layer) <= network.depth(deepest)
            ]
            pooled: PooledNetwork | None = None  # built only if an image can be read at all
            for batch in _read_batches(group, scale, source.precision, unreadable):
                if should_stop():
                    raise StoppedError("The work was stopped; what was done is kept.")
                pooled = pooled or PooledNetwork(network, readings, source.precision)
                values = pooled.descriptors(np.stack([pixels for _, pixels in batch]))
                store.put(
                    (source.key(image.sha256, Cell(layer, scale, pooling)), vectors[i])
                    for (layer, pooling), vectors in values.items()
                    for i, (image, _) in enumerate(batch)
                )
                meter.add(len(batch))
        extraction.network_images[scale] = meter.done
        extraction.seconds[scale] = time.monotonic() - start
    extraction.skipped = [
        Skipped(str(image.path), unreadable[image.sha256].reason)
        for image in images
        if image.sha256 in unreadable
    ]
    return extraction


def read_descriptors(
    images: Sequence[HashedImage],
    cell: Cell,
    network: Network,
    source: DescriptorSource,
    store: DescriptorStore,
) -> np.ndarray:
    """Return the descriptors of images in a cell.

    Returns
    -------
    numpy.ndarray
        float32, shape (len(images), channels).

    Raises
    ------
    StorageError
        If one is not in the store, or has been damaged since it was put there.
    """
    channels = network.layer(cell.layer).channels
    matrix = np.empty((len(images), channels), dtype=np.float32)
    for row, image in zip(matrix, images, strict=True):
        vector = store.get(source.key(image.sha256, cell), channels)
        if vector is None:
            raise StorageError(
                f"The descriptor of {image.path} in {cell.name} is missing from the store or "
                "damaged: start the run again, and it will be computed again."
            )
        row[:] = vector
    return matrix


def _by_deepest_missing(
    images: Sequence[HashedImage],
    cells: Sequence[Cell],
    network: Network,
    source: DescriptorSource,
    store: DescriptorStore,
    report: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> dict[str, list[HashedImage]]:
    """Group the images that miss a cell by the deepest layer they miss."""
    groups: dict[str, list[HashedImage]] = collections.defaultdict(list)
    deepest_first = sorted(cells, key=lambda cell: -network.depth(cell.layer))
    meter = _Meter(f"looking into the store at {cells[0].scale}", len(images), report)
    for image in images:
        if should_stop():
            raise StoppedError("The work was stopped; what was done is kept.")
        for cell in deepest_first:
            channels = network.layer(cell.layer).channels
            if store.get(source.key(image.sha256, cell), channels) is None:
                groups[cell.layer].append(image)
                break
        meter.add(1)
    return groups


def _read_batches(
    images: Iterable[HashedImage], scale: int, precision: str, unreadable: dict[str, Skipped]
) -> Iterator[list[tuple[HashedImage, np.ndarray]]]:
    """Decode images in threads, ahead of the network; note the unreadable and leave them out."""
    size = batch_size(scale, precision)
    waiting: collections.deque[tuple[HashedImage, Future[np.ndarray]]] = collections.deque()
    batch: list[tuple[HashedImage, np.ndarray]] = []
    source = iter(images)
    readers = ThreadPoolExecutor(_READERS)
    try:
        while True:
            for image in itertools.islice(source, size * _BATCHES_AHEAD - len(waiting)):
                waiting.append((image, readers.submit(_read_square, image, scale)))
            if not waiting:
                break
            image, pixels = waiting.popleft()
            try:
                batch.append((image, pixels.result()))
            except UnreadableImageError as error:
                unreadable[image.sha256] = Skipped(str(image.path), str(error))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch
    finally:
        readers.shutdown(cancel_futures=True)


def _read_square(image: HashedImage, scale: int) -> np.ndarray:
    content = read_file(image.path)
    if hashlib.sha256(content).hexdigest() != image.sha256:
        raise UnreadableImageError("the file changed while it was being worked on")
    return squeeze(decode_image(content), scale)


def _sha256(path: Path) -> str | UnreadableImageError:
    try:
        return hashlib.sha256(read_file(path)).hexdigest()
    except UnreadableImageError as error:
        return error


class _Meter:
    """Counts what a stage has done and reports it with the rate so far."""

    def __init__(
        self,
        stage: str,
        total: int,
        report: Callable[[Progress], None],
        scale: int | None = None,
    ) -> None:
        self.stage, self.total, self.scale, self._report = stage, total, scale, report
        self.done = 0
        self._start: float | None = None
        self._counted_from = 0
        report(Progress(stage, 0, total, scale=scale))

    def add(self, n: int) -> None:
        self.done += n
        now = time.monotonic()
        if self._start is None:
            # The first batch pays for building the graph, so the rate is counted from its end.
            self._start, self._counted_from = now, self.done
            rate = 0.0
        else:
            rate = (self.done - self._counted_from) / max(now - self._start, 1e-9)
        self._report(Progress(self.stage, self.done, self.total, rate, self.scale))
