import json
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medrecog_core.datasets import (
    PROTOCOLS,
    Fold,
    ImageRecord,
    Protocol,
    Split,
    draw_sample,
    split_images,
)
from medrecog_core.datasets.splits import describe_leak, n_leaking_groups
from medrecog_core.errors import MedrecogError, UsageError


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_every_protocol_can_be_asked_for(kind):
    assert Protocol(kind).kind == kind


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"kind": "bootstrap"}, "Unknown protocol “bootstrap”. Available: auto, given"),
        ({"n_folds": 1}, "1 is not a valid number of folds"),
        ({"n_folds": 101}, "101 is not a valid number of folds"),
        ({"n_repeats": 0}, "0 is not a valid number of repeats"),
    ],
)
def test_an_impossible_protocol_is_refused(wrong, sentence):
    with pytest.raises(UsageError, match=sentence):
        Protocol(**wrong)


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


IMAGES = [
    ImageRecord("a.png", "x", "", "p1"),
    ImageRecord("b.png", "y", "", "p1"),
    ImageRecord("c.png", "x", "", "p2"),
    ImageRecord("d.png", "y", "", ""),
]

positions = st.lists(st.integers(0, 10_000), max_size=20).map(tuple)
splits = st.builds(
    Split,
    st.text(),
    st.lists(st.builds(Fold, positions, positions), min_size=1, max_size=5).map(tuple),
    st.integers(0, 99),
)


@given(splits)
def test_a_split_survives_json(split):
    assert Split.from_document(json.loads(json.dumps(split.to_document()))) == split


@pytest.mark.parametrize(
    "document", [{}, {"kind": "k", "folds": [], "n_leaking_groups": 0}, {"kind": "k", "folds": [1]}]
)
def test_what_is_no_split_is_refused(document):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Split.from_document(document)


def test_tested_images_stand_in_the_order_of_the_folds():
    split = Split("two folds", (Fold((0, 1), (2, 3)), Fold((2, 3), (0, 1))))
    assert split.tested == (2, 3, 0, 1)
    assert split.trained == (0, 1, 2, 3)


def test_groups_in_both_parts_of_a_fold_leak_whatever_other_folds_do():
    apart = [Fold((0, 1), (2, 3)), Fold((2, 3), (0, 1))]
    assert n_leaking_groups(IMAGES, apart) == 0
    assert n_leaking_groups(IMAGES, [*apart, Fold((0, 2), (1, 3))]) == 1


def test_images_without_a_group_do_not_leak():
    assert n_leaking_groups([ImageRecord("a", "x"), ImageRecord("b", "x")], [Fold((0,), (1,))]) == 0


def test_the_table_of_one_fold_is_a_table_of_labels_with_a_split():
    rows = Split("hold-out", (Fold((0, 1), (2,)),)).rows(IMAGES)
    assert rows[0] == {"path": "a.png", "label": "x", "group": "p1", "split": "train"}
    assert [row["split"] for row in rows] == ["train", "train", "test", ""]


def test_the_table_of_several_folds_has_a_column_each():
    rows = Split("two folds", (Fold((0, 1), (2, 3)), Fold((2, 3), (0, 1)))).rows(IMAGES)
    assert [(row["fold 1"], row["fold 2"]) for row in rows] == [
        ("train", "test"), ("train", "test"), ("test", "train"), ("test", "train")
    ]  # fmt: skip


@given(splits)
def test_images_in_no_fold_can_be_left_out(split):
    used, narrowed = split.without_unused()
    assert len(narrowed.folds) == len(split.folds)
    for fold, narrow in zip(split.folds, narrowed.folds, strict=True):
        assert tuple(used[i] for i in narrow.train) == fold.train
        assert tuple(used[i] for i in narrow.test) == fold.test
    assert {*narrowed.trained, *narrowed.tested} == set(range(len(used)))


def test_a_leak_is_told_in_a_sentence():
    assert describe_leak(1).startswith("Leakage: 1 group has images in both training")
    assert "1,200 groups have images" in describe_leak(1200)


def split_records(*labels_splits_groups):
    return [ImageRecord(f"{i:03}.png", *row) for i, row in enumerate(labels_splits_groups)]


def many(n, *labels):
    return split_records(*((label, "", "") for label in labels for _ in range(n)))


def split(images, seed=0, **protocol):
    return split_images(images, Protocol(seed=seed, **protocol))


def count(images, part, label):
    return sum(images[i].label == label for i in part)


