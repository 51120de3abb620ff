import math
from dataclasses import replace
from typing import Any

import pytest

from medrecog_core.datasets import ImageRecord
from medrecog_core.features import Cell, Fusion
from medrecog_core.locations import CacheFolder
from medrecog_core.runs.training_time import (
    keep_training_times,
    seconds_of_training,
    training_work,
)
from tests.textures import specification

BLOCK5 = Cell("block5", 224, "average")


def images(n: int, n_classes: int = 2) -> list[ImageRecord]:
    return [ImageRecord(f"{i}.png", f"class {i % n_classes}", "", f"p{i}") for i in range(n)]


def work(cell: Cell | Fusion = BLOCK5, n: int = 5000, n_classes: int = 2, **changes: Any) -> float:
    return training_work(cell, specification(**changes), images(n, n_classes))


def test_more_images_classes_folds_and_values_of_c_are_more_work() -> None:
    least = work()
    assert 3 < work(n=10_000) / least < 4
    assert work(n_classes=8) > least
    assert work(protocol="k-fold", n_folds=5) > least
    assert work(C=[0.1, 1, 10]) > work(C=[1])
    several = {"C": [0.1, 1, 10], "protocol": "k-fold", "n_folds": 5}
    assert work(**several, n_repeats=2) > work(**several)
    assert work(protocol="leave-one-group-out", n=50) > work(n=50)
    in_folds = [replace(image, fold=str(i % 5)) for i, image in enumerate(images(5000, 2))]
    for protocol in ("given-folds", "auto"):
        of_folds = training_work(BLOCK5, specification(protocol=protocol), in_folds)
        assert of_folds == work(protocol="k-fold", n_folds=5)


def test_one_gram_matrix_serves_all_folds_unless_something_is_learned_from_them() -> None:
    folds = {"protocol": "k-fold", "n_folds": 10}
    assert work(normalisation="l2", **folds) == work(normalisation="none", **folds)
    assert work(normalisation="standardise", **folds) > 2 * work(normalisation="l2", **folds)


def test_longer_descriptors_are_more_work() -> None:
    fused = Fusion(("block4", "block5"), (224,), ("average",))
    assert work(fused) > 1.5 * work()
    assert work(Cell("block5", 224, "vlad")) > work(Cell("block5", 224, "bow")) > work()


def test_nothing_is_known_before_a_measurement() -> None:
    assert seconds_of_training(1e10) is None


def test_the_nearest_measured_work_stands_for_a_cell_in_proportion() -> None:
    keep_training_times([(1e9, 0.5), (1e11, 20.0)])
    assert seconds_of_training(1e9) == 0.5
    assert seconds_of_training(5e8) == 0.25
    assert seconds_of_training(5e10) == 10.0


def test_the_newest_measurement_of_about_the_same_work_counts(cache: CacheFolder) -> None:
    for i in range(50):
        keep_training_times([(1e10 * (1 + i / 1e4), float(i + 1))])
    assert seconds_of_training(1e10) == pytest.approx(50, rel=0.01)
    assert cache.training_times.read_text().count("seconds") == 1


@pytest.mark.parametrize("content", ["", "[1]", '[{"device": "x"}]', "{}", "null", '[{"work": 0}]'])
def test_a_damaged_file_is_measured_again(cache: CacheFolder, content: str) -> None:
    cache.training_times.parent.mkdir(parents=True, exist_ok=True)
    cache.training_times.write_text(content)
    assert seconds_of_training(1e9) is None
    keep_training_times([(1e9, 0.5)])
    assert math.isclose(seconds_of_training(1e9) or 0, 0.5)
