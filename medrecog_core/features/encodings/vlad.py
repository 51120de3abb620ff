"""VLAD: what local descriptors differ by from their nearest word, summed up word by word."""

import numpy as np

from medrecog_core.features.encodings.normalisation import signed_square_root, unit_length
from medrecog_core.features.encodings.words import nearest_words


def encode_vlad(descriptors: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Return vectors of locally aggregated descriptors, normalised.

    Parameters
    ----------
    descriptors
        Local descriptors of n images, shape (n, n_positions, length).
    words
        Shape (n_words, length).

    Returns
    -------
    numpy.ndarray
        float64, shape (n, n_words * length), the residuals of the first word first; each row of
        Euclidean length 1, or 0 where every descriptor is a word.

    Notes
    -----
    Residual sums: Jégou, Douze, Schmid and Pérez, 2010, "Aggregating local descriptors into a
    compact image representation", section 3. Each word's sum is brought to length 1
    (intra-normalisation: Arandjelović and Zisserman, 2013, "All about VLAD", section 3), then
    come the signed square root and the length of the whole (Jégou, Perronnin, Douze, Sánchez,
    Pérez and Schmid, 2012, "Aggregating local image descriptors into compact codes").
    """
    belongs = (nearest_words(descriptors, words)[..., None] == np.arange(len(words))).astype(float)
    sums = belongs.transpose(0, 2, 1) @ descriptors - belongs.sum(axis=1)[..., None] * words
    rooted = signed_square_root(unit_length(sums))
    return unit_length(rooted.reshape(len(descriptors), -1))
