import numpy as np
import pytest

from medrecog_core.errors import StoppedError
from medrecog_core.features import ENCODINGS
from medrecog_core.features.encodings import encode_images, fold, learn_codebook

N_WORDS = 4

every_encoding = pytest.mark.parametrize("encoding", ENCODINGS)


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
    monkeypatch.setattr(fold, "_BATCH_POSITIONS", most)
    np.testing.assert_allclose(
        encode_images(images, book), book.encode(local_descriptors), atol=2e-4
    )


def test_no_more_positions_are_held_than_a_batch_may_have(local_descriptors, monkeypatch):
    monkeypatch.setattr(fold, "_BATCH_POSITIONS", 30)
    assert [len(batch) for batch in fold._batches(list(local_descriptors))] == [3, 3, 3, 3]
    monkeypatch.setattr(fold, "_BATCH_BYTES", 2 * local_descriptors[0].nbytes)
    assert [len(batch) for batch in fold._batches(list(local_descriptors))] == [2] * 6


def test_images_of_different_sizes_are_encoded_each_by_itself(local_descriptors):
    images = [*local_descriptors[:3], local_descriptors[3][:4], *local_descriptors[4:6]]
    book = learn_codebook(images, "vlad", N_WORDS)
    expected = np.concatenate([book.encode(image[None]) for image in images])
    np.testing.assert_allclose(encode_images(images, book), expected, atol=2e-4)


def test_it_tells_how_far_it_is_and_can_be_stopped(local_descriptors, monkeypatch):
    monkeypatch.setattr(fold, "_BATCH_POSITIONS", 40)
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
