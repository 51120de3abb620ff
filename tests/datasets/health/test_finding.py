from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import Dataset, FileState, Finding, ImageRecord, Remedy
from medrecog_core.datasets.health.classes import (
    small_class_findings,
    spelling_findings,
    training_findings,
    unlabelled_findings,
)
from medrecog_core.datasets.health.finding import exclude_classes, quoted, reason_against
from medrecog_core.datasets.health.images import quality_findings
from medrecog_core.datasets.health.leaks import (
    duplicate_findings,
    examine_near_duplicates,
    group_findings,
)
from medrecog_core.datasets.health.measurements import ImageMeasurement

rows = st.lists(
    st.tuples(
        st.sampled_from(("a", "A", "b", "nan")),
        st.sampled_from(("", "train", "val", "test")),
        st.sampled_from(("", "p", "q")),
        st.sampled_from("xyz123456789"),
        st.booleans(),
    ),
    min_size=2,
    max_size=40,
).filter(lambda rows: len({row[0] for row in rows}) > 1)


@given(rows, st.data())
def test_no_remedy_that_is_offered_leaves_fewer_than_two_classes(rows, data):
    images = tuple(
        ImageRecord(f"{i:02d}", label, split, group, FileState(content, 1, 1))
        for i, (label, split, group, content, _) in enumerate(rows)
    )
    dataset = Dataset("skin", Path("/images"), images, "made")
    positions = st.integers(0, len(rows) - 1)
    pairs = data.draw(st.lists(st.tuples(positions, positions).filter(lambda p: p[0] < p[1])))
    measurements = {
        image.path: ImageMeasurement("gone" if is_gone else "", 9, 9)
        for image, (*_, is_gone) in zip(images, rows, strict=True)
    }
    near = np.array(sorted(set(pairs)), np.intp).reshape(-1, 2)
    findings = (
        *duplicate_findings(dataset),
        *examine_near_duplicates(dataset, [near]).findings,
        *group_findings(dataset),
        *training_findings(dataset),
        *small_class_findings(dataset),
        *spelling_findings(dataset),
        *unlabelled_findings(dataset),
        *quality_findings(measurements),
    )
    for finding in findings:
        guarded = finding.guarded(dataset)
        assert (guarded.remedy is None) == bool(guarded.refusal)
        if guarded.remedy is None:
            continue
        names = dict(guarded.remedy.merges)
        left = [image for image in images if image.path not in guarded.to_exclude]
        kept = {names.get(image.label, image.label) for image in left}
        assert len(kept) >= 2
        assert kept >= {names.get(c, c) for c in dataset.classes} - set(guarded.remedy.classes)


def dataset(*labelled):
    """Make a data set of (label, split) rows, whose images are named `0`, `1`, ..."""
    images = tuple(
        ImageRecord(f"{i:02d}", label, split) for i, (label, split) in enumerate(labelled)
    )
    return Dataset("skin", Path("/images"), images, "made")


WHOLE = dataset(
    *(("a", "train"), ("a", "test"), ("b", "train"), ("b", "test"), ("c", "train"), ("c", "test"))
)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"images": ("1",), "merges": (("a", "b"),)},
        {"merges": (("a", "a"),)},
        {"classes": ("a",), "merges": (("a", "b"),)},
    ],
)
def test_a_remedy_does_one_thing(wrong):
    with pytest.raises(ValueError):
        Remedy("Does it.", **wrong)


def test_labels_of_buttons():
    assert Remedy("", images=("1",)).label == "Exclude 1 image"
    assert Remedy("", images=("1", "2")).label == "Exclude 2 images"
    assert exclude_classes(WHOLE, ["a"]).label == "Exclude class “a”"
    assert exclude_classes(WHOLE, ["a", "c"]).label == "Exclude 2 classes"
    assert Remedy("", merges=(("A", "a"),)).label == "Merge 2 class names"


@pytest.mark.parametrize(
    ("remedy", "reason"),
    [
        (Remedy("", images=("00",)), "class “a” would have no training images left"),
        (Remedy("", images=("01",)), ""),
        (Remedy("", images=("00", "01")), "class “a” would have no images left"),
        (Remedy("", images=("99",)), ""),
        (exclude_classes(WHOLE, ["a"]), ""),
        (exclude_classes(WHOLE, ["a", "b"]), "fewer than two classes would be left"),
        (Remedy("", merges=(("a", "b"),)), ""),
        (Remedy("", merges=(("a", "b"), ("c", "b"))), "fewer than two classes would be left"),
    ],
)
def test_what_speaks_against_a_remedy(remedy, reason):
    assert reason_against(WHOLE, remedy) == reason
    finding = Finding("some", "note", "Some", "Some.", remedy=remedy).guarded(WHOLE)
    assert (finding.remedy is None) == bool(reason)
    assert reason in finding.refusal


def test_a_remedy_is_done_when_nothing_is_left_to_change():
    assert not Remedy("", images=("00", "99")).is_done(WHOLE)
    assert Remedy("", images=("99",)).is_done(WHOLE)
    assert not Remedy("", merges=(("a", "b"),)).is_done(WHOLE)
    assert Remedy("", merges=(("A", "a"),)).is_done(WHOLE)


def test_long_lists_of_names_are_cut():
    assert quoted("ab") == "“a”, “b”"
    assert quoted("abcdefg").endswith("“e” and 2 more")


labelled = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(("", "train", "test"))), min_size=2
).filter(lambda labelled: len({label for label, _ in labelled}) > 1)


@given(labelled, st.data())
def test_no_remedy_that_is_offered_spoils_a_data_set(labelled, data):
    whole = dataset(*labelled)
    paths = [image.path for image in whole.images]
    chosen = data.draw(st.lists(st.sampled_from(paths), min_size=1, unique=True))
    named = data.draw(st.sets(st.sampled_from(whole.classes)))
    in_named = {image.path for image in whole.images if image.label in named}
    remedy = Remedy("", tuple(sorted({*chosen, *in_named})), tuple(sorted(named)))
    if reason_against(whole, remedy):
        return
    left = [image for image in whole.images if image.path not in remedy.images]
    assert len({image.label for image in left}) >= 2
    assert {image.label for image in left} >= set(whole.classes) - named
    trained = {image.label for image in whole.images if image.split == "train"}
    assert {image.label for image in left if image.split == "train"} >= trained - named


@given(labelled, st.data())
def test_no_merge_that_is_offered_leaves_one_class(labelled, data):
    whole = dataset(*labelled)
    target = data.draw(st.sampled_from(whole.classes))
    others = [label for label in whole.classes if label != target]
    merged = data.draw(st.lists(st.sampled_from(others), min_size=1, unique=True))
    remedy = Remedy("", merges=tuple((label, target) for label in merged))
    is_too_much = len(others) == len(merged)
    assert bool(reason_against(whole, remedy)) == is_too_much
