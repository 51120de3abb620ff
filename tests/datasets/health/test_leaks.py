import io
import itertools
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from medrecog_core.datasets import Dataset, FileState, ImageRecord
from medrecog_core.datasets.health import leaks
from medrecog_core.datasets.health.leaks import (
    MAX_HAMMING_DISTANCE,
    MIN_CORRELATION,
    ConnectedSets,
    duplicate_findings,
    exact_duplicates,
    examine_near_duplicates,
    group_findings,
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


def pairs_among(measurements, *report):
    return [tuple(pair) for part in near_duplicates(measurements, *report) for pair in part]


@pytest.mark.parametrize("at_once", [1, 3_000, 2**22])
def test_near_duplicates_are_those_of_a_comparison_of_all_with_all(
    photographs, monkeypatch, at_once
):
    monkeypatch.setattr(leaks, "_COMPARED_AT_ONCE", at_once)
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
    assert len(expected) > 100
    assert pairs_among(measurements) == expected


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
        assert pairs_among([*measurements, edit(photographs[i])]) == [(i, len(photographs))]


def test_unreadable_and_blank_images_have_no_pairs():
    blank = measured(Image.new("L", (50, 50), 90))
    assert pairs_among([blank, blank, ImageMeasurement("damaged"), ImageMeasurement("x")]) == []
    assert pairs_among([]) == []


def test_progress_ends_with_all_images(photographs):
    reported = []
    pairs_among([measured(image) for image in photographs], lambda *n: reported.append(n))
    assert reported == [(40, 40)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda p: p[0] < p[1])))
def test_connected_sets_are_those_of_a_plain_walk(pairs):
    sets = {i: {i} for pair in pairs for i in pair}
    for i, j in pairs:
        joined = sets[i] | sets[j]
        for k in joined:
            sets[k] = joined
    for at_once in (0, 100):
        found = ConnectedSets(10)
        with patch.object(leaks, "_LINKS_AT_ONCE", at_once):
            for pair in pairs:
                found.add(np.array([pair]))
        assert found.sets() == sorted({tuple(sorted(each)) for each in sets.values()})


def test_frames_of_one_file_are_no_duplicates():
    state = FileState("0", 1, 1, n_frames=2)
    frames = [ImageRecord(f"{n}#{i}", "x", file=state, frame=i) for n in "ab" for i in range(2)]
    assert exact_duplicates(frames) == [(frames[0], frames[2]), (frames[1], frames[3])]


def image(path, content="", label="nv", split="", group=""):
    return ImageRecord(path, label, split, group, FileState(content or path, 1, 1))


def dataset(*images):
    fillers = (image("y1", label="mel"), image("z1", label="nv"))
    whole = sorted((*images, *fillers), key=lambda each: each.path)
    return Dataset("skin", Path("/images"), tuple(whole), "a folder a class")


def by_kind(findings):
    return {finding.kind: finding for finding in findings}


def pair_of(whole, first, second):
    paths = [each.path for each in whole.images]
    return tuple(sorted((paths.index(first), paths.index(second))))


def test_a_data_set_of_different_files_has_no_duplicates():
    assert duplicate_findings(dataset(image("a"), image("b"))) == []


def test_of_copies_in_one_class_and_split_all_but_the_first_are_excluded():
    (found,) = duplicate_findings(dataset(image("a", "x"), image("b", "x"), image("c", "x")))
    assert (found.kind, found.severity) == ("duplicates", "warning")
    assert found.sets == (("a", "b", "c"),)
    assert found.to_exclude == ("b", "c")
    assert "no predefined split" in found.words


def test_of_copies_across_splits_those_outside_the_test_are_excluded():
    copies = [image("a", "x", split="train"), image("b", "x", split="test")]
    more = [image("c", "x", split="val"), image("d", "y", split="val"), image("e", "y", "nv")]
    found = by_kind(duplicate_findings(dataset(*copies, *more)))["duplicates-across-splits"]
    assert found.severity == "severe"
    assert found.to_exclude == ("a", "c", "e")