def test_a_given_split_is_kept_whatever_the_seed():
    images = split_records(("a", "test"), ("a", "train"), ("b", "train"), ("b", "test"))
    found = split(images)
    assert (found.folds[0].train, found.folds[0].test) == ((1, 2), (0, 3))
    assert found.kind == "given split"
    assert found == split(images, 1)


def test_images_of_val_or_of_no_part_are_left_out_of_a_given_split():
    images = split_records(
        ("a", "val"), ("a", "train"), ("b", "train"), ("b", "test"), ("b", ""), ("c", "val")
    )
    found = split(images)
    assert (found.folds[0].train, found.folds[0].test) == ((1, 2), (3,))
    assert found.kind == "given split, 3 images of neither part unused"


def test_groups_on_both_sides_of_a_given_split_are_counted():
    images = split_records(
        ("a", "train", "p1"),
        ("b", "train", "p2"),
        ("b", "train", "p3"),
        ("a", "test", "p1"),
        ("a", "test", "p1"),
        ("b", "test", "p3"),
        ("b", "val", "p2"),
        ("a", "train", ""),
        ("a", "test", ""),
    )
    assert split(images).n_leaking_groups == 2


def test_a_test_class_without_training_images_is_refused():
    images = split_records(("a", "train"), ("b", "train"), ("a", "test"), ("c", "test"))
    with pytest.raises(
        MedrecogError, match=r"class “c” has test images but no training images\. Exclude it"
    ):
        split(images)


def test_a_class_that_is_only_trained_on_is_allowed():
    images = split_records(("a", "train"), ("b", "train"), ("a", "test"))
    assert split(images).folds[0].test == (2,)


def test_a_given_split_with_one_class_to_learn_is_refused():
    with pytest.raises(
        MedrecogError, match="The split leaves fewer than two training classes, or no test images"
    ):
        split(split_records(("a", "train"), ("a", "test"), ("b", "val")))


def test_a_hold_out_tests_on_a_quarter_of_every_class():
    images = many(40, "a", "b") + split_records(*[("c", "", "")] * 20)
    images = [ImageRecord(f"{i}.png", image.label) for i, image in enumerate(images)]
    found = split(images)
    assert [count(images, found.folds[0].test, label) for label in "abc"] == [10, 10, 5]
    assert found.kind == "stratified hold-out of a quarter, seed 0"
    assert found.n_leaking_groups == 0


def test_a_hold_out_follows_its_seed():
    images = many(20, "a", "b")
    assert split(images, 3) == split(images, 3)
    assert len({split(images, seed).folds[0].test for seed in range(5)}) > 1


def test_a_split_without_a_test_part_is_no_given_split():
    images = split_records(*[("a", "train"), ("b", "train"), ("a", "val"), ("b", "val")] * 4)
    assert split(images).kind == "stratified hold-out of a quarter, seed 0"


@pytest.mark.parametrize("seed", range(8))
def test_a_rare_class_is_tested_too(seed):
    images = [*many(20, "a"), ImageRecord("b1.png", "b"), ImageRecord("b2.png", "b")]
    assert count(images, split(images, seed).folds[0].test, "b") == 1


def test_a_hold_out_says_that_it_kept_groups_whole():
    images = split_records(*((label, "", f"{label}{i // 2}") for label in "ab" for i in range(16)))
    assert split(images).kind.endswith("seed 0, groups kept whole")


@pytest.mark.parametrize(("n", "part"), [(2, "half"), (3, "a third"), (4, "a quarter")])
def test_of_few_images_one_a_class_is_tested(n, part):
    images = many(n, "a", "b")
    found = split(images)
    assert [count(images, found.folds[0].test, label) for label in "ab"] == [1, 1]
    assert found.kind == f"stratified hold-out of {part}, seed 0"


def test_a_class_of_one_image_is_refused():
    with pytest.raises(MedrecogError, match=r"class “c” has only 1 image"):
        split([*many(8, "a", "b"), ImageRecord("c.png", "c")])


def test_a_class_of_one_group_is_refused():
    images = [*many(8, "a"), *(ImageRecord(f"b{i}.png", "b", "", "p1") for i in range(5))]
    with pytest.raises(MedrecogError, match="class “b” has only 5 images of a single group"):
        split(images)


def test_groups_shared_by_classes_do_not_cost_a_class_its_training():
    rows = ["d3", "b2", "c0", "e2", "a0", "d4", "e4", "b1", "a4", "c1"]
    images = split_records(*((row[0], "", row[1]) for row in rows))
    for seed in range(10):
        found = split(images, seed)
        assert {images[i].label for i in found.folds[0].train} == set("abcde")
        assert found.folds[0].test


