import io
import os

import numpy as np
import pytest
from PIL import Image

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.features import image_walk
from medrecog_core.features.image_walk import ImageWalk
from medrecog_core.features.self_test import picture, picture_file
from medrecog_core.features.strongest_maps import strongest
from medrecog_core.images import UnreadableImageError
from medrecog_core.networks import find_network, import_weights, installed_weights, load_arrays
from medrecog_core.networks.backend import import_keras
from tests.tiny_network import tiny, tiny_arrays, write_npz

__all__ = ["tiny"]

VGG19 = find_network("vgg19")


@pytest.fixture
def weighted(tiny, tmp_path):
    """Give the tiny network weights and return their identity."""
    return import_weights(tiny, write_npz(tmp_path / "a.npz", tiny_arrays())).identity


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def no_network(*_):
    raise AssertionError("the network was built")


def kept_files(cache):
    return sorted(cache.feature_maps.glob("*.npz"))


LAYERS = {"block2_conv1": "block2_conv1", "block3": "block3_pool"}


@pytest.fixture(scope="module")
def naive():
    """Return what Keras's own VGG-19 gives for the built-in picture at some of its layers."""
    keras = import_keras()
    model = keras.applications.VGG19(include_top=False, weights=None, input_shape=(224, 224, 3))
    names = [each.name for each in model.layers if each.weights]
    for name, values in load_arrays(VGG19, installed_weights(VGG19).identity, names).items():
        model.get_layer(name).set_weights(values)
    prepared = keras.applications.vgg19.preprocess_input(picture()[None].astype(np.float32))
    outputs = [model.get_layer(name).output for name in LAYERS.values()]
    maps = keras.Model(model.inputs[0], outputs)(prepared)
    return {
        name: keras.ops.convert_to_numpy(values)[0]
        for name, values in zip(LAYERS, maps, strict=True)
    }


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("order", ["mean", "maximum"])
def test_maps_are_the_strongest_of_keras_s_own_network(naive, layer, order):
    expected = strongest(naive[layer], order, 5)
    found = ImageWalk("vgg19", layer, order=order, n_maps=5).walk(picture_file())
    assert found.channels.tolist() == expected.channels.tolist()
    assert found.n_channels == expected.n_channels
    np.testing.assert_allclose(found.means, expected.means, rtol=1e-4)
    np.testing.assert_allclose(found.maxima, expected.maxima, rtol=1e-4)
    np.testing.assert_allclose(found.maps, expected.maps, rtol=1e-4, atol=0.5)


def test_second_look_needs_no_network(weighted, monkeypatch):
    walk = ImageWalk("tiny", "block1_conv1", n_maps=3)
    assert walk.kept(picture_file()) is None
    first = walk.walk(picture_file())
    monkeypatch.setattr(image_walk, "FeatureMapNetwork", no_network)
    second = walk.walk(picture_file())
    for name in ("channels", "means", "maxima", "maps"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert second.n_channels == 4


def test_whatever_changes_the_maps_is_looked_at_anew(weighted, tiny, tmp_path):
    ImageWalk("tiny", "block1").walk(picture_file())
    others = [
        ImageWalk("tiny", "block1_conv1"),
        ImageWalk("tiny", "block1", scale=256),
        ImageWalk("tiny", "block1", order="maximum"),
        ImageWalk("tiny", "block1", n_maps=2),
        ImageWalk("tiny", "block1", precision="bfloat16"),
    ]
    assert [walk.kept(picture_file()) for walk in others] == [None] * len(others)
    assert ImageWalk("tiny", "block1").kept(png(picture()[::-1])) is None
    assert ImageWalk("tiny", "block1_pool").kept(picture_file()) is not None
    import_weights(tiny, write_npz(tmp_path / "b.npz", tiny_arrays(1)))
    assert ImageWalk("tiny", "block1").kept(picture_file()) is None


@pytest.mark.parametrize("damage", ["empty", "cut", "other", "shape"])
def test_damage_is_a_miss_and_mended(weighted, cache, damage):
    walk = ImageWalk("tiny", "block2")
    expected = walk.walk(picture_file())
    (file,) = kept_files(cache)
    content = file.read_bytes()
    if damage == "shape":
        with file.open("wb") as opened:
            ones = np.ones(3, np.float32)
            np.savez(opened, channels=np.arange(3), means=ones, maxima=ones, maps=ones)
    else:
        file.write_bytes({"empty": b"", "cut": content[:-40], "other": b"abc"}[damage])
    assert walk.kept(picture_file()) is None
    np.testing.assert_array_equal(walk.walk(picture_file()).maps, expected.maps)
    assert walk.kept(picture_file()) is not None


def test_the_oldest_go_when_there_are_too_many(weighted, cache, monkeypatch):
    walk = ImageWalk("tiny", "block2")
    pictures = [png(np.roll(picture(), i, axis=0)) for i in range(4)]
    for i, content in enumerate(pictures[:3]):
        walk.walk(content)
        (new,) = (path for path in kept_files(cache) if path.stat().st_mtime > 10)
        os.utime(new, (i, i))
    assert walk.kept(pictures[0]) is not None  # now the one last looked at
    sizes = [path.stat().st_size for path in kept_files(cache)]
    monkeypatch.setattr(image_walk, "MAX_KEPT_BYTES", int(2.5 * max(sizes)))
    walk.walk(pictures[3])
    kept = [walk.kept(content) is not None for content in pictures]
    assert kept == [True, False, False, True]
    monkeypatch.setattr(image_walk, "MAX_KEPT_BYTES", 1)
    walk.walk(pictures[1])
    assert [walk.kept(content) is not None for content in pictures] == [False, True, False, False]


def test_large_maps_are_averaged_and_keep_their_own_figures(weighted):
    found = ImageWalk("tiny", "block1_conv1", scale=544).walk(picture_file())
    assert found.maps.shape == (4, 182, 182)
    np.testing.assert_allclose(found.maps.mean(axis=(1, 2)), found.means, atol=2.0)
    assert (found.maps.max(axis=(1, 2)) <= found.maxima).all()


def test_what_cannot_be_is_refused(weighted):
    with pytest.raises(UsageError, match="scale 100"):
        ImageWalk("vgg19", "block1", scale=100)
    with pytest.raises(UsageError, match="no order"):
        ImageWalk("vgg19", "block1", order="size")
    with pytest.raises(UsageError, match="65 maps"):
        ImageWalk("vgg19", "block1", n_maps=65)
    with pytest.raises(UsageError, match="no layer"):
        ImageWalk("vgg19", "nothing")
    with pytest.raises(MedrecogError, match="No weights of ResNet-50 are installed"):
        ImageWalk("resnet50", "conv2")
    with pytest.raises(UnreadableImageError):
        ImageWalk("tiny", "block1").walk(b"no picture")