def test_of_copies_across_classes_all_are_excluded():
    (found,) = duplicate_findings(dataset(image("a", "x"), image("b", "x", label="mel")))
    assert (found.kind, found.severity) == ("duplicates-across-classes", "severe")
    assert found.to_exclude == ("a", "b")


def test_near_duplicates_are_told_apart_by_split_and_class():
    whole = dataset(
        image("a", split="train"),
        image("b", split="test"),
        image("c", split="test", label="mel"),
        image("d", split="train"),
    )
    pairs = [pair_of(whole, *names) for names in ("ab", "bc", "ad")]
    near = examine_near_duplicates(whole, [np.array(sorted(pairs))])
    found = by_kind(near.findings)
    assert (near.n_expected, near.n_pairs, near.listed) == (0, 3, tuple(sorted(pairs)))
    assert found["near-duplicates-across-splits"].sets == (("a", "b"),)
    assert found["near-duplicates-across-splits"].to_exclude == ("a",)
    assert found["near-duplicates-across-classes"].to_exclude == ("b", "c")
    assert found["near-duplicates"].to_exclude == ("d",)


def test_images_of_one_group_are_expected_to_look_alike():
    whole = dataset(image("a", group="p1"), image("b", group="p1"))
    near = examine_near_duplicates(whole, [np.array([pair_of(whole, "a", "b")])])
    assert (near.findings, near.n_expected) == ((), 1)


def test_exact_duplicates_are_not_counted_as_near_ones_too():
    whole = dataset(image("a", "x"), image("b", "x"))
    near = examine_near_duplicates(whole, [np.array([pair_of(whole, "a", "b")])])
    assert (near.findings, near.n_expected, near.n_pairs) == ((), 0, 1)


def test_of_many_near_copies_some_pairs_of_each_image_are_listed(monkeypatch):
    monkeypatch.setattr(leaks, "_MOST_LISTED_OF_IMAGE", 2)
    whole = dataset(*(image(f"a{i:02d}") for i in range(30)))
    pairs = np.array(list(itertools.combinations(range(30), 2)))
    near = examine_near_duplicates(whole, [pairs[:100], pairs[100:]])
    assert near.n_pairs == len(pairs)
    assert len(near.listed) <= 4 * 30
    assert set(near.listed) <= {tuple(pair) for pair in pairs.tolist()}
    assert {i for pair in near.listed for i in pair} == set(range(30))
    assert list(near.listed) == sorted(near.listed)
    listed = Counter(i for pair in near.listed for i in pair)
    assert near.n_unlisted[:30].tolist() == [29 - listed[i] for i in range(30)]
    (found,) = near.findings
    assert [len(each) for each in found.sets] == [30]


def test_groups_in_more_than_one_split_are_found():
    whole = dataset(
        image("a", split="train", group="p1"),
        image("b", split="train", group="p1"),
        image("c", split="test", group="p1"),
        image("d", split="train", group="p2"),
        image("e", split="train", group="p2"),
        image("f", split="test"),
        image("g", split="train"),
    )
    (found,) = group_findings(whole)
    assert (found.kind, found.severity) == ("groups-across-splits", "severe")
    assert found.sets == (("a", "b", "c"),)
    assert found.to_exclude == ("a", "b")
    assert "1 of 2 groups" in found.words


def test_excluding_a_finding_mends_it():
    whole = dataset(
        image("a", "x", split="train", group="p1"),
        image("b", "x", split="test", group="p2"),
        image("c", split="test", group="p1"),
        image("d", "w"),
        image("e", "w"),
    )
    for find in (duplicate_findings, group_findings):
        for finding in find(whole):
            left = [each for each in whole.images if each.path not in finding.to_exclude]
            mended = Dataset("skin", whole.root, tuple(left), whole.layout)
            assert finding.kind not in by_kind(find(mended))
