import warnings

import numpy as np
import pytest
from sklearn.cluster import MiniBatchKMeans

from medrecog_core.features.encodings import words
from medrecog_core.features.encodings.words import learn_words, nearest_words


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