def images_of(classes):
    groups = ["", *(f"p{i}" for i in range(6))]
    row = st.tuples(st.sampled_from(classes), st.just(""), st.sampled_from(groups))
    rows = st.lists(row, min_size=4 * len(classes), max_size=30)
    return rows.map(lambda rows: split_records(*rows))


images_with_groups = st.sampled_from(["ab", "abc", "abcd"]).flatmap(images_of)


def groups_of(images, label):
    return {image.group or image.path for image in images if image.label == label}


@given(images_with_groups, st.integers(0, 2**32 - 1))
def test_any_hold_out_keeps_groups_whole_uses_every_image_and_trains_every_class(images, seed):
    classes = {image.label for image in images}
    assume(len(classes) > 1)
    assume(all(len(groups_of(images, label)) > 1 for label in classes))
    found = split(images, seed)
    train, test = (
        [images[i] for i in part] for part in (found.folds[0].train, found.folds[0].test)
    )
    assert sorted(found.folds[0].train + found.folds[0].test) == list(range(len(images)))
    assert list(found.folds[0].train) == sorted(found.folds[0].train)
    assert list(found.folds[0].test) == sorted(found.folds[0].test)
    assert not {i.group for i in train} & {i.group for i in test} - {""}
    assert found.n_leaking_groups == 0
    assert {image.label for image in train} == classes
    assert test
    assert found == split(images, seed)


@given(images_with_groups, st.integers(0, 9))
def test_a_class_of_one_group_is_always_refused(images, seed):
    single = sorted(
        label for label in {i.label for i in images} if len(groups_of(images, label)) == 1
    )
    assume(single)
    with pytest.raises(MedrecogError, match=f"The class “{single[0]}” has only "):
        split(images, seed)


def grouped(n_groups, per_group, labels="ab"):
    return split_records(
        *(
            (label, "", f"{label}{g}")
            for label in labels
            for g in range(n_groups)
            for _ in range(per_group)
        )
    )


def test_a_given_split_must_be_there_where_it_is_asked_for():
    with pytest.raises(MedrecogError, match="The data set has no split into train and test"):
        split(many(4, "a", "b"), kind="given")


def test_k_fold_may_be_asked_for_beside_a_given_split():
    images = split_records(*[("a", "train"), ("b", "train"), ("a", "test"), ("b", "test")] * 5)
    found = split(images, kind="k-fold", n_folds=5)
    assert sorted(found.tested) == list(range(20))
    assert found.kind == "stratified 5-fold cross-validation, seed 0"


def test_k_fold_is_scikit_learn_s_stratified_group_k_fold():
    from sklearn.model_selection import StratifiedGroupKFold

    images = grouped(7, 3, "abc")
    labels, groups = [i.label for i in images], [i.group for i in images]
    expected = StratifiedGroupKFold(3, shuffle=True, random_state=4).split(labels, labels, groups)
    found = split(images, 4, kind="k-fold", n_folds=3)
    assert [(f.train, f.test) for f in found.folds] == [
        (tuple(train), tuple(test)) for train, test in expected
    ]
    assert found.kind.endswith("seed 4, groups kept whole")


def test_every_repeat_of_k_fold_tests_every_image_once_with_other_folds():
    images = many(10, "a", "b")
    found = split(images, kind="k-fold", n_folds=4, n_repeats=3)
    assert len(found.folds) == 12
    repeats = [found.folds[i : i + 4] for i in (0, 4, 8)]
    for folds in repeats:
        assert sorted(i for fold in folds for i in fold.test) == list(range(20))
    assert len(set(repeats)) == 3
    assert found.kind.endswith("seed 0, 3 times")


def test_groups_that_are_not_kept_leak_and_are_counted_once():
    images = grouped(6, 4)
    found = split(images, kind="k-fold", n_folds=4, keep_groups=False)
    assert found.leaks
    assert found.n_leaking_groups == 12
    assert found.kind.endswith("groups NOT kept whole")
    assert not split(images, kind="k-fold", n_folds=4).leaks


def test_leave_one_group_out_tests_each_group_alone():
    images = grouped(3, 2)
    found = split(images, kind="leave-one-group-out")
    assert [{images[i].group for i in fold.test} for fold in found.folds] == [
        {"a0"}, {"a1"}, {"a2"}, {"b0"}, {"b1"}, {"b2"}
    ]  # fmt: skip
    assert not found.leaks
    assert found.kind == "leave-one-group-out of 6 groups"


