import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medrecog_core.images import is_without_content


def grey(pixels):
    return Image.fromarray(pixels.astype(np.uint8)).convert("RGB")


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (10, 200, 90), (254, 0, 255)])
def test_one_colour_is_no_content(colour):
    assert is_without_content(Image.new("RGB", (30, 20), colour))


def test_faint_noise_and_a_few_dead_pixels_are_no_content():
    pixels = np.random.default_rng(0).integers(100, 103, (100, 100))
    pixels[0, :5] = 255
    assert is_without_content(grey(pixels))
    pixels[0, :6] = 255
    assert not is_without_content(grey(pixels))


def test_three_grey_levels_apart_are_content():
    pixels = np.full((100, 100), 100)
    pixels[:1] = 103
    assert not is_without_content(grey(pixels))


def test_a_small_bright_spot_on_black_is_content():
    pixels = np.zeros((224, 224))
    pixels[100:106, 100:106] = 200
    assert not is_without_content(grey(pixels))


def test_content_in_one_channel_is_content():
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[:10, :, 2] = 50
    assert not is_without_content(Image.fromarray(pixels))


@given(st.integers(0, 255), st.integers(0, 60), st.integers(1, 12), st.integers(1, 12))
def test_the_rule_is_the_spread_where_no_pixel_may_differ(low, spread, width, height):
    high = min(low + spread, 255)
    pixels = np.full((height, width), low)
    pixels[-1, -1] = high
    assert is_without_content(grey(pixels)) == (high - low <= 2 or pixels.size == 1)
