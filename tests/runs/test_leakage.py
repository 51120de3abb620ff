import pytest

from medrecog_core.datasets import Dataset, ImageRecord, library
from medrecog_core.errors import MedrecogError
from medrecog_core.runs import RunSpecification, measure_leakage
from tests.textures import CLASSES


@pytest.fixture
def paired(known, pictures):
    """The pictures in twos that share a group, of equal parity."""
    images = [
        ImageRecord(f"{label}/{label}-{i}.png", label, "", f"{label}{i // 2}")
        for label in CLASSES
        for i in range(4)
    ]
    library.save(Dataset("paired", pictures, tuple(images), "by hand"))
    return RunSpecification(
        dataset="paired", layers=("block1",), poolings=("max",), n_folds=2, seed=1
    )


def test_groups_are_mixed_once_and_kept_whole_once(paired):
    found = measure_leakage(paired)
    assert (found.n_images, found.n_groups, found.n_folds) == (12, 6, 2)
    assert 0 < found.n_leaking_groups <= 6
    (cell,) = found.cells
    assert cell.cell == paired.cells[0]
    for result in (cell.mixed, cell.grouped):
        assert (result.n_test, len(result.folds)) == (12, 2)
    accuracies = cell.mixed.metrics.accuracy - cell.grouped.metrics.accuracy
    assert cell.gap.difference == pytest.approx(accuracies)
    assert (cell.gap.n_images, cell.gap.n_units) == (12, 6)


def test_a_data_set_without_groups_is_refused(known):
    asked = RunSpecification(dataset="textures", layers=("block1",), poolings=("max",))
    with pytest.raises(MedrecogError, match=r"has no groups .*, so leakage cannot be measured"):
        measure_leakage(asked)
