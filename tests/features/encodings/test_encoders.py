import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import fisher_vector
from sklearn import mixture
from sklearn.cluster import MiniBatchKMeans
from sklearn.preprocessing import normalize

from medrecog_core.features.encodings import encoders
from medrecog_core.features.encodings.encoders import (
    GaussianMixture,
    encode_bag_of_words,
    encode_fisher_vector,
    encode_vlad,
    learn_mixture,
    learn_words,
    nearest_words,
    signed_square_root,
    unit_length,
)

# scikit-learn takes a length of less than 1e-15 for zero.
NUMBERS = st.one_of(st.just(0.0), st.floats(1e-6, 1e3), st.floats(-1e3, -1e-6))
ROWS = arrays(np.float64, (4, 5), elements=NUMBERS)
WORDS = np.random.default_rng(5).uniform(size=(7, 10)) / 2
FEW_WORDS = np.random.default_rng(5).uniform(size=(4, 10)) / 2


@given(ROWS)
def test_rows_are_divided_by_their_length_as_scikit_learn_does(rows):
    np.testing.assert_allclose(unit_length(rows), normalize(rows), rtol=1e-12)


def test_lengths_are_taken_along_the_last_axis():
    values = np.arange(24.0).reshape(2, 3, 4)
    lengths = np.linalg.norm(unit_length(values), axis=-1)
    np.testing.assert_allclose(lengths, np.ones((2, 3)))


@given(ROWS)
def test_the_signed_root_squared_with_its_sign_is_the_number(rows):
    roots = signed_square_root(rows)
    np.testing.assert_allclose(roots * np.abs(roots), rows, rtol=1e-12)


@pytest.fixture
def clusters():
    """Three clouds far from each other, and the centre of each."""
    rng = np.random.default_rng(3)
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    return centres, np.concatenate([c + rng.normal(scale=0.1, size=(40, 2)) for c in centres])


def test_words_are_the_centres_of_clusters(clusters):
    centres, descriptors = clusters
    found = learn_words(descriptors, 3, seed=0)
    assert (found.shape, found.dtype) == ((3, 2), np.float64)
    np.testing.assert_allclose(found[np.lexsort(found.T)], centres[np.lexsort(centres.T)], atol=0.1)


def test_words_are_those_of_scikit_learn(local_descriptors):
    descriptors = local_descriptors.reshape(-1, 10)
    oracle = MiniBatchKMeans(5, n_init=1, random_state=4).fit(descriptors)
    np.testing.assert_allclose(
        learn_words(descriptors, 5, seed=4), oracle.cluster_centers_, rtol=1e-5
    )


def test_words_of_one_seed_are_the_same_to_the_bit_and_others_of_another():
    descriptors = np.random.default_rng(0).normal(size=(3000, 8)).astype(np.float32)
    first = learn_words(descriptors, 20, seed=1)
    assert np.array_equal(first, learn_words(descriptors, 20, seed=1))
    assert not np.array_equal(first, learn_words(descriptors, 20, seed=2))


def test_descriptors_that_are_all_one_give_words_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = learn_words(np.ones((50, 4), dtype=np.float32), 8, seed=0)
    np.testing.assert_array_equal(found, np.ones((8, 4)))


def test_the_nearest_word_is_that_of_the_smallest_distance(local_descriptors, monkeypatch):
    monkeypatch.setattr(encoders, "_ROWS_AT_ONCE", 7)
    vocabulary = np.random.default_rng(1).uniform(size=(6, 10))
    found = nearest_words(local_descriptors, vocabulary)
    assert found.shape == (12, 9)
    for image, positions in zip(found, local_descriptors, strict=True):
        for word, descriptor in zip(image, positions, strict=True):
            assert word == min(
                range(6), key=lambda k: float(((descriptor - vocabulary[k]) ** 2).sum())
            )


def plain_bag_of_words(positions, words):
    counts = [0.0] * len(words)
    for descriptor in positions:
        distances = [sum((a - b) ** 2 for a, b in zip(descriptor, w, strict=True)) for w in words]
        counts[distances.index(min(distances))] += 1
    return [(count / len(positions)) ** 0.5 for count in counts]


def test_it_is_what_plain_loops_count(local_descriptors):
    expected = [plain_bag_of_words(positions, WORDS) for positions in local_descriptors]
    np.testing.assert_allclose(encode_bag_of_words(local_descriptors, WORDS), expected, rtol=1e-6)


def test_its_inner_product_is_hellinger_s_kernel_of_the_shares(local_descriptors):
    encoded = encode_bag_of_words(local_descriptors, WORDS)
    np.testing.assert_allclose((encoded**2).sum(axis=1), 1)


def test_descriptors_that_are_words_are_counted_as_those():
    image = WORDS[[2, 2, 2, 5]]
    expected = np.zeros((1, 7))
    expected[0, [2, 5]] = np.sqrt([0.75, 0.25])
    np.testing.assert_allclose(encode_bag_of_words(image[None], WORDS), expected)


def plain_vlad(positions, words):
    sums = [np.zeros(words.shape[1]) for _ in words]
    for descriptor in positions:
        k = min(range(len(words)), key=lambda k: float(np.sum((descriptor - words[k]) ** 2)))
        sums[k] += descriptor - words[k]
    parts = []
    for part in sums:
        length = np.sqrt(np.sum(part**2))
        parts += list(part / length if length > 0 else part)
    rooted = [np.copysign(abs(x) ** 0.5, x) for x in parts]
    return np.array(rooted) / np.sqrt(sum(x**2 for x in rooted))


def test_it_is_what_plain_loops_sum_up(local_descriptors):
    expected = [plain_vlad(positions, FEW_WORDS) for positions in local_descriptors]
    np.testing.assert_allclose(encode_vlad(local_descriptors, FEW_WORDS), expected, atol=1e-7)


def test_a_word_without_descriptors_leaves_zeros():
    far = np.vstack([FEW_WORDS, np.full(10, 1e3)])
    image = np.random.default_rng(0).uniform(size=(1, 9, 10))
    encoded = encode_vlad(image, far)
    np.testing.assert_array_equal(encoded[:, -10:], 0)
    np.testing.assert_allclose(encoded[:, :-10], encode_vlad(image, FEW_WORDS))


def test_an_image_of_words_alone_is_zero_and_a_number():
    np.testing.assert_array_equal(encode_vlad(FEW_WORDS[None], FEW_WORDS), np.zeros((1, 40)))


def test_repeating_every_position_changes_nothing(local_descriptors):
    twice = np.concatenate([local_descriptors, local_descriptors], axis=1)
    np.testing.assert_allclose(
        encode_vlad(twice, FEW_WORDS), encode_vlad(local_descriptors, FEW_WORDS), atol=1e-12
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
