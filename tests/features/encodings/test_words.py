import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.cluster import MiniBatchKMeans
from sklearn.preprocessing import normalize

from medrecog_core.features.encodings import words
from medrecog_core.features.encodings.words import (
    encode_bag_of_words,
    encode_vlad,
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
    monkeypatch.setattr(words, "_ROWS_AT_ONCE", 7)
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
