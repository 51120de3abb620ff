"""For whom a result holds: by group, in sub-groups and on other data sets, as a report shows it."""

from dataclasses import dataclass

from medrecog_core.classification import Estimate, estimate
from medrecog_core.classification.scored_groups import WAYS
from medrecog_core.errors import MedrecogError
from medrecog_core.models import OutsideTest, model_names, read_card, read_outside_tests
from medrecog_core.reports.measures import MEASURES
from medrecog_core.runs import CellResult, Run
from medrecog_core.runs.comparison import score_images
from medrecog_core.runs.grouped import score_groups
from medrecog_core.runs.subgroups import SubgroupResult, compare_by, metadata_columns


@dataclass(frozen=True)
class GroupRow:
    """A measure of a cell: by image, and by group with the mean and the maximum score."""

    title: str
    images: Estimate | None
    mean: Estimate | None
    maximum: Estimate | None


def by_group(run: Run, result: CellResult) -> tuple[GroupRow, ...]:
    """Return the measures of a cell by group; empty if its groups have no answers of their own.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    try:
        mean, maximum = (estimate(score_groups(run, result, how)) for how in WAYS)
    except MedrecogError:  # no two images share a group, or groups have several labels
        return ()
    images = estimate(score_images(run, result))
    return tuple(
        GroupRow(title, images.get(name), mean.get(name), maximum.get(name))
        for title, name in MEASURES.items()
        if name in mean
    )


def by_column(run: Run, result: CellResult) -> tuple[SubgroupResult, ...]:
    """Return the accuracy of a cell in the sub-groups of every column of its data set's table.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    return tuple(compare_by(run, result, column) for column in metadata_columns(run))


@dataclass(frozen=True)
class TestOfModel:
    """A test on another data set, with the names of the model and its cell."""

    model: str
    cell: str
    test: OutsideTest


def outside_tests(run: Run) -> tuple[TestOfModel, ...]:
    """Return the tests on other data sets of the models of a run."""
    found: list[TestOfModel] = []
    for name in model_names():
        try:
            card = read_card(name)
            if card.run == run.id:
                found += [TestOfModel(name, card.cell.name, t) for t in read_outside_tests(name)]
        except MedrecogError:  # a damaged model is said on the Models page
            continue
    return tuple(found)
