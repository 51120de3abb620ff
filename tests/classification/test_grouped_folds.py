import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.classification.grouped_folds import grouped_folds
from medrecog_core.errors import MedrecogError

CLASSES = ("ill", "well")


def divide(labels, units, n_folds=5, seed=0):
    truth, numbers = np.array(labels), np.array(units)
    return grouped_folds(truth, numbers, CLASSES, n_folds, seed, "test images", "calibrate with")


@given(
    st.lists(st.tuples(st.sampled_from(CLASSES), st.integers(0, 9)), min_size=8, max_size=40),
    st.integers(0, 3),
)
def test_every_image_is_held_once_and_groups_are_whole(images, seed):
    labels, units = zip(*images, strict=True)
    groups = [len({u for label, u in images if label == each}) for each in CLASSES]
    if min(groups) < 2:
        return
    folds = divide(labels, units, seed=seed)
    assert len(folds) == min(5, *groups)
    assert sorted(i for _, held in folds for i in held) == list(range(len(images)))
    for rest, held in folds:
        assert not {units[i] for i in rest} & {units[i] for i in held}


def test_a_class_of_a_single_group_is_named():
    with pytest.raises(
        MedrecogError,
        match="The class “ill” has test images of fewer than two groups, too few to calibrate with",
    ):
        divide(["ill", "ill", "well", "well"], [0, 0, 1, 2])
