import numpy as np
import pytest

from medrecog_core.errors import StorageError
from medrecog_core.features import (
    ENCODINGS,
    GLOBAL_POOLINGS,
    Cell,
    HashedImage,
    describe_images,
    learn_cell_codebook,
    learn_codebook,
    read_descriptors,
)
from medrecog_core.features.cell import LOCAL
from medrecog_core.networks import find_network

VGG19 = find_network("vgg19")
N_IMAGES, N_TRAIN, N_WORDS = 6, 4, 3


def cell_of(pooling):
    return Cell("block1", 224, pooling)


@pytest.fixture
def images(tmp_path):
    return [HashedImage(tmp_path / f"{i}.png", str(i)) for i in range(N_IMAGES)]


@pytest.fixture
def maps():
    values = np.random.default_rng(0).uniform(size=(N_IMAGES, 3, 3, 64))
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float16)


@pytest.fixture
def fill(images, source, store):
    def put(maps):
        for image, values in zip(images, maps, strict=True):
            vectors = [(p, values.max(axis=(0, 1)).astype(np.float32)) for p in GLOBAL_POOLINGS]
            store.put(
                (source.key(image.sha256, cell_of(pooling)), array)
                for pooling, array in [*vectors, (LOCAL, values)]
            )

    return put


@pytest.mark.parametrize("pooling", GLOBAL_POOLINGS)
def test_a_pooling_needs_no_codebook_and_is_read_as_it_is(
    pooling, images, maps, fill, source, store
):
    fill(maps)
    where = (VGG19, source, store)
    assert learn_cell_codebook(images[:N_TRAIN], cell_of(pooling), *where) is None
    np.testing.assert_array_equal(
        describe_images(images, cell_of(pooling), None, *where),
        read_descriptors(images, cell_of(pooling), *where),
    )


@pytest.mark.parametrize("pooling", ENCODINGS)
def test_an_encoding_is_that_of_the_stored_maps_by_the_training_images_codebook(
    pooling, images, maps, fill, source, store
):
    fill(maps)
    where = (VGG19, source, store)
    codebook = learn_cell_codebook(images[:N_TRAIN], cell_of(pooling), *where, N_WORDS, 5)
    rows = maps.reshape(N_IMAGES, 9, 64).astype(np.float32)
    expected = learn_codebook(list(rows[:N_TRAIN]), pooling, N_WORDS, 5)
    assert np.array_equal(codebook.words, expected.words)
    np.testing.assert_allclose(
        describe_images(images, cell_of(pooling), codebook, *where),
        expected.encode(rows),
        atol=2e-4,
    )


@pytest.mark.parametrize("pooling", ENCODINGS)
def test_a_test_image_that_changes_changes_no_other_row(pooling, images, maps, fill, source, store):
    def described():
        where = (cell_of(pooling), VGG19, source, store)
        codebook = learn_cell_codebook(images[:N_TRAIN], *where, N_WORDS)
        return describe_images(images, where[0], codebook, *where[1:])

    fill(maps)
    before = described()
    maps[-1] = maps[-1][..., ::-1]
    fill(maps)
    after = described()
    assert np.array_equal(before[:-1], after[:-1])
    assert not np.array_equal(before[-1], after[-1])


def test_missing_local_descriptors_are_named(images, source, store):
    with pytest.raises(StorageError, match=r"0\.png in block1-224-vlad are missing"):
        learn_cell_codebook(images, cell_of("vlad"), VGG19, source, store)
