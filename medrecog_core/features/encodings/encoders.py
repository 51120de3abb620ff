"""Bags of words, vectors of locally aggregated descriptors, and Fisher vectors."""

from dataclasses import dataclass

import numpy as np

_BATCH = 1024
_ROWS_AT_ONCE = 2**14


def unit_length(rows: np.ndarray) -> np.ndarray:
    """Divide by its Euclidean length what lies along the last axis; zeros stay as they are."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    normalised: np.ndarray = rows / np.where(lengths > 0, lengths, 1)
    return normalised


def signed_square_root(values: np.ndarray) -> np.ndarray:
    """Return sign(x) sqrt(|x|), which keeps what is frequent from drowning what is rare."""
    rooted: np.ndarray = np.sign(values) * np.sqrt(np.abs(values))
    return rooted


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
