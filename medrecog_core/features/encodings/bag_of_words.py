"""Bag of words: how often each word occurs in an image."""

import numpy as np

from medrecog_core.features.encodings.words import nearest_words


def encode_bag_of_words(descriptors: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Count the nearest words and return the square roots of their shares.

    Parameters
    ----------
    descriptors
        Local descriptors of n images, shape (n, n_positions, length).
    words
        Shape (n_words, length).

    Returns
    -------
    numpy.ndarray
        float64, shape (n, n_words), each row of Euclidean length 1.

    Notes
    -----
    Hard assignment (Csurka, Dance, Fan, Willamowski and Bray, 2004, "Visual Categorization with
    Bags of Keypoints"). The inner product of the square roots of two histograms is Hellinger's
    kernel, which serves a linear SVM better than the histograms (Vedaldi and Zisserman, 2012,
    "Efficient Additive Kernels via Explicit Feature Maps").
    """
    n, n_positions, _ = descriptors.shape
    n_words = len(words)
    nearest = nearest_words(descriptors, words) + n_words * np.arange(n)[:, None]
    counts = np.bincount(nearest.ravel(), minlength=n * n_words).reshape(n, n_words)
    shares: np.ndarray = np.sqrt(counts / n_positions)
    return shares
