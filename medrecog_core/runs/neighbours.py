"""The images of a run that are most similar to some of them, by their features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification import l2_normalise
from medrecog_core.errors import MedrecogError
from medrecog_core.features import (
    AnyCell,
    DescriptorReader,
    DescriptorStore,
    concatenate,
    members,
)
from medrecog_core.images import Image
from medrecog_core.locations import cache_folder
from medrecog_core.networks import find_network
from medrecog_core.runs.run import Run

_ROWS_AT_ONCE = 512


@dataclass(frozen=True, kw_only=True)
class SimilarImage(Image):
    """An image and its distance from another one.

    Attributes
    ----------
    distance
        Cosine distance of the descriptors, from 0 (the same direction) to 2.
    """

    distance: float


def unit_features(run: Run, cell: AnyCell) -> np.ndarray:
    """Return the features of a run's images divided by their Euclidean lengths.

    Parameters
    ----------
    run
        A run.
    cell
        One of its cells, or a fusion of some, without encodings.

    Returns
    -------
    numpy.ndarray
        float32, shape (n, channels), in the order of the run's images.

    Raises
    ------
    MedrecogError
        If the cell needs a codebook, which differs from fold to fold.
    StorageError
        If features are not in the feature cache any more, or the run's folder is damaged.
    """
    if any(member.is_encoded for member in members(cell)):
        raise MedrecogError(
            f"{cell.name} is encoded, and its features depend on the training images. Choose a "
            "cell with max, average or GeM pooling."
        )
    images = run.images()
    network = find_network(run.specification().network)
    with DescriptorStore(cache_folder().features) as store:
        reader = DescriptorReader(network, run.source(), store)
        return l2_normalise(concatenate([reader.read(images, each) for each in members(cell)]))


def similar_images(
    run: Run, cell: AnyCell, positions: Sequence[int], n: int, other_groups: bool = True
) -> list[tuple[SimilarImage, ...]]:
    """Return the images of a run that are most similar to each of some, the most similar first.

    Parameters
    ----------
    run, cell
        As in `unit_features`, whose errors are raised.
    positions
        Of the images among those of the run.
    n
        Similar images of each; fewer if there are not as many.
    other_groups
        Whether images of the same group are left out, which are similar for another reason.
    """
    images, rows = run.images(), unit_features(run, cell)
    groups = np.array([image.group for image in images])
    asked = np.asarray(positions, dtype=int)
    found: list[tuple[SimilarImage, ...]] = []
    for start in range(0, len(asked), _ROWS_AT_ONCE):
        part = asked[start : start + _ROWS_AT_ONCE]
        distances = 1 - rows[part] @ rows.T
        distances[np.arange(len(part)), part] = np.inf
        if other_groups:
            same = (groups[part][:, None] == groups) & (groups[part] != "")[:, None]
            distances[same] = np.inf
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :n]
        for row, near in zip(distances, nearest, strict=True):
            found.append(
                tuple(
                    SimilarImage(**vars(images[i]), distance=max(0.0, float(row[i])))
                    for i in near
                    if np.isfinite(row[i])
                )
            )
    return found
