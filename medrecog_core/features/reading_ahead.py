"""Decoding that overlaps the network: batches of squares, read ahead by threads."""

import collections
import hashlib
import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from medrecog_core.features.hashed_image import HashedImage, Skipped
from medrecog_core.images import UnreadableImageError, decode_image, read_file, squeeze

_READERS = 2
_BATCHES_AHEAD = 3


def read_batches(
    images: Iterable[HashedImage], scale: int, size: int, unreadable: dict[str, Skipped]
) -> Iterator[list[tuple[HashedImage, np.ndarray]]]:
    """Decode images in threads, ahead of whoever takes the batches.

    Parameters
    ----------
    images
        Files whose content must still be what was hashed.
    scale
        Side of the squares in pixels.
    size
        Images in a batch; the last may have fewer.
    unreadable
        Takes, by SHA-256, the images that cannot be read; they are left out of the batches.

    Yields
    ------
    list
        Images and their squares, uint8, shape (scale, scale, 3).
    """
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
