import hashlib
import io
import sys

import numpy as np
import pytest
from PIL import Image

from medrecog_core.features import ImageWalk, first_filters
from medrecog_core.features.self_test import picture, picture_file
from medrecog_core.images import read_image
from medrecog_core.networks import import_weights
from tests.dicom_files import dicom_bytes, dicom_dataset
from tests.tiny_network import tiny, tiny_arrays, write_npz

__all__ = ["tiny"]


@pytest.fixture
def weights(tiny, tmp_path):
    return import_weights(tiny, write_npz(tmp_path / "a.npz", tiny_arrays())).identity


def test_maps_are_listed_as_json(call, weights, tmp_path):
    (tmp_path / "a.png").write_bytes(picture_file())
    options = ("--network", "tiny", "--layer", "block2", "--number", 4, "--by", "maximum")
    answer = call("feature-maps", tmp_path / "a.png", *options, "--json")
    assert (answer.status, answer.err) == (0, "")
    maps = answer.json["maps"]
    document = {key: value for key, value in answer.json.items() if key != "maps"}
    assert document == {
        "image_sha256": hashlib.sha256(picture_file()).hexdigest(),
        "network": "tiny",
        "weights": weights,
        "precision": "float32",
        "layer": "block2",
        "keras_layer": "block2_pool",
        "scale": 224,
        "by": "maximum",
        "n_channels": 6,
    }
    found = ImageWalk("tiny", "block2", order="maximum", n_maps=4).kept(picture_file())
    assert [each["channel"] for each in maps] == found.channels.tolist()
    assert [each["maximum"] for each in maps] == found.maxima.tolist()
    assert [each["mean"] for each in maps] == found.means.tolist()
    assert {each["file"] for each in maps} == {None}


def test_maps_are_written_where_it_is_asked(call, weights, tmp_path):
    folder = tmp_path / "new" / "maps"
    options = ("--network", "tiny", "--layer", "block1", "--to", folder)
    answer = call("feature-maps", *options)
    assert answer.status == 0
    found = ImageWalk("tiny", "block1").kept(picture_file())
    for channel, pixels in zip(found.channels, found.pictures(), strict=True):
        file = folder / f"block1-{channel}.png"
        assert str(file) in answer.out
        np.testing.assert_array_equal(np.asarray(Image.open(file)), pixels)
    assert len(list(folder.iterdir())) == 4


def test_an_image_is_read_from_standard_input(call, weights, monkeypatch):
    content = io.BytesIO()
    Image.fromarray(picture()[::-1]).save(content, "PNG")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.getvalue())))
    answer = call("feature-maps", "-", "--network", "tiny", "--layer", "block1", "--json")
    assert answer.json["image_sha256"] == hashlib.sha256(content.getvalue()).hexdigest()


def test_dicom_is_walked_as_its_own_window_shows_it(call, weights, tmp_path):
    pixels = picture()[..., 0]
    made = dicom_dataset(pixels)
    (tmp_path / "a.dcm").write_bytes(dicom_bytes(made))
    options = ("--network", "tiny", "--layer", "block1", "--json")
    content = io.BytesIO()
    read_image(tmp_path / "a.dcm").save(content, "PNG")
    (tmp_path / "a.png").write_bytes(content.getvalue())
    found = call("feature-maps", tmp_path / "a.dcm", *options)
    assert found.status == 0
    assert found.json["maps"] == call("feature-maps", tmp_path / "a.png", *options).json["maps"]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["nothing.png", "--layer", "block1"], 1, "nothing.png cannot be used (the file does not"),
        (["--layer", "fc1"], 1, "do not reach fc1"),
        (["--layer", "nothing"], 2, "Unknown layer “nothing” in VGG-19, or one without"),
        (["--layer", "block1", "--scale", "10"], 2, "The input size 10 is not valid"),
        (["--layer", "block1", "--by", "size"], 2, "Unknown order “size”"),
        (["--layer", "block1", "--number", "0"], 2, "0 maps cannot be shown"),
        (["--layer", "block1", "--precision", "half"], 2, "Unknown precision “half”"),
        (["--layer", "conv2", "--network", "resnet50"], 1, "No weights of ResNet-50"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(call, arguments, status, sentence):
    answer = call("feature-maps", *arguments)
    assert answer.status == status
    assert sentence in answer.sentence


def test_file_that_is_no_picture_is_named(call, weights, tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    answer = call("feature-maps", tmp_path / "a.png", "--network", "tiny", "--layer", "block1")
    assert answer.status == 1
    assert answer.sentence.startswith(f"{tmp_path / 'a.png'} cannot be used (the content is not")


@pytest.mark.parametrize("command", [["feature-maps", "--layer", "block1"], ["first-filters"]])
def test_folder_that_cannot_be_written_is_named(call, weights, tmp_path, command):
    (tmp_path / "file").write_text("")
    answer = call(*command, "--network", "tiny", "--to", tmp_path / "file" / "maps")
    assert answer.status == 1
    assert "Cannot write to" in answer.sentence


def test_first_filters_are_listed_and_written(call, tiny, weights, tmp_path):
    found = first_filters(tiny, weights)
    answer = call("first-filters", "--network", "tiny", "--to", tmp_path / "filters", "--json")
    assert answer.json["keras_layer"] == "block1_conv1"
    assert answer.json["weights"] == weights
    assert answer.json["kernel_size"] == [3, 3]
    for i, each in enumerate(answer.json["filters"]):
        assert each["channel"] == i
        assert each["largest_weight"] == float(np.abs(found.kernels[i]).max())
        pixels = np.asarray(Image.open(each["file"]))
        np.testing.assert_array_equal(pixels, found.pictures()[i])
    named = call("first-filters", "--network", "tiny", "--weights", weights, "--json")
    assert named.json["filters"][0]["file"] is None
    assert "largest weight" in call("first-filters", "--network", "tiny").out


def test_filters_of_unknown_weights_are_refused(call):
    answer = call("first-filters", "--weights", "nothing")
    assert answer.status == 1
    assert "nothing are not installed" in answer.sentence
