"""Images divided into stratified folds that keep groups whole."""

import warnings

import numpy as np


def stratified_folds(
    labels: np.ndarray,
    groups: np.ndarray,
    n_folds: int,
    seed: int,
    *,
    simple_without_groups: bool = False,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide images by `StratifiedGroupKFold`, shuffled.

    Every division of images by class and group goes through this function.

    Parameters
    ----------
    labels
        The class of each image.
    groups
        The group of each image, as a name or a number; an image without one has its own.
    n_folds
        Number of folds, at most the number of groups of the most frequent class.
    seed
        Seed of the shuffling.
    simple_without_groups
        Use `StratifiedKFold` where every image is a group of its own. It is faster and gives
        different folds for the same seed.

    Returns
    -------
    list
        Positions of the training and the test images of each fold. A class with fewer groups than
        folds is missing from some of them.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    simple = simple_without_groups and len(np.unique(groups)) == len(groups)
    kind = StratifiedKFold if simple else StratifiedGroupKFold
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return list(kind(n_folds, shuffle=True, random_state=seed).split(labels, labels, groups))
