import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import (
    PREPROCESSINGS,
    REPORT_SCALES,
    SQUEEZE,
    VIEWS,
    check_scale,
    find_preprocessing,
    preprocessing_of_version,
    squeeze,
)
from medrecog_core.images.preprocessing import LARGEST_PROPORTION, centre_crop, keep_aspect

SIDES = st.integers(1, 300)
SCALES = st.integers(224, 300)


def picture(width, height):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("size", [(300, 100), (100, 300), (224, 100), (1000, 700)])
def test_any_shape_becomes_a_square_of_bytes(size):
    square = squeeze(picture(*size), 224)
    assert square.shape == (224, 224, 3)
    assert square.dtype == np.uint8


def test_an_image_of_the_right_size_is_not_touched():
    image = picture(224, 224)
    np.testing.assert_array_equal(squeeze(image, 224), np.asarray(image))


def test_the_resampling_is_bilinear():
    image = picture(500, 300)
    expected = np.asarray(image.resize((224, 224), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(squeeze(image, 224), expected)


def test_nothing_is_cropped():
    pixels = np.zeros((100, 400, 3), dtype=np.uint8)
    pixels[:, :40] = (255, 0, 0)
    pixels[:, -40:] = (0, 0, 255)
    square = squeeze(Image.fromarray(pixels), 224)
    assert square[112, 0].tolist() == [255, 0, 0]
    assert square[112, -1].tolist() == [0, 0, 255]


@pytest.mark.parametrize("scale", [224, 225, 2048, *REPORT_SCALES])
def test_possible_scales_are_returned(scale):
    assert check_scale(scale) == scale


@pytest.mark.parametrize("scale", [-224, 0, 10, 223, 2049, 224.5, 544.0])
def test_impossible_scales_are_refused_with_the_bounds(scale):
    with pytest.raises(UsageError, match=r"The input size"):
        check_scale(scale)


def test_the_scales_of_the_report_are_224_plus_320k():
    assert tuple(224 + 320 * k for k in range(4)) == REPORT_SCALES


@pytest.mark.parametrize("name", PREPROCESSINGS)
@settings(deadline=None, max_examples=30)
@given(SIDES, SIDES, SCALES)
def test_both_sides_are_the_scale_or_more_and_bounded(name, width, height, scale):
    preprocessing = find_preprocessing(name)
    pixels = preprocessing.pixels(Image.new("RGB", (width, height)), scale)
    shorter, longer = sorted(pixels.shape[:2])
    assert pixels.dtype == np.uint8 and pixels.shape[2] == 3
    assert shorter == scale
    assert longer <= preprocessing.largest_proportion * scale


@settings(deadline=None, max_examples=30)
@given(SIDES, SIDES, SCALES)
def test_kept_proportions_are_within_half_a_stride_up_to_the_bound(width, height, scale):
    rows, columns = keep_aspect(Image.new("RGB", (width, height)), scale).shape[:2]
    assert (columns >= rows) if width > height else (rows >= columns)
    proportion = min(max(width, height) / min(width, height), LARGEST_PROPORTION)
    assert (max(rows, columns) - scale) % 32 == 0
    # At the bound the last whole stride below it counts, so that a scale of 225 stays below 450.
    assert -32 < max(rows, columns) - proportion * scale <= 16


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 400), SCALES)
def test_a_square_is_the_same_in_every_way(side, scale):
    image = picture(side, side)
    for preprocessing in PREPROCESSINGS.values():
        np.testing.assert_array_equal(preprocessing.pixels(image, scale), squeeze(image, scale))


