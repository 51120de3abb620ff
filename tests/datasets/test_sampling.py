from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import ImageRecord, Protocol, draw_sample, split_images
from medrecog_core.errors import MedrecogError

LABELS = st.sampled_from("abc")
SPLITS = st.sampled_from(("train", "test", "val"))


def records(rows):
    return [
        ImageRecord(f"{i:03}.png", label, split, group)
        for i, (label, split, group) in enumerate(rows)
    ]


SPLIT = st.lists(st.tuples(LABELS, SPLITS, st.just("")), min_size=1, max_size=80).map(records)
WHOLE = st.lists(
    st.tuples(LABELS, st.just(""), st.sampled_from(("", "p", "q"))), min_size=1, max_size=80
).map(records)


def strata(images):
    return Counter((image.label, image.split) for image in images)


@given(SPLIT | WHOLE, st.integers(1, 100), st.integers(0, 3))
def test_a_sample_has_what_was_asked_and_every_stratum_its_share(images, n, seed):
    is_given = {"train", "test"} <= {image.split for image in images}
    used = [image for image in images if not is_given or image.split != "val"]
    if n >= len(used):
        sample = draw_sample(images, n, seed)
        assert (sample.images, sample.is_part, sample.words) == (tuple(images), False, "")
        return
    try:
        sample = draw_sample(images, n, seed)
    except MedrecogError:
        assert n < 2 * len({(image.label, is_given and image.split) for image in used})
        return
    assert len(sample.images) == n
    assert len(set(sample.images)) == n and set(sample.images) <= set(used)
    assert [image.path for image in sample.images] == sorted(image.path for image in sample.images)
    assert sample.words == f"a sample of {n} of {len(used)} images"
    key = (lambda i: (i.label, i.split)) if is_given else (lambda i: i.label)
    there, drawn = Counter(map(key, used)), Counter(map(key, sample.images))
    least = 1 if is_given else 2
    spared = sum(max(0, min(k, least) - n * k / len(used)) for k in there.values())
    for stratum, k in there.items():
        assert min(k, least) <= drawn[stratum] <= k
        assert abs(drawn[stratum] - n * k / len(used)) <= least + 1 + spared


def test_shares_of_a_large_set_are_those_of_the_whole():
    rows = [("ill", "train")] * 3850 + [("well", "train")] * 1340
    rows += [("ill", "test")] * 387 + [("well", "test")] * 231
    images = records((label, split, "") for label, split in rows)
    sample = draw_sample(images, 200, 0)
    assert sample.words == "a sample of 200 of 5,808 images"
    assert strata(sample.images) == {
        ("ill", "train"): 133,
        ("well", "train"): 46,
        ("ill", "test"): 13,
        ("well", "test"): 8,
    }


def test_the_seed_alone_decides():
    images = records([("a", "", ""), ("b", "", "")] * 30)
    assert draw_sample(images, 10, 1) == draw_sample(images, 10, 1)
    assert draw_sample(images, 10, 1) != draw_sample(images, 10, 2)


def test_images_of_val_beside_a_given_split_are_not_drawn():
    images = records([(a, split, "") for a in "ab" for split in ("train", "test", "val")] * 5)
    assert {image.split for image in draw_sample(images, 8, 0).images} == {"train", "test"}


@pytest.mark.parametrize("seed", range(5))
def test_a_class_with_two_images_has_two_groups_where_it_can(seed):
    rows = [("rare", "", "one")] * 9 + [("rare", "", "two")] + [("common", "", "")] * 90
    images = records(rows)
    sample = draw_sample(images, 20, seed).images
    assert Counter(image.label for image in sample) == {"rare": 2, "common": 18}
    assert {image.group for image in sample if image.label == "rare"} == {"one", "two"}
    assert split_images(sample, Protocol(seed=seed)).n_leaking_groups == 0


def test_too_few_images_give_a_sentence_that_says_how_many_are_needed():
    images = records([(label, "", "") for label in "abc"] * 5)
    with pytest.raises(
        MedrecogError, match=r"A sample of 5 images is too small .* at least 6 images\."
    ):
        draw_sample(images, 5, 0)
    assert strata(draw_sample(images, 6, 0).images) == {("a", ""): 2, ("b", ""): 2, ("c", ""): 2}


def test_each_given_fold_of_a_class_keeps_its_share():
    images = [
        ImageRecord(f"{label}{fold}{i:02}.png", label, fold=fold)
        for label in "ab"
        for fold, n in (("0", 30), ("1", 10))
        for i in range(n)
    ]
    drawn = draw_sample(images, 16, 0).images
    counts = {
        (label, f): sum(i.label == label and i.fold == f for i in drawn)
        for label in "ab"
        for f in "01"
    }
    assert counts == {("a", "0"): 6, ("a", "1"): 2, ("b", "0"): 6, ("b", "1"): 2}
