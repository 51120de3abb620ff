import numpy as np
import pytest

from medrecog_core.errors import StorageError
from medrecog_core.features import (
    ENCODINGS,
    GLOBAL_POOLINGS,
    Cell,
    learn_codebook,
)
from medrecog_core.features.cell import LOCAL
from medrecog_core.images import Image
from medrecog_core.networks import find_network

VGG19 = find_network("vgg19")
N_IMAGES, N_TRAIN, N_WORDS = 6, 4, 3


def cell_of(pooling):
    return Cell("block1", 224, pooling)


@pytest.fixture
def images(tmp_path):
    return [Image(f"{i}.png", str(i)) for i in range(N_IMAGES)]


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
def test_a_pooling_needs_no_codebook_and_is_read_as_it_is(pooling, images, maps, fill, reader):
    fill(maps)
    assert reader.learn_codebook(images[:N_TRAIN], cell_of(pooling)) is None
    np.testing.assert_array_equal(
        reader.describe(images, cell_of(pooling), None),
        reader.read(images, cell_of(pooling)),
    )


@pytest.mark.parametrize("pooling", ENCODINGS)
def test_an_encoding_is_that_of_the_stored_maps_by_the_training_images_codebook(
    pooling, images, maps, fill, reader
):
    fill(maps)
    codebook = reader.learn_codebook(images[:N_TRAIN], cell_of(pooling), N_WORDS, 5)
    rows = maps.reshape(N_IMAGES, 9, 64).astype(np.float32)
    expected = learn_codebook(list(rows[:N_TRAIN]), pooling, N_WORDS, 5)
    assert np.array_equal(codebook.words, expected.words)
    np.testing.assert_allclose(
        reader.describe(images, cell_of(pooling), codebook),
        expected.encode(rows),
        atol=2e-4,
    )


@pytest.mark.parametrize("pooling", ENCODINGS)
def test_a_test_image_that_changes_changes_no_other_row(pooling, images, maps, fill, reader):
    def described():
        cell = cell_of(pooling)
        codebook = reader.learn_codebook(images[:N_TRAIN], cell, N_WORDS)
        return reader.describe(images, cell, codebook)

    fill(maps)
    before = described()
    maps[-1] = maps[-1][..., ::-1]
    fill(maps)
    after = described()
    assert np.array_equal(before[:-1], after[:-1])
    assert not np.array_equal(before[-1], after[-1])


def test_missing_local_descriptors_are_named(images, reader):
    with pytest.raises(StorageError, match=r"0\.png in block1-224-vlad are missing"):
        reader.learn_codebook(images, cell_of("vlad"))


class TestLocal:
    @pytest.fixture
    def images(self, tmp_path):
        return [Image(f"{i}.png", str(i)) for i in range(3)]

    @pytest.fixture
    def stored(self, images, reader):
        return reader.local(images, Cell("block2", 224, "vlad"))

    def test_positions_come_back_in_rows_of_float32(self, images, source, store, stored):
        maps = np.random.default_rng(0).uniform(size=(3, 4, 5, 128)).astype(np.float16)
        store.put(
            (source.key(image.sha256, Cell("block2", 224, LOCAL)), values)
            for image, values in zip(images, maps, strict=True)
        )
        assert len(stored) == 3
        for i, values in enumerate(maps):
            assert stored[i].dtype == np.float32
            np.testing.assert_array_equal(stored[i], values.reshape(20, 128))

    def test_missing_ones_are_named(self, stored):
        with pytest.raises(StorageError, match=r"1\.png in block2-224-vlad are missing"):
            stored[1]

    def test_pooled_descriptors_of_the_layer_are_not_taken_for_local_ones(
        self, images, source, store, stored
    ):
        pooled = source.key(images[0].sha256, Cell("block2", 224, "average"))
        store.put([(pooled, np.ones(128, dtype=np.float32))])
        with pytest.raises(StorageError, match="missing"):
            stored[0]
