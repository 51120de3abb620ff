from dataclasses import FrozenInstanceError

import pytest

from medrecog_core.datasets import ImageRecord
from medrecog_core.datasets.small_test import LEAST_TESTED, SmallTest, find_small_test


def images(label, n, n_groups=0):
    return [
        ImageRecord(f"{label}/{i}.png", label, group=f"{label} {i % n_groups}" if n_groups else "")
        for i in range(n)
    ]


def test_a_class_is_small_below_thirty_images():
    assert find_small_test(images("a", 30) + images("b", 30)) is None
    found = find_small_test(images("a", 30) + images("b", 29))
    assert found == SmallTest((("b", 29),))
    assert "b (29)" in found.words


def test_groups_are_counted_where_there_are_any():
    found = find_small_test(images("a", 300, n_groups=29) + images("b", 300, n_groups=30))
    assert found == SmallTest((("a", 29),), "group")


def test_an_image_that_is_tested_twice_counts_once():
    assert find_small_test(images("a", 20) * 2) == SmallTest((("a", 20),))


def test_a_class_without_a_test_image_is_small():
    assert find_small_test(images("a", 40), ["a", "b"]) == SmallTest((("b", 0),))


def test_the_smallest_come_first_and_few_are_named():
    found = find_small_test([image for i in range(1, 8) for image in images(f"c{i}", i)])
    assert [n for _, n in found.classes] == [1, 2, 3, 4, 5, 6, 7]
    assert "c4 (4) and 3 other classes" in found.words


def test_it_is_frozen_and_has_a_small_class():
    with pytest.raises(FrozenInstanceError):
        SmallTest((("a", 1),)).noun = "group"
    for classes in ((), (("a", LEAST_TESTED),)):
        with pytest.raises(ValueError, match="small"):
            SmallTest(classes)
