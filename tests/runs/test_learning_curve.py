import dataclasses

import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, StoppedError
from medrecog_core.features import Cell
from medrecog_core.jobs.job import all_jobs
from medrecog_core.jobs.kinds import LEARNING_CURVE
from medrecog_core.runs import learning_curve
from medrecog_core.runs.learning_curve import (
    carry_out_learning_curve,
    compute_learning_curve,
    gain_words,
    kept_learning_curve,
    kept_learning_curves,
    unit_noun,
)
from tests.made_runs import made_run


@pytest.fixture
def run(cache, monkeypatch):
    """Give a run whose features are made up instead of stored."""
    run = made_run(n=160, n_groups=80, n_folds=4, separations=(2.0,))
    rng = np.random.default_rng(0)
    features = rng.normal(size=(160, 8)).astype(np.float32)
    features[:, 0] += [image.label == "PNEUMONIA" for image in run.images()]

    class Stored:
        def __init__(self, images, reader):
            pass

        def cell_data(self, *_):
            return type("Data", (), {"descriptors": staticmethod(lambda fold: features)})

    monkeypatch.setattr(learning_curve, "StoredImages", Stored)
    return run


def test_a_curve_is_over_groups_and_kept_until_the_images_change(run):
    cell = run.cells()[0].cell
    assert kept_learning_curve(run, cell) is None
    curve = compute_learning_curve(run, cell)
    assert curve.points[-1].n_groups <= 80
    assert unit_noun(run) == "groups"
    assert kept_learning_curves(run) == {cell: curve}
    assert f"{2 * curve.points[-1].n_groups} groups" in gain_words(run, curve)
    first, *rest = run.images()
    run.write_images([dataclasses.replace(first, group="another"), *rest])
    assert kept_learning_curve(run, cell) is None


def test_a_curve_is_a_job_that_reports_and_is_done_once(run):
    cell = run.cells()[0].cell
    told = []
    curve = carry_out_learning_curve(run, cell, told.append)
    assert told[-1].done == told[-1].total
    assert carry_out_learning_curve(run, cell) == curve
    assert [job.state().status for job in all_jobs(LEARNING_CURVE)] == ["finished"]


def test_it_can_be_stopped(run):
    with pytest.raises(StoppedError):
        compute_learning_curve(run, run.cells()[0].cell, should_stop=lambda: True)
    assert kept_learning_curves(run) == {}


def test_encoded_and_unknown_cells_are_refused(run):
    for cell in (Cell("block5", 224, "vlad"), Cell("block5", 224, "max")):
        with pytest.raises(MedrecogError):
            compute_learning_curve(run, cell)


def test_a_damaged_curve_is_computed_again(run):
    cell = run.cells()[0].cell
    curve = compute_learning_curve(run, cell)
    (file,) = (run.path / learning_curve.CURVES).iterdir()
    file.write_text("[]")
    assert kept_learning_curve(run, cell) is None
    assert compute_learning_curve(run, cell) == curve
