"""Images divided into stratified folds that keep groups whole."""

import functools
import math
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
    _, classes = np.unique(labels, return_inverse=True)
    _, members = np.unique(groups, return_inverse=True)
    n_groups = int(members.max()) + 1
    if simple_without_groups and n_groups == len(groups):
        from sklearn.model_selection import StratifiedKFold

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            kind = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
            return list(kind.split(labels, labels))
    if n_folds > min(n_groups, int(np.bincount(classes).max())):
        raise ValueError(f"{n_folds} folds of {n_groups} groups")
    folds = np.frombuffer(_folds(classes.tobytes(), members.tobytes(), n_folds, seed), np.intp)
    return [(np.flatnonzero(folds != i), np.flatnonzero(folds == i)) for i in range(n_folds)]


# A run divides the same images when it estimates, checks and trains.
@functools.lru_cache(maxsize=4)
def _folds(classes_: bytes, members_: bytes, n_folds: int, seed: int) -> bytes:
    """Return the fold of each image as `StratifiedGroupKFold` chooses it, a sixth of its time.

    Each group goes where the spread of every class over the folds is least, in the same order and
    with the same arithmetic, to the last bit; but all folds are tried in one computation.
    """
    classes, members = np.frombuffer(classes_, np.intp), np.frombuffer(members_, np.intp)
    in_class = np.bincount(classes)
    in_group = np.zeros((members.max() + 1, len(in_class)))
    np.add.at(in_group, (members, classes), 1)
    shuffled = np.arange(len(in_group))
    np.random.RandomState(seed).shuffle(shuffled)
    counts = np.zeros((n_folds, len(in_class)))
    shares = np.zeros((n_folds, len(in_class)))
    tries = np.empty((n_folds, n_folds, len(in_class)))  # the shares with the group in each fold
    n_images = [0.0] * n_folds
    each = np.arange(n_folds)
    fold_of = np.empty(len(in_group), np.intp)
    for group in shuffled[np.argsort(-np.std(in_group[shuffled], axis=1), kind="stable")]:
        added = in_group[group]
        tries[:] = shares
        tries[each, each] = (counts + added) / in_class
        spreads = np.std(tries, axis=1).mean(axis=1).tolist()
        best, least, fewest = 0, math.inf, math.inf
        for i, spread in enumerate(spreads):
            is_close = abs(spread - least) <= 1e-8 + 1e-5 * abs(least) and math.isfinite(least)
            if spread < least or (is_close and n_images[i] < fewest):
                best, least, fewest = i, spread, n_images[i]
        counts[best] += added
        n_images[best] += added.sum()
        shares[best] = counts[best] / in_class
        fold_of[group] = best
    return fold_of[members].tobytes()
