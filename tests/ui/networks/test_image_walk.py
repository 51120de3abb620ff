"""Feature maps of an image, without and with a real browser."""

import re

import pytest
from PIL import Image

from medrecog_core.datasets import demo
from medrecog_core.features import ImageWalk
from medrecog_core.features.self_test import picture_file
from medrecog_core.networks import NETWORKS
from medrecog_core.ui.networks import image_walk
from tests.ui.settling import upload
from tests.ui.test_pages import opened, words

pytestmark = pytest.mark.slow

PAGE = "pages/5_Networks.py"
MINUTE = 60_000


def labels(test):
    return [button.label for button in test.button]


def box(test, label):
    return next(box for box in test.selectbox if box.label == label)


def test_nothing_is_computed_before_it_is_asked_for(cache):
    test = opened(PAGE, about="Feature maps")
    assert not test.exception
    assert "Compute feature maps" in labels(test)
    assert not cache.feature_maps.exists()
    assert box(test, "Image").value == "demo lesion"
    test = opened(PAGE, about="First filters")
    assert "The 64 filters of `block1_conv1`, 3 x 3 weights" in words(test)


def test_what_was_walked_before_is_shown_from_the_address_without_a_network(monkeypatch):
    found = ImageWalk("vgg19", "block2_conv1", order="maximum").walk(picture_file())
    monkeypatch.setattr(image_walk, "run_command", None)
    query = {"vgg19-layer": "block2_conv1", "strongest": "maximum", "picture": "built-in image"}
    test = opened(PAGE, about="Feature maps", **query)
    assert not test.exception
    assert "Compute feature maps" not in labels(test)
    for channel in found.channels:
        assert f"channel {channel}: maximum " in words(test)
    assert "The 12 of 128 channels with the largest maximum, drawn at 112 x 112" in words(test)


def test_every_layer_that_the_weights_reach_is_offered():
    options = box(opened(PAGE, about="Feature maps"), "Layer").options
    convolutions = [row.name for row in NETWORKS["vgg19"].rows if row.kind == "Conv2D"]
    assert [option for option in options if "conv" in option] == convolutions
    assert not {"fc1", "predictions"} & set(options)


def test_network_without_weights_says_what_to_do():
    test = opened(PAGE, about="Feature maps", network="resnet50")
    assert not test.exception
    assert "Install weights for ResNet-50 to compute" in words(test)
    assert "Compute feature maps" not in labels(test)
    assert "filters of" not in words(test)


def test_unknown_picture_and_layer_in_the_address_fall_back():
    test = opened(
        PAGE, about="Feature maps", picture="../../etc/passwd", **{"vgg19-layer": "nothing"}
    )
    assert not test.exception
    assert "Image “../../etc/passwd” not found." in words(test)
    assert "Layer “nothing” not found." in words(test)


def test_picture_of_the_demo_is_walked_and_one_that_is_gone_is_named(monkeypatch, cache):
    image = demo.demo_images()[0]
    name = f"{image.label}/{image.name}"
    file = cache.datasets / "demo" / "images" / name
    file.parent.mkdir(parents=True)
    Image.fromarray(demo.draw(image)).save(file)
    walk = ImageWalk("vgg19", "block1_conv1")

    def in_this_process(arguments, content):
        options = "--network vgg19 --layer block1_conv1 --scale 224 --by mean"
        assert arguments == ["feature-maps", "-", *options.split()]
        walk.walk(content)

    monkeypatch.setattr(image_walk, "run_command", in_this_process)
    test = opened(PAGE, about="Feature maps", picture=name)
    assert test.selectbox(key="picture").value == name
    next(each for each in test.button if each.label == "Compute feature maps").click()
    test.run()
    assert not test.exception
    assert walk.kept(file.read_bytes()) is not None
    assert "The 12 of 64 channels" in words(test)
    file.unlink()
    test.run()
    assert "The image cannot be used: the file does not exist." in words(test)


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_an_upload_is_walked_through_in_a_process_of_its_own(browser, server, tmp_path):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(2 * MINUTE)
    page.goto(
        f"{server.address}/Networks?about=Feature+maps&vgg19-layer=block3&picture=my+own+image"
    )
    field = page.get_by_label("Image file").locator("input[type=file]")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    upload(field, broken)
    page.get_by_text("The image cannot be used").wait_for()
    Image.linear_gradient("L").save(tmp_path / "slope.png")
    upload(field, tmp_path / "slope.png")
    page.get_by_text("The image cannot be used").wait_for(state="hidden")
    page.get_by_role("button", name="Compute feature maps").click()
    page.get_by_text("The 12 of 256 channels with the largest mean").wait_for()
    assert page.get_by_role("img", name=re.compile(r"channel \d+: maximum")).count() == 12
    kept = list((server.cache / "feature-maps").iterdir())
    assert [path.suffix for path in kept] == [".npz"]
    # The next layer follows by itself; the page's own process never holds the network.
    page.get_by_role("combobox", name="Layer", exact=True).fill("block4_conv1")
    page.keyboard.press("Enter")
    page.get_by_text("The 12 of 512 channels with the largest mean").wait_for()
    assert "vgg19-layer=block4_conv1" in page.url
    assert "/tensorflow/" not in server.loaded_libraries()
    page.close()
