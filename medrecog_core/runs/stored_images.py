"""Images whose descriptors are in the store, as the SVMs of any cell learn from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.datasets import Fold, ImageRecord, Split
from medrecog_core.features import (
    AnyCell,
    DescriptorSource,
    DescriptorStore,
    HashedImage,
    concatenate,
    describe_images,
    learn_cell_codebook,
    members,
)
from medrecog_core.jobs.progress import Progress, ignore, never
from medrecog_core.networks import Network
from medrecog_core.runs.cell_evaluation import CellData
from medrecog_core.runs.specification import RunSpecification


@dataclass(frozen=True)
class StoredImages:
    """Images, and where their descriptors are.

    Attributes
    ----------
    images, files
        The images and their files, in one order.
    network, source, store
        What they were read with, and where the descriptors are.
    """

    images: Sequence[ImageRecord]
    files: Sequence[HashedImage]
    network: Network
    source: DescriptorSource
    store: DescriptorStore

    def cell_data(
        self,
        cell: AnyCell,
        split: Split,
        specification: RunSpecification,
        report: Callable[[Progress], None] = ignore,
        should_stop: Callable[[], bool] = never,
    ) -> CellData:
        """Return what the SVMs of a cell are trained and tested on.

        A codebook is learned from the training images of its fold alone.

        Parameters
        ----------
        cell
            The cell or fusion.
        split
            Positions in `images`.
        specification
            Says how many words a codebook has, and its seed.
        report, should_stop
            Called with the progress of encodings, and asked between their steps.
        """
        where = (self.network, self.source, self.store)
        words = (specification.n_words, specification.seed)
        heard = (report, should_stop)

        def descriptors(fold: Fold) -> np.ndarray:
            train = [self.files[i] for i in fold.train]
            described = []
            for member in members(cell):
                codebook = learn_cell_codebook(train, member, *where, *words, *heard)
                described.append(describe_images(self.files, member, codebook, *where, *heard))
            return concatenate(described)

        learns = any(member.is_encoded for member in members(cell))
        return CellData(self.images, split, descriptors, same_in_all_folds=not learns)
