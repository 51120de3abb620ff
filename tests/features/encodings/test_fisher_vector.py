import numpy as np
import pytest
from skimage.feature import fisher_vector
from sklearn import mixture

from medrecog_core.features.encodings.fisher_vector import (
    GaussianMixture,
    encode_fisher_vector,
    learn_mixture,
)


@pytest.fixture
def learned(local_descriptors):
    return learn_mixture(local_descriptors.reshape(-1, 10), 4, seed=0)


def scikit_learn_s(learned):
    """The same mixture as scikit-learn and scikit-image have it."""
    theirs = mixture.GaussianMixture(len(learned.weights), covariance_type="diag")
    theirs.weights_, theirs.means_ = learned.weights, learned.means
    theirs.covariances_ = learned.variances
    theirs.precisions_cholesky_ = 1 / np.sqrt(learned.variances)
    return theirs


def plain_fisher_vector(positions, learned):
    weights, means = learned.weights, learned.means
    deviations = np.sqrt(learned.variances)
    by_means, by_deviations = np.zeros_like(means), np.zeros_like(means)
    for x in positions:
        densities = [
            weights[k]
            * np.prod(np.exp(-0.5 * ((x - means[k]) / deviations[k]) ** 2) / deviations[k])
            for k in range(len(weights))
        ]
        for k, density in enumerate(densities):
            share = density / sum(densities)
            z = (x - means[k]) / deviations[k]
            by_means[k] += share * z / np.sqrt(weights[k])
            by_deviations[k] += share * (z**2 - 1) / np.sqrt(2 * weights[k])
    gradients = np.concatenate([by_means.ravel(), by_deviations.ravel()]) / len(positions)
    rooted = np.sign(gradients) * np.sqrt(np.abs(gradients))
    return rooted / np.linalg.norm(rooted)


def test_it_is_what_plain_loops_give(local_descriptors, learned):
    expected = [plain_fisher_vector(positions, learned) for positions in local_descriptors]
    np.testing.assert_allclose(
        encode_fisher_vector(local_descriptors, learned), expected, atol=1e-6
    )


def test_it_is_scikit_image_s_but_for_the_weights_and_the_sign_of_the_deviations(
    local_descriptors, learned
):
    theirs = scikit_learn_s(learned)
    for positions, found in zip(
        local_descriptors, encode_fisher_vector(local_descriptors, learned), strict=True
    ):
        gradients = fisher_vector(positions.astype(np.float64), theirs)[4:]
        gradients[40:] *= -1
        rooted = np.sign(gradients) * np.sqrt(np.abs(gradients))
        np.testing.assert_allclose(found, rooted / np.linalg.norm(rooted), atol=1e-6)


def test_posteriors_are_scikit_learn_s(local_descriptors, learned):
    rows = local_descriptors.reshape(-1, 10).astype(np.float64)
    np.testing.assert_allclose(
        learned.posteriors(rows), scikit_learn_s(learned).predict_proba(rows), atol=1e-9
    )


def test_posteriors_far_from_every_gaussian_are_numbers(learned):
    posteriors = learned.posteriors(np.full((1, 10), 1e3))
    assert np.isfinite(posteriors).all()
    np.testing.assert_allclose(posteriors.sum(), 1)


def test_mixture_finds_the_gaussians_that_descriptors_were_drawn_from():
    rng = np.random.default_rng(0)
    narrow = rng.normal([0, 0, 5], [0.1, 0.5, 0.2], size=(6000, 3))
    wide = rng.normal([3, -4, 0], [1.0, 0.3, 0.8], size=(2000, 3))
    found = learn_mixture(np.concatenate([narrow, wide]), 2, seed=0)
    order = np.argsort(found.weights)
    np.testing.assert_allclose(found.weights[order], [0.25, 0.75], atol=0.01)
    np.testing.assert_allclose(found.means[order], [[3, -4, 0], [0, 0, 5]], atol=0.06)
    deviations = [[1.0, 0.3, 0.8], [0.1, 0.5, 0.2]]
    np.testing.assert_allclose(np.sqrt(found.variances[order]), deviations, rtol=0.05)


def test_mixture_is_as_likely_as_the_one_that_scikit_learn_fits_alone(local_descriptors, learned):
    rows = local_descriptors.reshape(-1, 10).astype(np.float64)
    alone = mixture.GaussianMixture(4, covariance_type="diag", random_state=0).fit(rows)
    assert scikit_learn_s(learned).score(rows) > alone.score(rows) - 1


def test_one_standard_gaussian_gives_what_one_works_out_by_hand():
    one = GaussianMixture(np.ones(1), np.zeros((1, 2)), np.ones((1, 2)))
    gradients = np.array([3, 0, 8 / np.sqrt(2), -1 / np.sqrt(2)])
    rooted = np.sign(gradients) * np.sqrt(np.abs(gradients))
    np.testing.assert_allclose(
        encode_fisher_vector(np.array([[[3.0, 0.0]]]), one), [rooted / np.linalg.norm(rooted)]
    )
