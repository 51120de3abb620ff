"""Image files read by threads: known by their content, and decoded ahead of the network."""

import collections
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medrecog_core.images import (
    Glimpse,
    Image,
    Preprocessing,
    UnreadableImageError,
    decode_image,
    read_file,
)
from medrecog_core.jobs.progress import Meter, Progress, Stage, ignore, never, stop_if
from medrecog_core.networks import Device, find_device

_READERS = 2
_HASHED_AT_ONCE = 8
_READING = Stage("read-files", "Reading files", "files")


@dataclass(frozen=True)
class Skipped:
    """A file that could not be used, and why."""

    path: str
    reason: str


def hash_images(
    paths: Sequence[Path],
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> tuple[list[Image], list[Skipped]]:
    """Hash every file once; those that cannot be read are listed instead.

    Parameters
    ----------
    paths
        The files; one that is there several times is read and returned once.
    report, should_stop
        Called with the progress, and asked before each file.

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    """
    hashed, skipped = [], []
    paths = list(dict.fromkeys(paths))
    meter = Meter(_READING, len(paths), report)
    readers = ThreadPoolExecutor(_READERS)
    parts = [paths[i : i + _HASHED_AT_ONCE] for i in range(0, len(paths), _HASHED_AT_ONCE)]
    try:
        for part, answers in zip(parts, readers.map(_hashes, parts), strict=True):
            stop_if(should_stop())
            for path, answer in zip(part, answers, strict=True):
                if isinstance(answer, str):
                    hashed.append(Image(str(path), answer))
                else:
                    skipped.append(Skipped(str(path), str(answer)))
            meter.add(len(part))
    finally:
        readers.shutdown(cancel_futures=True)
    return hashed, skipped


def _hashes(paths: Sequence[Path]) -> list[str | UnreadableImageError]:
    return [_sha256(path) for path in paths]


def _sha256(path: Path) -> str | UnreadableImageError:
    try:
        return hashlib.sha256(read_file(path)).hexdigest()
    except UnreadableImageError as error:
        return error


Batch = list[tuple[Image, np.ndarray]]

_FEWEST_READERS = 2
_MOST_READERS = 32
_CORES_A_READER = 4  # on a processor, where the network takes more than nine tenths of the time
_BATCHES_AHEAD = 3
_BATCHES_HELD = 4


@dataclass(frozen=True)
class ReadingAhead:
    """How far reading is ahead of the network.

    Attributes
    ----------
    n_readers
        Threads that decode.
    n_waiting
        Images that are read or being read, at most, before they are taken.
    n_held
        Images that wait for others of their shape, at most.
    """

    n_readers: int
    n_waiting: int
    n_held: int

    @property
    def n_images(self) -> int:
        """Images whose pixels are in memory at most, besides those of the batch in hand."""
        return self.n_waiting + self.n_held


def reading_ahead(size: int, device: Device | None = None) -> ReadingAhead:
    """Return how far to read ahead of batches of some size.

    A GPU takes images as fast as all processor cores decode them; a network on the processor needs
    its cores for itself.

    Parameters
    ----------
    size
        Images in a batch.
    device
        What the network runs on; None: what this machine has.
    """
    device = device or find_device()
    wanted = device.n_cores // (1 if device.kind == "gpu" else _CORES_A_READER)
    n_readers = min(max(wanted, _FEWEST_READERS), _MOST_READERS)
    n_waiting = max(_BATCHES_AHEAD * size, 2 * n_readers)
    return ReadingAhead(n_readers, n_waiting, _BATCHES_HELD * size)


def read_batches(
    images: Iterable[Image],
    preprocessing: Preprocessing,
    scale: int,
    size: int,
    unreadable: dict[tuple[str, str], Skipped],
    glimpses: dict[tuple[str, str], Glimpse] | None = None,
) -> Iterator[Batch]:
    """Decode images in threads, ahead of whoever takes the batches.

    Parameters
    ----------
    images
        Files whose content must still be what was hashed.
    preprocessing, scale
        What becomes of them.
    size
        Squares in a batch at most; of larger images fewer, so that a batch of several has no more
        pixels than one of squares.
    unreadable
        Takes, by identity, the images that cannot be read; they are left out of the batches.
    glimpses
        Takes, by identity, the glimpses of the images that are read; None where nobody needs them.

    Yields
    ------
    list
        Images and their pixels, uint8, shape (height, width, 3), the same for all in a batch.
    """
    ahead = reading_ahead(size)
    waiting: collections.deque[tuple[Image, Future[np.ndarray]]] = collections.deque()
    held: dict[tuple[int, ...], Batch] = collections.defaultdict(list)
    source = iter(images)
    readers = ThreadPoolExecutor(ahead.n_readers)
    try:
        while True:
            for image in itertools.islice(source, ahead.n_waiting - len(waiting)):
                task = readers.submit(_read_pixels, image, preprocessing, scale, glimpses)
                waiting.append((image, task))
            if not waiting:
                break
            image, reading = waiting.popleft()
            try:
                pixels = reading.result()
            except UnreadableImageError as error:
                unreadable[image.identity] = Skipped(image.name, str(error))
                continue
            held[pixels.shape].append((image, pixels))
            height, width = preprocessing.view_shape(pixels.shape)
            n_pixels = height * width
            if len(held[pixels.shape]) >= size * scale**2 // n_pixels:
                yield held.pop(pixels.shape)
            elif sum(map(len, held.values())) >= ahead.n_held:
                yield held.pop(max(held, key=lambda shape: len(held[shape])))
        yield from held.values()
    finally:
        readers.shutdown(cancel_futures=True)


def _read_pixels(
    image: Image,
    preprocessing: Preprocessing,
    scale: int,
    glimpses: dict[tuple[str, str], Glimpse] | None,
) -> np.ndarray:
    content = read_file(image.file)
    if hashlib.sha256(content).hexdigest() != image.sha256:
        raise UnreadableImageError("the file changed while it was being worked on")
    decoded = decode_image(content, rendering=image.rendering)
    if glimpses is not None and image.identity not in glimpses:
        glimpses[image.identity] = Glimpse.of(content, decoded)
    return preprocessing.pixels(decoded, scale)


def glimpse_images(
    images: Iterable[Image],
    glimpses: dict[tuple[str, str], Glimpse],
    report: Callable[[int], None],
) -> None:
    """Read the images whose glimpse is missing, and add it.

    Parameters
    ----------
    images
        Files whose content must still be what was hashed.
    glimpses
        From identity to glimpse.
    report
        Called with 1 after each image; an error that it raises ends the work.

    Raises
    ------
    UnreadableImageError
        If one cannot be read.
    """
    missing = {image.identity: image for image in images if image.identity not in glimpses}
    readers = ThreadPoolExecutor(_READERS)
    try:
        for identity, glimpse in zip(missing, readers.map(_glimpse, missing.values()), strict=True):
            glimpses[identity] = glimpse
            report(1)
    finally:
        readers.shutdown(cancel_futures=True)


def _glimpse(image: Image) -> Glimpse:
    content = read_file(image.file)
    if hashlib.sha256(content).hexdigest() != image.sha256:
        raise UnreadableImageError(f"{image.name} has changed since the run")
    return Glimpse.of(content, decode_image(content, rendering=image.rendering))
