import numpy as np
import pytest

from medrecog_core.datasets import ImageRecord
from medrecog_core.errors import MedrecogError
from medrecog_core.features import Cell
from medrecog_core.models.held_out import inner_folds, scores_of_run
from medrecog_core.runs import Run


def images(*labels_and_groups: str) -> list[ImageRecord]:
    return [
        ImageRecord(f"{i}", each[0], group=each[1:]) for i, each in enumerate(labels_and_groups)
    ]


def test_groups_stay_whole_and_every_image_is_held_out_once() -> None:
    given = images(*(f"{label}{group}" for label in "ab" for group in "123456" for _ in "xy"))
    split = inner_folds(given, seed=0)
    assert len(split.folds) == 5
    assert sorted(split.tested) == list(range(len(given)))
    for fold in split.folds:
        assert not {given[i].group for i in fold.train} & {given[i].group for i in fold.test}


def test_there_are_no_more_folds_than_groups_of_the_rarest_class() -> None:
    assert len(inner_folds(images(*["a"] * 9, *["b"] * 2), seed=0).folds) == 2
    with pytest.raises(MedrecogError, match="“b”"):
        inner_folds(images(*["a"] * 9, "b1", "b1"), seed=0)


def test_a_run_of_one_fold_has_no_scores_of_its_training_images(finished: Run) -> None:
    assert scores_of_run(finished, Cell("block2", 224, "average")) is None
    assert np.isfinite(finished.scores(Cell("block2", 224, "average"))).all()
