import pytest

from medrecog_core.errors import MedrecogError
from medrecog_core.runs.grouped import score_groups
from tests.made_runs import made_run


def test_every_test_group_has_one_answer():
    run = made_run(n_groups=10)  # an even number: each group has one class
    result = run.cells()[0]
    found = score_groups(run, result, "mean")
    assert found.n_images == found.n_units == len({i.group for i in run.tested_images()})


def test_repeated_predictions_of_an_image_are_no_group():
    run = made_run(n_folds=2)
    with pytest.raises(MedrecogError, match="No two test images share a group"):
        score_groups(run, run.cells()[0], "mean")


def test_a_group_of_two_labels_is_refused_by_name():
    run = made_run(n_groups=5)  # an odd number: each group has both classes
    with pytest.raises(MedrecogError, match=r"patient \d \(NORMAL, PNEUMONIA\)"):
        score_groups(run, run.cells()[0], "mean")