@pytest.mark.parametrize(
    ("size", "scale"), [((672, 448), 224), ((448, 1344), 224), ((900, 600), 300), ((256, 224), 224)]
)
def test_the_crop_is_the_crop_of_the_resized_image(size, scale):
    # Sizes whose longer side becomes an even number of pixels more, so that nothing is rounded.
    image = picture(*size)
    width, height = (side * scale // min(size) for side in size)
    left, top = (width - scale) // 2, (height - scale) // 2
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    expected = np.asarray(resized.crop((left, top, left + scale, top + scale)))
    np.testing.assert_allclose(centre_crop(image, scale), expected, atol=1)


@settings(deadline=None, max_examples=30)
@given(SIDES, SIDES, SCALES)
def test_the_crop_of_a_turned_image_is_the_turned_crop(width, height, scale):
    image = picture(width, height)
    turned = centre_crop(image.transpose(Image.Transpose.ROTATE_180), scale).astype(int)
    np.testing.assert_allclose(turned[::-1, ::-1], centre_crop(image, scale), atol=2)


def test_a_panorama_is_squeezed_to_the_bound_and_loses_nothing():
    pixels = np.zeros((40, 2000, 3), dtype=np.uint8)
    pixels[:, :100] = (255, 0, 0)
    pixels[:, -100:] = (0, 0, 255)
    for image in (pixels, pixels.transpose(1, 0, 2)):
        kept = keep_aspect(Image.fromarray(np.ascontiguousarray(image)), 224)
        assert sorted(kept.shape[:2]) == [224, 448]
        assert kept[0, 0].tolist() == [255, 0, 0]
        assert kept[-1, -1].tolist() == [0, 0, 255]


def test_kept_proportions_are_resized_bilinearly():
    expected = picture(600, 450).resize((288, 224), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(keep_aspect(picture(600, 450), 224), np.asarray(expected))


def test_versions_are_distinct_and_found_again():
    versions = [preprocessing.version for preprocessing in PREPROCESSINGS.values()]
    assert versions[0] == SQUEEZE
    assert len(set(versions)) == len(versions)
    for preprocessing in PREPROCESSINGS.values():
        assert preprocessing_of_version(preprocessing.version) is preprocessing
        assert "/" not in preprocessing.version  # it separates the parts of a key


def test_what_does_not_exist_is_named_with_what_does():
    with pytest.raises(
        UsageError, match=r"Unknown preprocessing “stretch”. Available: squeeze, keep-"
    ):
        find_preprocessing("stretch")
    with pytest.raises(
        MedrecogError, match=rf"Unknown version squeeze-0 .*Available: {SQUEEZE}, keep-aspect-"
    ):
        preprocessing_of_version("squeeze-0")


def views_of(way, image, scale=224):
    return [view[0] for view in way.views_of(way.pixels(image, scale)[None])]


@pytest.mark.parametrize("name", ["squeeze", "centre-crop"])
def test_ten_views_are_corners_and_centre_and_their_mirror_images(name):
    image = picture(700, 500)
    whole = Image.fromarray(find_preprocessing(name).pixels(image, 256))
    boxes = [(0, 0), (32, 0), (0, 32), (32, 32), (16, 16)]
    crops = [whole.crop((x, y, x + 224, y + 224)) for x, y in boxes]
    expected = [each for crop in crops for each in (crop, ImageOps.mirror(crop))]
    found = views_of(find_preprocessing(name, 10), image)
    np.testing.assert_array_equal(found, [np.asarray(each) for each in expected])


def test_two_views_are_the_image_and_its_mirror_image():
    image = picture(300, 200)
    one, mirrored = views_of(find_preprocessing("squeeze", 2), image)
    np.testing.assert_array_equal(one, squeeze(image, 224))
    np.testing.assert_array_equal(mirrored, one[:, ::-1])


def test_one_view_is_the_preprocessing_itself():
    for name, way in PREPROCESSINGS.items():
        assert find_preprocessing(name, 1) is way
    pixels = np.zeros((2, 224, 224, 3), np.uint8)
    (view,) = find_preprocessing("squeeze").views_of(pixels)
    assert view is pixels


@given(width=SIDES, height=SIDES, scale=SCALES)
@settings(max_examples=30, deadline=None)
def test_views_of_any_shape_have_the_scale_and_whole_strides(width, height, scale):
    for name in PREPROCESSINGS:
        way = find_preprocessing(name, 10)
        views = views_of(way, picture(width, height), scale)
        assert len(views) == 10
        shorter, longer = sorted(views[0].shape[:2])
        assert shorter == scale
        assert (longer - scale) % 32 == 0
        assert {view.shape for view in views} == {(*views[0].shape[:2], 3)}
        assert way.view_shape(way.pixels(picture(width, height), scale).shape) == views[0].shape[:2]


def test_versions_of_views_are_found_and_differ():
    versions = {}
    for name in PREPROCESSINGS:
        for views in VIEWS:
            way = find_preprocessing(name, views)
            versions[way.version] = way
            assert preprocessing_of_version(way.version).views == views
    assert len(versions) == len(PREPROCESSINGS) * len(VIEWS)
    assert SQUEEZE in versions
    with pytest.raises(UsageError):
        find_preprocessing("squeeze", 3)