def test_leave_one_group_out_needs_groups():
    with pytest.raises(MedrecogError, match=r"has no groups"):
        split(many(4, "a", "b"), kind="leave-one-group-out")


def test_leave_one_group_out_of_too_many_groups_is_refused():
    with pytest.raises(MedrecogError, match=r"would train 600 classifiers .*Choose k-fold"):
        split(grouped(300, 1), kind="leave-one-group-out")


def test_more_folds_than_images_of_any_class_are_refused():
    with pytest.raises(MedrecogError, match=r"for 10 folds\. Choose 4 or fewer"):
        split(many(4, "a", "b"), kind="k-fold", n_folds=10)


def test_k_fold_refuses_a_class_of_one_group():
    images = [
        *many(6, "a"),
        ImageRecord("c0.png", "c", "", "p"),
        ImageRecord("c1.png", "c", "", "p"),
    ]
    with pytest.raises(MedrecogError, match="class “c” has only 2 images of a single group"):
        split(images, kind="k-fold", n_folds=2)


@given(images_with_groups, st.integers(2, 5), st.integers(0, 99))
def test_any_k_fold_keeps_groups_whole_and_tests_every_image_once(images, n_folds, seed):
    classes = {image.label for image in images}
    assume(len(classes) > 1)
    assume(all(len(groups_of(images, label)) > 1 for label in classes))
    try:
        found = split(images, seed, kind="k-fold", n_folds=n_folds)
    except MedrecogError:
        return
    assert sorted(found.tested) == list(range(len(images)))
    for fold in found.folds:
        assert not set(fold.train) & set(fold.test)
        assert {images[i].label for i in fold.test} <= {images[i].label for i in fold.train}
    assert not found.leaks


def in_folds(*labels_folds_groups):
    return [
        ImageRecord(f"{i:03}.png", label, group=group, fold=fold)
        for i, (label, fold, group) in enumerate(labels_folds_groups)
    ]


folds_of_images = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["", "1", "2", "10", "x"]), st.just("")),
    max_size=30,
)


@given(folds_of_images)
def test_given_folds_are_a_partition_and_each_is_tested_by_the_others(rows):
    # Both classes in two folds, so that each fold leaves both to be trained on.
    images = in_folds(*rows, *((label, fold, "") for label in "ab" for fold in ("1", "2")))
    found = split(images, kind="given-folds")
    used = {i for i, image in enumerate(images) if image.fold}
    names = ["1", "2", *(n for n in ("10", "x") if any(i.fold == n for i in images))]
    assert sorted(found.tested) == sorted(used)
    assert len(found.folds) == len(names)
    for name, fold in zip(names, found.folds, strict=True):
        assert set(fold.test) == {i for i in used if images[i].fold == name}
        assert set(fold.train) == used - set(fold.test)


def test_folds_are_the_automatic_protocol_where_there_is_no_given_split():
    images = in_folds(*((label, fold, "") for label in "ab" for fold in "01"))
    assert split(images).kind == "cross-validation over the 2 given folds"
    with_split = [ImageRecord(i.path, i.label, "train", fold=i.fold) for i in images]
    with_split += split_records(("a", "test"), ("b", "test"))
    assert split(with_split).kind == "given split"
    more = [*images, ImageRecord("z.png", "a")]
    assert split(more).kind == "cross-validation over the 2 given folds, 1 image of no fold unused"


def test_groups_across_given_folds_are_counted():
    rows = [("a", "0", "p"), ("a", "1", "p"), ("b", "0", "q"), ("b", "1", "r"), ("b", "1", "r")]
    assert split(in_folds(*rows), kind="given-folds").n_leaking_groups == 1


@pytest.mark.parametrize("fold", ["", "3"])
def test_given_folds_need_two_folds(fold):
    images = in_folds(("a", fold, ""), ("b", fold, ""))
    with pytest.raises(MedrecogError, match=r"has (no folds|only the fold “3”)"):
        split(images, kind="given-folds")
    more = [ImageRecord(f"more {i.path}", i.label, fold=i.fold) for i in images]
    assert "hold-out" in split([*images, *more]).kind


def test_a_class_of_a_single_given_fold_is_refused():
    images = in_folds(
        ("a", "0", ""), ("a", "1", ""), ("b", "0", ""), ("b", "1", ""), ("c", "1", "")
    )
    with pytest.raises(MedrecogError, match="class “c” has test images but no training images"):
        split(images, kind="given-folds")
