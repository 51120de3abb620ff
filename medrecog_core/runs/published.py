"""The tables of the report that this project began with, and runs beside them."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from medrecog_core.features import Cell

REPORT = (
    "Hichma Kari, Deep learning based medical image recognition, internship report, Laboratoire "
    "d'Informatique et Systèmes, Marseille, 2018"
)


@dataclass(frozen=True)
class PublishedAccuracy:
    """A number of a published table.

    Attributes
    ----------
    layer, scale
        As in `Cell`.
    poolings
        The poolings that it applies to: one, or both where the table has one number for both.
    accuracy
        Fraction, printed with two decimals.
    """

    layer: str
    scale: int
    poolings: tuple[str, ...]
    accuracy: float

    @property
    def is_merged(self) -> bool:
        """Whether the table has this one number for several poolings."""
        return len(self.poolings) > 1


@dataclass(frozen=True)
class PublishedTable:
    """A published table of accuracies.

    Attributes
    ----------
    name
        Such as `Figure 9`.
    dataset
        What the images are.
    source
        Where it was published.
    note
        What one must know to compare with it.
    accuracies
        The numbers, row by row.
    """

    name: str
    dataset: str
    source: str
    note: str
    accuracies: tuple[PublishedAccuracy, ...]

    def find(self, cell: Cell) -> PublishedAccuracy | None:
        """Return the number for a cell, None where the table has none."""
        for published in self.accuracies:
            if (published.layer, published.scale) == (cell.layer, cell.scale) and (
                cell.pooling in published.poolings
            ):
                return published
        return None


def _row(layer: str, *numbers: tuple[int, str, float]) -> tuple[PublishedAccuracy, ...]:
    poolings = {"max": ("max",), "average": ("average",), "both": ("max", "average")}
    return tuple(PublishedAccuracy(layer, scale, poolings[p], x) for scale, p, x in numbers)


FIGURE_9 = PublishedTable(
    name="Figure 9",
    dataset="mini-MIT, a reduced set of indoor scenes",
    source=f"{REPORT}, section 2.1, Figure 9",
    note=(
        "The size of the test set is not given. At 224 pixels fc1 and fc2 have one position, so "
        "one number applies to both poolings."
    ),
    accuracies=(
        *_row(
            "block5",
            *((224, "max", 0.78), (224, "average", 0.78), (544, "max", 0.78)),
            *((544, "average", 0.82), (864, "max", 0.72), (864, "average", 0.71)),
            *((1184, "max", 0.77), (1184, "average", 0.73)),
        ),
        *_row(
            "fc1",
            *((224, "both", 0.83), (544, "max", 0.78), (544, "average", 0.79)),
            *((864, "max", 0.72), (864, "average", 0.77)),
            *((1184, "max", 0.77), (1184, "average", 0.74)),
        ),
        *_row(
            "fc2",
            *((224, "both", 0.82), (544, "max", 0.89), (544, "average", 0.88)),
            *((864, "max", 0.75), (864, "average", 0.82)),
            *((1184, "max", 0.83), (1184, "average", 0.73)),
        ),
    ),
)

FIGURE_10 = PublishedTable(
    name="Figure 10",
    dataset="chest X-rays of children, Guangzhou: normal or pneumonia",
    source=f"{REPORT}, section 2.2, Figure 10",
    note=(
        "The given split without its validation part; the size of the test set is not given. At "
        "224 pixels fc1 and fc2 have one position, so one number applies to both poolings. At "
        "544 the table has one number for both as well, though max and average differ there, and "
        "does not say which it is."
    ),
    accuracies=(
        *_row(
            "block5",
            *((224, "max", 0.74), (224, "average", 0.75)),
            *((544, "max", 0.76), (544, "average", 0.77)),
        ),
        *_row("fc1", (224, "both", 0.75), (544, "both", 0.77)),
        *_row("fc2", (224, "both", 0.75), (544, "both", 0.77)),
    ),
)

PUBLISHED_TABLES = (FIGURE_9, FIGURE_10)


@dataclass(frozen=True)
class BesideReport:
    """A cell's accuracy beside the published one.

    Attributes
    ----------
    cell
        The cell.
    accuracy
        The run's.
    published
        The report's.
    difference
        The report's accuracy taken from the run's.
    """

    cell: Cell
    accuracy: float
    published: PublishedAccuracy
    difference: float


def beside_report(
    accuracies: Mapping[Cell, float], table: PublishedTable
) -> tuple[BesideReport, ...]:
    """Return the cells of a run that a published table has, in the run's order."""
    found = []
    for cell, accuracy in accuracies.items():
        published = table.find(cell)
        if published is not None:
            difference = accuracy - published.accuracy
            found.append(BesideReport(cell, accuracy, published, difference))
    return tuple(found)


def find_published_table(dataset: str, classes: Collection[str]) -> PublishedTable | None:
    """Return the published table on the same kind of images, None where there is none.

    The chest X-rays are known by their two classes, the mini-MIT set by its name.

    Parameters
    ----------
    dataset
        Name of a data set.
    classes
        Its labels.
    """
    if {label.casefold() for label in classes} == {"normal", "pneumonia"}:
        return FIGURE_10
    if re.search(r"(^|[^a-z])mini[-_ ]?mit([^a-z]|$)", dataset.casefold()):
        return FIGURE_9
    return None
