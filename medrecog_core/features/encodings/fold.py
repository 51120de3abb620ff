"""A fold's images encoded, by a codebook learned from its training part alone."""

from collections.abc import Callable, Iterator

import numpy as np

from medrecog_core.features.encodings.codebook import Codebook
from medrecog_core.features.encodings.local_descriptors import LocalDescriptors
from medrecog_core.jobs.progress import Meter, Progress, Stage, ignore, never, stop_if

_BATCH_BYTES = 32 * 2**20
_BATCH_POSITIONS = 2**14
_ENCODING = Stage("encode", "Encoding images", "images")


def encode_images(
    images: LocalDescriptors,
    codebook: Codebook,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> np.ndarray:
    """Encode images in batches of 16,384 positions and 32 MB at most, or of one image.

    Parameters
    ----------
    images
        Read once, one at a time.
    codebook
        Learned from training images.
    report, should_stop
        Called with the progress, and asked before each batch.

    Returns
    -------
    numpy.ndarray
        float32, shape (len(images), codebook.length).

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    """
    encoded = np.empty((len(images), codebook.length), dtype=np.float32)
    meter = Meter(_ENCODING, len(images), report)
    first = 0
    for batch in _batches(images):
        stop_if(should_stop())
        encoded[first : first + len(batch)] = codebook.encode(batch)
        first += len(batch)
        meter.add(len(batch))
    return encoded


def _batches(images: LocalDescriptors) -> Iterator[np.ndarray]:
    """Stack images that follow each other and have equally many positions."""
    batch: list[np.ndarray] = []
    for i in range(len(images)):
        image = images[i]
        most = min(_BATCH_BYTES // image.nbytes, _BATCH_POSITIONS // len(image))
        if batch and (len(batch) >= most or image.shape != batch[0].shape):
            yield np.stack(batch)
            batch = []
        batch.append(image)
    if batch:
        yield np.stack(batch)
