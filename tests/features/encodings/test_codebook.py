import dataclasses
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.preprocessing import normalize

from medrecog_core.errors import StoppedError, UsageError
from medrecog_core.features import ENCODINGS
from medrecog_core.features.encodings import (
    DEFAULT_N_WORDS,
    Codebook,
    codebook,
    encode_images,
    learn_codebook,
)
from medrecog_core.features.encodings.encoders import (
    GaussianMixture,
    encode_bag_of_words,
    encode_fisher_vector,
    encode_vlad,
)

N_WORDS = 4
IMAGES = np.abs(np.random.default_rng(1).normal(size=(10, 9, 12))).astype(np.float32)
CODEBOOKS = {encoding: learn_codebook(list(IMAGES), encoding, N_WORDS) for encoding in ENCODINGS}

every_encoding = pytest.mark.parametrize("encoding", ENCODINGS)


def assert_equal(one, other):
    assert one.encoding == other.encoding
    assert one.to_arrays().keys() == other.to_arrays().keys()
    for name, values in one.to_arrays().items():
        assert np.array_equal(values, other.to_arrays()[name]), name


@every_encoding
def test_the_same_images_and_seed_give_the_same_codebook_to_the_bit(encoding):
    assert_equal(learn_codebook(list(IMAGES), encoding, N_WORDS, seed=0), CODEBOOKS[encoding])


@every_encoding
def test_another_seed_gives_another(encoding):
    other = learn_codebook(list(IMAGES), encoding, N_WORDS, seed=1)
    assert not np.array_equal(other.words, CODEBOOKS[encoding].words)


@every_encoding
def test_every_image_counts(encoding):
    changed = [*IMAGES[:-1], IMAGES[-1][:, ::-1]]
    other = learn_codebook(changed, encoding, N_WORDS)
    assert not np.array_equal(other.words, CODEBOOKS[encoding].words)


@every_encoding
@given(order=st.permutations(range(9)))
def test_the_order_of_positions_does_not_matter(encoding, order):
    book = CODEBOOKS[encoding]
    np.testing.assert_allclose(
        book.encode(IMAGES[:, order]), book.encode(IMAGES), atol=2e-4, rtol=1e-4
    )


@every_encoding
def test_an_image_is_encoded_alike_alone_and_among_others(encoding):
    book = CODEBOOKS[encoding]
    alone = np.concatenate([book.encode(image[None]) for image in IMAGES])
    np.testing.assert_allclose(alone, book.encode(IMAGES), atol=2e-4)


@every_encoding
def test_the_length_of_a_local_descriptor_does_not_matter(encoding):
    book = CODEBOOKS[encoding]
    lengths = np.random.default_rng(0).uniform(0.1, 50, size=(10, 9, 1)).astype(np.float32)
    np.testing.assert_allclose(book.encode(lengths * IMAGES), book.encode(IMAGES), atol=2e-3)


@every_encoding
def test_encodings_are_float32_of_its_length_and_of_length_one(encoding):
    book = CODEBOOKS[encoding]
    encoded = book.encode(IMAGES)
    assert (encoded.dtype, encoded.shape) == (np.float32, (10, book.length))
    assert book.length == {"bow": 4, "vlad": 4 * 12, "fisher": 2 * 4 * 12}[encoding]
    np.testing.assert_allclose(np.linalg.norm(encoded, axis=1), 1, rtol=1e-5)


@every_encoding
def test_it_encodes_what_scikit_learn_s_principal_components_leave(encoding, monkeypatch):
    monkeypatch.setattr(codebook, "_N_COMPONENTS", 5)
    book = learn_codebook(list(IMAGES), encoding, N_WORDS)
    # RootSIFT: the square roots of a descriptor that is first brought to the sum 1.
    rooted = np.sqrt(normalize(IMAGES.reshape(-1, 12).astype(np.float64), "l1"))
    oracle = PCA(5, svd_solver="full").fit(rooted)
    reduced = oracle.transform(rooted).reshape(10, 9, 5)
    # The direction of a component is not given, and the oracle's may be the opposite one.
    signs = np.sign((book.components * oracle.components_).sum(axis=1))
    np.testing.assert_allclose(book.components, signs[:, None] * oracle.components_, atol=1e-4)
    if encoding == "bow":
        expected = encode_bag_of_words(signs * reduced, book.words)
    elif encoding == "vlad":
        expected = encode_vlad(signs * reduced, book.words)
    else:
        mixture = GaussianMixture(book.weights, book.words, book.variances)
        expected = encode_fisher_vector(signs * reduced, mixture)
    np.testing.assert_allclose(book.encode(IMAGES), expected, atol=5e-3)


def test_no_more_is_drawn_than_the_sample_may_hold(monkeypatch):
    monkeypatch.setattr(codebook, "_SAMPLE_BYTES", 20 * 12 * 4)
    with pytest.raises(UsageError, match="10 training images have 20 local descriptors"):
        learn_codebook(list(IMAGES), "vlad", 21)


def test_usual_numbers_of_words_are_taken_where_none_is_given():
    positions = np.random.default_rng(0).uniform(size=(600, 1, 3)).astype(np.float32)
    for encoding in ENCODINGS:
        book = learn_codebook(list(positions), encoding)
        assert len(book.words) == DEFAULT_N_WORDS[encoding]


def test_too_many_words_are_refused_in_one_sentence():
    with pytest.raises(UsageError, match="90 local descriptors, too few for a codebook size of 91"):
        learn_codebook(list(IMAGES), "bow", 91)


def test_an_encoding_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="Unknown encoding “max”"):
        learn_codebook(list(IMAGES), "max")


