"""The lengths and roots that encodings share."""

import numpy as np


def unit_length(rows: np.ndarray) -> np.ndarray:
    """Divide by its Euclidean length what lies along the last axis; zeros stay as they are."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    normalised: np.ndarray = rows / np.where(lengths > 0, lengths, 1)
    return normalised


def signed_square_root(values: np.ndarray) -> np.ndarray:
    """Return sign(x) sqrt(|x|), which keeps what is frequent from drowning what is rare."""
    rooted: np.ndarray = np.sign(values) * np.sqrt(np.abs(values))
    return rooted
