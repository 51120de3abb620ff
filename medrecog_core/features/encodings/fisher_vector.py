"""Fisher vectors: how an image would move a mixture of Gaussians to fit it better."""

from dataclasses import dataclass

import numpy as np

from medrecog_core.features.encodings.words import (
    learn_words,
    nearest_words,
    signed_square_root,
    unit_length,
)

_MOST_ROUNDS = 50
_LEAST_VARIANCE = 1e-6


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """A mixture of Gaussians with diagonal covariances.

    Attributes
    ----------
    weights
        float64, shape (n_words,), of sum 1.
    means, variances
        float64, shape (n_words, length).
    """

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    def posteriors(self, descriptors: np.ndarray) -> np.ndarray:
        """Return the probability of each Gaussian for each descriptor.

        Parameters
        ----------
        descriptors
            Shape (..., length).

        Returns
        -------
        numpy.ndarray
            float64, shape (..., n_words), of sum 1 along the last axis.
        """
        precisions = 1 / self.variances
        constants = np.log(self.weights) - 0.5 * (
            (self.means**2 * precisions).sum(axis=1) + np.log(self.variances).sum(axis=1)
        )
        logarithms = (
            constants
            + descriptors @ (self.means * precisions).T
            - 0.5 * descriptors**2 @ precisions.T
        )
        odds = np.exp(logarithms - logarithms.max(axis=-1, keepdims=True))
        shares: np.ndarray = odds / odds.sum(axis=-1, keepdims=True)
        return shares


def learn_mixture(descriptors: np.ndarray, n_words: int, seed: int) -> GaussianMixture:
    """Fit a mixture to local descriptors by expectation-maximisation (scikit-learn's).

    It starts from the words of the same seed, their shares, and the variances of all descriptors.

    Parameters
    ----------
    descriptors
        Shape (n, length), n at least `n_words`.
    n_words
        Number of Gaussians.
    seed
        Of the words.
    """
    import warnings

    from sklearn import mixture
    from sklearn.exceptions import ConvergenceWarning

    rows = np.asarray(descriptors, dtype=np.float64)
    words = learn_words(descriptors, n_words, seed)
    counts = np.bincount(nearest_words(rows, words), minlength=n_words) + 1
    variances = rows.var(axis=0) + _LEAST_VARIANCE
    with warnings.catch_warnings():
        # A mixture that could still grow a little likelier serves as well.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = mixture.GaussianMixture(
            n_words,
            covariance_type="diag",
            reg_covar=_LEAST_VARIANCE,
            max_iter=_MOST_ROUNDS,
            init_params="random_from_data",  # what follows takes its place
            weights_init=counts / counts.sum(),
            means_init=words,
            precisions_init=np.tile(1 / variances, (n_words, 1)),
            random_state=seed,
        ).fit(rows)
    weights, means, variances = (
        np.asarray(values, dtype=np.float64)
        for values in (fitted.weights_, fitted.means_, fitted.covariances_)
    )
    return GaussianMixture(weights, means, variances)


def encode_fisher_vector(descriptors: np.ndarray, mixture: GaussianMixture) -> np.ndarray:
    """Return improved Fisher vectors.

    Parameters
    ----------
    descriptors
        Local descriptors of n images, shape (n, n_positions, length).
    mixture
        Of descriptors of that length.

    Returns
    -------
    numpy.ndarray
        float64, shape (n, 2 * n_words * length): by the means, then by the deviations, the first
        Gaussian first; each row of Euclidean length 1.

    Notes
    -----
    Perronnin, Sánchez and Mensink, 2010, "Improving the Fisher Kernel for Large-Scale Image
    Classification", equations 4 and 5, then the signed square root and the length of the whole
    (sections 3.1 and 3.2). The gradients by the mixture's weights are left out, as they are there.
    """
    posteriors = mixture.posteriors(descriptors)
    n, n_positions, _ = descriptors.shape
    per_word = posteriors.transpose(0, 2, 1)
    zeroth = posteriors.mean(axis=1)[..., None]
    first = per_word @ descriptors / n_positions
    second = per_word @ descriptors**2 / n_positions
    deviations = np.sqrt(mixture.variances)
    roots = np.sqrt(mixture.weights)[:, None]
    by_means = (first - zeroth * mixture.means) / (roots * deviations)
    by_deviations = (
        second - 2 * first * mixture.means + zeroth * (mixture.means**2 - mixture.variances)
    ) / (np.sqrt(2) * roots * mixture.variances)
    gradients = np.concatenate([by_means.reshape(n, -1), by_deviations.reshape(n, -1)], axis=1)
    return unit_length(signed_square_root(gradients))
