import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medrecog_core.datasets import ImageRecord, split_images
from medrecog_core.errors import MedrecogError


def records(*labels_splits_groups):
    return [ImageRecord(f"{i:03}.png", *row) for i, row in enumerate(labels_splits_groups)]


def many(n, *labels):
    return records(*((label, "", "") for label in labels for _ in range(n)))


def count(images, part, label):
    return sum(images[i].label == label for i in part)


def test_a_given_split_is_kept_whatever_the_seed():
    images = records(("a", "test"), ("a", "train"), ("b", "train"), ("b", "test"))
    partition = split_images(images, seed=0)
    assert (partition.train, partition.test) == ((1, 2), (0, 3))
    assert partition.kind == "given split"
    assert partition == split_images(images, seed=1)


def test_images_of_val_or_of_no_part_are_left_out_of_a_given_split():
    images = records(
        ("a", "val"), ("a", "train"), ("b", "train"), ("b", "test"), ("b", ""), ("c", "val")
    )
    partition = split_images(images, seed=0)
    assert (partition.train, partition.test) == ((1, 2), (3,))
    assert partition.kind == "given split, 3 images of neither part unused"


def test_groups_on_both_sides_of_a_given_split_are_counted():
    images = records(
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
    assert split_images(images, seed=0).n_leaking_groups == 2


def test_a_test_class_without_training_images_is_refused():
    images = records(("a", "train"), ("b", "train"), ("a", "test"), ("c", "test"))
    with pytest.raises(MedrecogError, match="class “c” has test images but none to train on: mend"):
        split_images(images, seed=0)


def test_a_class_that_is_only_trained_on_is_allowed():
    images = records(("a", "train"), ("b", "train"), ("a", "test"))
    assert split_images(images, seed=0).test == (2,)


def test_a_given_split_with_one_class_to_learn_is_refused():
    with pytest.raises(MedrecogError, match="fewer than two classes to train on"):
        split_images(records(("a", "train"), ("a", "test"), ("b", "val")), seed=0)


def test_a_hold_out_tests_on_a_quarter_of_every_class():
    images = many(40, "a", "b") + records(*[("c", "", "")] * 20)
    images = [ImageRecord(f"{i}.png", image.label) for i, image in enumerate(images)]
    partition = split_images(images, seed=0)
    assert [count(images, partition.test, label) for label in "abc"] == [10, 10, 5]
    assert partition.kind == "stratified hold-out of a quarter, seed 0"
    assert partition.n_leaking_groups == 0


def test_a_hold_out_follows_its_seed():
    images = many(20, "a", "b")
    assert split_images(images, seed=3) == split_images(images, seed=3)
    assert len({split_images(images, seed).test for seed in range(5)}) > 1


def test_a_split_without_a_test_part_is_no_given_split():
    images = records(*[("a", "train"), ("b", "train"), ("a", "val"), ("b", "val")] * 4)
    assert split_images(images, seed=0).kind == "stratified hold-out of a quarter, seed 0"


@pytest.mark.parametrize("seed", range(8))
def test_a_rare_class_is_tested_too(seed):
    images = [*many(20, "a"), ImageRecord("b1.png", "b"), ImageRecord("b2.png", "b")]
    assert count(images, split_images(images, seed).test, "b") == 1


def test_a_hold_out_says_that_it_kept_groups_whole():
    images = records(*((label, "", f"{label}{i // 2}") for label in "ab" for i in range(16)))
    assert split_images(images, seed=0).kind.endswith("seed 0, groups kept whole")


@pytest.mark.parametrize(("n", "part"), [(2, "half"), (3, "a third"), (4, "a quarter")])
def test_of_few_images_one_a_class_is_tested(n, part):
    images = many(n, "a", "b")
    partition = split_images(images, seed=0)
    assert [count(images, partition.test, label) for label in "ab"] == [1, 1]
    assert partition.kind == f"stratified hold-out of {part}, seed 0"


def test_a_class_of_one_image_is_refused():
    with pytest.raises(
        MedrecogError, match="class “c” has 1 image, too few to learn from and to test on: add"
    ):
        split_images([*many(8, "a", "b"), ImageRecord("c.png", "c")], seed=0)


def test_a_class_of_one_group_is_refused():
    images = [*many(8, "a"), *(ImageRecord(f"b{i}.png", "b", "", "p1") for i in range(5))]
    with pytest.raises(
        MedrecogError, match="class “b” has 5 images of a single group, too few to learn"
    ):
        split_images(images, seed=0)


def test_groups_shared_by_classes_do_not_cost_a_class_its_training():
    rows = ["d3", "b2", "c0", "e2", "a0", "d4", "e4", "b1", "a4", "c1"]
    images = records(*((row[0], "", row[1]) for row in rows))
    for seed in range(10):
        partition = split_images(images, seed)
        assert {images[i].label for i in partition.train} == set("abcde")
        assert partition.test


images_with_groups = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.just(""), st.sampled_from(["", *(f"p{i}" for i in range(6))])
    ),
    min_size=4,
    max_size=30,
).map(lambda rows: records(*rows))


def groups_of(images, label):
    return {image.group or image.path for image in images if image.label == label}


@given(images_with_groups, st.integers(0, 2**32 - 1))
def test_any_hold_out_keeps_groups_whole_uses_every_image_and_trains_every_class(images, seed):
    classes = {image.label for image in images}
    assume(len(classes) > 1)
    assume(all(len(groups_of(images, label)) > 1 for label in classes))
    partition = split_images(images, seed)
    train, test = ([images[i] for i in part] for part in (partition.train, partition.test))
    assert sorted(partition.train + partition.test) == list(range(len(images)))
    assert list(partition.train) == sorted(partition.train)
    assert list(partition.test) == sorted(partition.test)
    assert not {i.group for i in train} & {i.group for i in test} - {""}
    assert partition.n_leaking_groups == 0
    assert {image.label for image in train} == classes
    assert test
    assert partition == split_images(images, seed)


@given(images_with_groups, st.integers(0, 9))
def test_a_class_of_one_group_is_always_refused(images, seed):
    single = sorted(
        label for label in {i.label for i in images} if len(groups_of(images, label)) == 1
    )
    assume(single)
    with pytest.raises(MedrecogError, match=f"The class “{single[0]}” has .*, too few"):
        split_images(images, seed)
