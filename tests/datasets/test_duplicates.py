import io
import itertools

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from medrecog_core.datasets import FileState, ImageRecord
from medrecog_core.datasets.duplicates import (
    MAX_HAMMING_DISTANCE,
    MIN_CORRELATION,
    connected_sets,
    exact_duplicates,
    near_duplicates,
)
from medrecog_core.datasets.health.measurements import ImageMeasurement, measure_image


def measured(image, form="PNG", **options):
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, form, **options)
    return measure_image(buffer.getvalue())


@pytest.fixture(scope="module")
def photographs():
    """Smooth random pictures, 40 of them, no two alike."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (40, 9, 9), np.uint8)
    return [Image.fromarray(c).resize((200, 200), Image.Resampling.BICUBIC) for c in coarse]


@given(st.lists(st.sampled_from("abc"), max_size=12))
def test_exact_duplicates_are_those_of_a_comparison_of_all_with_all(contents):
    images = [ImageRecord(f"{i}.png", "x", file=FileState(c, 1, 1)) for i, c in enumerate(contents)]
    found = exact_duplicates([*images, ImageRecord("unknown.png", "x")])
    pairs = {pair for each in found for pair in itertools.combinations(each, 2)}
    assert pairs == {
        (a, b) for a, b in itertools.combinations(images, 2) if a.file.sha256 == b.file.sha256
    }


def test_near_duplicates_are_those_of_a_comparison_of_all_with_all(photographs):
    rng = np.random.default_rng(1)
    images = []
    for photograph in photographs * 8:
        turned = photograph.rotate(rng.uniform(-3, 3))
        images.append(ImageEnhance.Brightness(turned).enhance(rng.uniform(0.8, 1.2)))
    measurements = [measured(image) for image in images]
    hashes = [imagehash.hex_to_hash(f"{m.perceptual_hash:016x}") for m in measurements]
    expected = []
    for i, j in itertools.combinations(range(len(images)), 2):
        if hashes[i] - hashes[j] <= MAX_HAMMING_DISTANCE:
            squares = measurements[i].grey_values, measurements[j].grey_values
            if np.corrcoef(*squares)[0, 1] >= MIN_CORRELATION:
                expected.append((i, j))
    assert len(images) > 256, "more than one block is compared"
    assert len(expected) > 100
    assert near_duplicates(measurements) == expected


@pytest.mark.parametrize(
    "edit",
    [
        lambda image: measured(image, "JPEG", quality=20),
        lambda image: measured(image.resize((100, 100))),
        lambda image: measured(ImageEnhance.Brightness(image).enhance(1.15)),
        lambda image: measured(ImageEnhance.Contrast(image).enhance(1.2)),
        lambda image: measured(image.crop((2, 2, 198, 198))),
    ],
    ids=["saved again", "halved", "brighter", "more contrast", "one per cent cut off"],
)
def test_an_edited_image_is_found_and_no_other(photographs, edit):
    measurements = [measured(image) for image in photographs]
    for i in range(3):
        assert near_duplicates([*measurements, edit(photographs[i])]) == [(i, len(photographs))]


def test_unreadable_and_blank_images_have_no_pairs():
    blank = measured(Image.new("L", (50, 50), 90))
    assert near_duplicates([blank, blank, ImageMeasurement("damaged"), ImageMeasurement("x")]) == []
    assert near_duplicates([]) == []


def test_progress_ends_with_all_images(photographs):
    reported = []
    near_duplicates([measured(image) for image in photographs], lambda *n: reported.append(n))
    assert reported == [(40, 40)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda p: p[0] < p[1])))
def test_connected_sets_are_those_of_a_plain_walk(pairs):
    sets = {i: {i} for pair in pairs for i in pair}
    for i, j in pairs:
        joined = sets[i] | sets[j]
        for k in joined:
            sets[k] = joined
    assert connected_sets(pairs, 10) == sorted({tuple(sorted(each)) for each in sets.values()})


def test_frames_of_one_file_are_no_duplicates():
    state = FileState("0", 1, 1, n_frames=2)
    frames = [ImageRecord(f"{n}#{i}", "x", file=state, frame=i) for n in "ab" for i in range(2)]
    assert exact_duplicates(frames) == [(frames[0], frames[2]), (frames[1], frames[3])]
