import numpy as np

from medrecog_core.features.encodings.vlad import encode_vlad

WORDS = np.random.default_rng(5).uniform(size=(4, 10)) / 2


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
    expected = [plain_vlad(positions, WORDS) for positions in local_descriptors]
    np.testing.assert_allclose(encode_vlad(local_descriptors, WORDS), expected, atol=1e-7)


def test_a_word_without_descriptors_leaves_zeros():
    far = np.vstack([WORDS, np.full(10, 1e3)])
    image = np.random.default_rng(0).uniform(size=(1, 9, 10))
    encoded = encode_vlad(image, far)
    np.testing.assert_array_equal(encoded[:, -10:], 0)
    np.testing.assert_allclose(encoded[:, :-10], encode_vlad(image, WORDS))


def test_an_image_of_words_alone_is_zero_and_a_number():
    np.testing.assert_array_equal(encode_vlad(WORDS[None], WORDS), np.zeros((1, 40)))


def test_repeating_every_position_changes_nothing(local_descriptors):
    twice = np.concatenate([local_descriptors, local_descriptors], axis=1)
    np.testing.assert_allclose(
        encode_vlad(twice, WORDS), encode_vlad(local_descriptors, WORDS), atol=1e-12
    )
