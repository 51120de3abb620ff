"""Covariances of areas under ROC curves of the same independent images."""

import numpy as np


def delong_covariances(scores: np.ndarray, is_member: np.ndarray) -> np.ndarray:
    """Return the covariances of the areas of several results (DeLong et al., 1988, Biometrics 44).

    They are computed from ranks (Sun and Xu, 2014, IEEE Signal Processing Letters 21), in the time
    of sorting.

    Parameters
    ----------
    scores
        Shape (k, n): scores of a class by k results, of the same images.
    is_member
        bool, shape (n,): whether each image is of the class; at least two are and two are not.

    Returns
    -------
    numpy.ndarray
        float64, shape (k, k).
    """
    members, others = scores[:, is_member], scores[:, ~is_member]
    n_members, n_others = members.shape[1], others.shape[1]
    everywhere = _mid_ranks(np.hstack([members, others]))
    # For each image the share of those of the other side that it is on the right side of.
    of_members = (everywhere[:, :n_members] - _mid_ranks(members)) / n_others
    of_others = 1 - (everywhere[:, n_members:] - _mid_ranks(others)) / n_members
    covariances: np.ndarray = _covariances(of_members) / n_members
    covariances += _covariances(of_others) / n_others
    return covariances


def _mid_ranks(values: np.ndarray) -> np.ndarray:
    """Return the ranks in each row, from 1, equal values sharing the middle of theirs."""
    ranks = np.empty(values.shape)
    for row, of_row in zip(values, ranks, strict=True):
        _, where, counts = np.unique(row, return_inverse=True, return_counts=True)
        of_row[:] = (np.cumsum(counts) - (counts - 1) / 2)[where]
    return ranks


def _covariances(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(axis=1, keepdims=True)
    covariances: np.ndarray = centred @ centred.T / (rows.shape[1] - 1)
    return covariances
