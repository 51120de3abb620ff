"""The images of a run as points in the plane: their features reduced to two dimensions."""

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


@dataclass(frozen=True)
class Embedding:
    """Images as points in the plane.

    Attributes
    ----------
    images
        The n images of the run.
    points
        float32, shape (n, 2).
    explained
        Shares of the variance of the features along each axis, 0 to 1.
    """

    images: tuple[Image, ...]
    points: np.ndarray
    explained: tuple[float, float]


def embed_images(run: Run, cell: AnyCell) -> Embedding:
    """Return the images of a run at the first two principal components of their features.

    Features are divided by their Euclidean lengths before. The sign of an axis has no meaning.

    Parameters
    ----------
    run
        A run.
    cell
        One of its cells, or a fusion of some, without encodings.

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
        features = concatenate([reader.read(images, member) for member in members(cell)])
    points, explained = _principal_components(l2_normalise(features))
    return Embedding(tuple(images), points, explained)


def _principal_components(rows: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    from sklearn.decomposition import PCA

    reduced = PCA(n_components=2, svd_solver="randomized", random_state=0)
    points = reduced.fit_transform(rows)
    first, second = (float(share) for share in np.nan_to_num(reduced.explained_variance_ratio_))
    return points.astype(np.float32), (first, second)
