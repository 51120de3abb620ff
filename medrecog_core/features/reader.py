"""Descriptors of any cell, from the store: those that need a codebook, and those that need none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.errors import StorageError
from medrecog_core.features.cell import Cell
from medrecog_core.features.encodings import (
    Codebook,
    LocalDescriptors,
    encode_images,
    learn_codebook,
)
from medrecog_core.features.pooling import LOCAL
from medrecog_core.features.store import DescriptorSource, DescriptorStore
from medrecog_core.images import Image
from medrecog_core.jobs.progress import Progress, ignore, never
from medrecog_core.networks import Network


@dataclass(frozen=True)
class DescriptorReader:
    """Reads the descriptors of images from the store; no image and no network is read.

    Attributes
    ----------
    network, source
        The network, and the weights, preprocessing and precision it was read with.
    store
        Where the descriptors are.
    """

    network: Network
    source: DescriptorSource
    store: DescriptorStore

    def missing(self, images: Sequence[Image], cell: Cell) -> list[Image]:
        """Return the images whose descriptor in a cell, as it is stored, is absent or damaged."""
        keys = [self.source.key_of(image, cell) for image in images]
        found = self.store.get_many(keys, cell.stored_length(self.network))
        return [image for image, vector in zip(images, found, strict=True) if vector is None]

    def read(self, images: Sequence[Image], cell: Cell) -> np.ndarray:
        """Return the descriptors of images in a cell that needs no codebook.

        Returns
        -------
        numpy.ndarray
            float32, shape (len(images), length).

        Raises
        ------
        StorageError
            If one is not in the store, or has been damaged since it was put there.
        """
        length = cell.stored_length(self.network)
        matrix = np.empty((len(images), length), dtype=np.float32)
        keys = [self.source.key_of(image, cell) for image in images]
        vectors = self.store.get_many(keys, length)
        for row, image, vector in zip(matrix, images, vectors, strict=True):
            if vector is None:
                raise StorageError(
                    f"The features of {image.name} in {cell.name} are missing from the feature "
                    "cache or damaged. Start the run again to compute them."
                )
            row[:] = vector
        return matrix

    def local(self, images: Sequence[Image], cell: Cell) -> LocalDescriptors:
        """Return the local descriptors of images, which are read one image at a time.

        Those of an image are float32, each of Euclidean length 1 or 0. Reading them raises
        StorageError if they are not in the store, or have been damaged since they were put there.

        Parameters
        ----------
        images
            Files and their hashes.
        cell
            The layer and scale; whatever the pooling.
        """
        return _StoredLocalDescriptors(images, cell, self)

    def learn_codebook(
        self,
        train: Sequence[Image],
        cell: Cell,
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
        cell
            What to read.
        n_words, seed, report, should_stop
            See `medrecog_core.features.encodings.learn_codebook`.

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
        local = self.local(train, cell)
        return learn_codebook(local, cell.pooling, n_words, seed, report, should_stop)

    def describe(
        self,
        images: Sequence[Image],
        cell: Cell,
        codebook: Codebook | None,
        report: Callable[[Progress], None] = ignore,
        should_stop: Callable[[], bool] = never,
    ) -> np.ndarray:
        """Return the descriptors of images in a cell, encoded where there is a codebook.

        Parameters
        ----------
        images
            Files and their hashes.
        cell
            What to read.
        codebook
            As `learn_codebook` gave it for the cell.
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
            return self.read(images, cell)
        return encode_images(self.local(images, cell), codebook, report, should_stop)


@dataclass(frozen=True)
class _StoredLocalDescriptors:
    images: Sequence[Image]
    cell: Cell
    reader: DescriptorReader

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int, /) -> np.ndarray:
        reader, image = self.reader, self.images[i]
        channels = reader.network.layer(self.cell.layer).channels
        local = Cell(self.cell.layer, self.cell.scale, LOCAL)
        found = reader.store.get(reader.source.key_of(image, local), channels)
        if found is None:
            raise StorageError(
                f"The local descriptors of {image.name} in {self.cell.name} are missing "
                "from the feature cache or damaged. Start the run again to compute them."
            )
        return found.reshape(-1, channels).astype(np.float32)
