"""Parts of scored or trained images that keep groups whole, for what is fitted on the others."""

from collections.abc import Sequence

import numpy as np

from medrecog_core.errors import MedrecogError
from medrecog_core.images import stratified_folds


def grouped_folds(
    labels: np.ndarray,
    units: np.ndarray,
    classes: Sequence[str],
    n_folds: int,
    seed: int,
    images: str,
    purpose: str,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide images, stratified by class and with groups whole, by `StratifiedGroupKFold`.

    Parameters
    ----------
    labels
        The class of each image.
    units
        The number of each image's group; an image without one is a group of its own.
    classes
        All classes.
    n_folds
        Parts; fewer where the rarest class has fewer groups.
    seed
        Of the division.
    images, purpose
        What to call the images, such as `test images`, and what they are divided for, in the error.

    Returns
    -------
    list
        Positions of the other parts and of the held part, for each part. Where groups hold several
        classes, the other parts can lack a class, and a part can be empty.

    Raises
    ------
    MedrecogError
        If a class has images of a single group only.
    """
    n_units = {label: len(np.unique(units[labels == label])) for label in classes}
    rarest = min(classes, key=lambda label: n_units[label])
    if n_units[rarest] < 2:
        raise MedrecogError(
            f"The class “{rarest}” has {images} of fewer than two groups, too few to {purpose}: "
            "add images to it or leave the class out."
        )
    return stratified_folds(labels, units, min(n_folds, n_units[rarest]), seed)
