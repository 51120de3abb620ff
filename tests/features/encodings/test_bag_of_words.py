import numpy as np

from medrecog_core.features.encodings.bag_of_words import encode_bag_of_words

WORDS = np.random.default_rng(5).uniform(size=(7, 10)) / 2


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
