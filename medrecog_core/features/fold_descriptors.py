"""Descriptors of any cell, from the store: those that need a codebook, and those that need none."""

from collections.abc import Callable, Sequence

import numpy as np

from medrecog_core.features.cell import Cell
from medrecog_core.features.encodings import (
    Codebook,
    StoredLocalDescriptors,
    encode_images,
    learn_codebook,
)
from medrecog_core.features.extraction import read_descriptors
from medrecog_core.features.reading import HashedImage
from medrecog_core.features.store import DescriptorSource, DescriptorStore
from medrecog_core.jobs.progress import Progress, ignore, never
from medrecog_core.networks import Network


def learn_cell_codebook(
    train: Sequence[HashedImage],
    cell: Cell,
    network: Network,
    source: DescriptorSource,
    store: DescriptorStore,
    n_words: int | None = None,
    seed: int = 0,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> Codebook | None:
    """Learn the codebook of a cell from training images, where the cell is one of an encoding.

    Parameters
    ----------
    train
        Files and hashes of the training images.
    cell, network, source, store
        What to read, what it was extracted with, and where it is.
    n_words, seed, report, should_stop
        See `learn_codebook`.

    Returns
    -------
    Codebook or None
        None where the cell's pooling needs no codebook.

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    StorageError
        If local descriptors are missing from the store or damaged.
    UsageError
        If the images have fewer local descriptors than words.
    """
    if not cell.is_encoded:
        return None
    local = StoredLocalDescriptors(train, cell, network, source, store)
    return learn_codebook(local, cell.pooling, n_words, seed, report, should_stop)


def describe_images(
    images: Sequence[HashedImage],
    cell: Cell,
    codebook: Codebook | None,
    network: Network,
    source: DescriptorSource,
    store: DescriptorStore,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> np.ndarray:
    """Return the descriptors of images in a cell, encoded where there is a codebook.

    Parameters
    ----------
    images
        Files and their hashes.
    cell, network, source, store
        What to read, what it was extracted with, and where it is.
    codebook
        As `learn_cell_codebook` gave it for the cell.
    report, should_stop
        Called with the progress of an encoding, and asked before each of its batches.

    Returns
    -------
    numpy.ndarray
        float32, shape (len(images), length): the codebook's or the pooling's.

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    StorageError
        If descriptors are missing from the store or damaged.
    """
    if codebook is None:
        return read_descriptors(images, cell, network, source, store)
    local = StoredLocalDescriptors(images, cell, network, source, store)
    return encode_images(local, codebook, report, should_stop)