def test_black_images_give_numbers_too():
    black = np.zeros((5, 9, 12), dtype=np.float32)
    for encoding in ENCODINGS:
        assert np.isfinite(learn_codebook(list(black), encoding, 3).encode(black)).all()


def test_it_tells_how_far_it_is_and_can_be_stopped():
    reports = []
    learn_codebook(list(IMAGES), "vlad", N_WORDS, report=reports.append)
    stage = reports[-1].stage
    assert stage.id == "learn-codebook"
    assert str(N_WORDS) in stage.label
    assert (reports[-1].done, reports[-1].total) == (1, 1)
    asked = iter([False] * 10 + [True])
    with pytest.raises(StoppedError):
        learn_codebook(list(IMAGES), "vlad", N_WORDS, should_stop=lambda: next(asked))


class TestArrays:
    @every_encoding
    def test_they_give_the_codebook_back_by_way_of_a_file_without_pickles(self, encoding):
        book, file = CODEBOOKS[encoding], io.BytesIO()
        np.savez(file, allow_pickle=False, **book.to_arrays())
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            loaded = Codebook.from_arrays(encoding, arrays, channels=12)
        assert_equal(loaded, book)
        assert np.array_equal(loaded.encode(IMAGES), book.encode(IMAGES))

    @every_encoding
    @pytest.mark.parametrize("name", ["mean", "components", "words", "weights", "variances"])
    def test_what_is_damaged_is_refused(self, encoding, name):
        arrays = CODEBOOKS[encoding].to_arrays()
        if name not in arrays:
            pytest.skip("this encoding has no such array")
        for damaged in (
            arrays[name][..., :-1],
            arrays[name].astype(np.float32),
            np.full_like(arrays[name], np.nan),
        ):
            with pytest.raises(ValueError, match="arrays"):
                Codebook.from_arrays(encoding, {**arrays, name: damaged}, channels=12)
        del arrays[name]
        with pytest.raises(KeyError):
            Codebook.from_arrays(encoding, arrays, channels=12)

    @pytest.mark.parametrize("name", ["weights", "variances"])
    def test_gaussians_without_weight_or_breadth_are_refused(self, name):
        arrays = CODEBOOKS["fisher"].to_arrays()
        arrays[name] = np.zeros_like(arrays[name])
        with pytest.raises(ValueError, match="greater than 0"):
            Codebook.from_arrays("fisher", arrays, channels=12)

    def test_an_encoding_that_does_not_exist_is_refused(self):
        with pytest.raises(ValueError, match="Unknown encoding “max”"):
            Codebook.from_arrays("max", CODEBOOKS["bow"].to_arrays(), channels=12)


def test_a_codebook_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CODEBOOKS["bow"].words = np.ones((2, 2))


@every_encoding
def test_both_parts_are_encoded_by_the_codebook_of_the_training_part(encoding, local_descriptors):
    train, test = list(local_descriptors[:8]), list(local_descriptors[8:])
    book = learn_codebook(train, encoding, N_WORDS, seed=3)
    for part, whole in ((train, local_descriptors[:8]), (test, local_descriptors[8:])):
        np.testing.assert_allclose(encode_images(part, book), book.encode(whole), atol=2e-4)


@every_encoding
def test_nothing_of_an_image_reaches_another(encoding, local_descriptors):
    train, test = list(local_descriptors[:8]), list(local_descriptors[8:])
    book = learn_codebook(train, encoding, N_WORDS)
    before = encode_images(test, book)
    changed = [np.ascontiguousarray(test[0][:, ::-1]), *test[1:]]
    after = encode_images(changed, book)
    assert np.array_equal(before[1:], after[1:])
    assert not np.array_equal(before[0], after[0])


@every_encoding
@pytest.mark.parametrize("most", [1, 20, 10**6])
def test_batches_of_any_size_give_the_same(encoding, most, local_descriptors, monkeypatch):
    images = list(local_descriptors)
    book = learn_codebook(images, encoding, N_WORDS)
    monkeypatch.setattr(codebook, "_BATCH_POSITIONS", most)
    np.testing.assert_allclose(
        encode_images(images, book), book.encode(local_descriptors), atol=2e-4
    )


def test_no_more_positions_are_held_than_a_batch_may_have(local_descriptors, monkeypatch):
    monkeypatch.setattr(codebook, "_BATCH_POSITIONS", 30)
    assert [len(batch) for batch in codebook._batches(list(local_descriptors))] == [3, 3, 3, 3]
    monkeypatch.setattr(codebook, "_BATCH_BYTES", 2 * local_descriptors[0].nbytes)
    assert [len(batch) for batch in codebook._batches(list(local_descriptors))] == [2] * 6


def test_images_of_different_sizes_are_encoded_each_by_itself(local_descriptors):
    images = [*local_descriptors[:3], local_descriptors[3][:4], *local_descriptors[4:6]]
    book = learn_codebook(images, "vlad", N_WORDS)
    expected = np.concatenate([book.encode(image[None]) for image in images])
    np.testing.assert_allclose(encode_images(images, book), expected, atol=2e-4)


def test_encoding_reports_progress_and_can_be_stopped(local_descriptors, monkeypatch):
    monkeypatch.setattr(codebook, "_BATCH_POSITIONS", 40)
    images = list(local_descriptors)
    book = learn_codebook(images, "bow", N_WORDS)
    reports = []
    encode_images(images, book, reports.append)
    assert [(r.done, r.total) for r in reports] == [(0, 12), (4, 12), (8, 12), (12, 12)]
    with pytest.raises(StoppedError):
        encode_images(images, book, should_stop=lambda: True)


def test_no_images_give_no_rows(local_descriptors):
    book = learn_codebook(list(local_descriptors), "vlad", N_WORDS)
    assert encode_images([], book).shape == (0, book.length)
