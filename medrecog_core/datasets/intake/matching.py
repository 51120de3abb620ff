"""The rows of a table and the image files that they name."""

from collections.abc import Mapping
from dataclasses import dataclass

from medrecog_core.datasets.dataset import DatasetWarning, LeftOut


@dataclass(frozen=True, slots=True)
class MatchedRow:
    """A row of a table, and the image that it is about.

    A row that names several images, as a folder, is one of these for each.

    Attributes
    ----------
    path
        The image, relative to the root.
    table
        Name of the table.
    number
        The row's number in the table, where the first row, header or not, is 1.
    values
        What it says, by the name of the column; of the columns that have a role.
    """

    path: str
    table: str
    number: int
    values: Mapping[str, str]

    @property
    def place(self) -> str:
        """The row as warnings name it, such as `train.csv row 12`."""
        return f"{self.table} row {self.number}"


@dataclass(frozen=True)
class LabelledRows:
    """The labels that the rows of a table give.

    Attributes
    ----------
    label_of
        From an image's path to its label; every image has one at most.
    left_out
        Images and rows that give no label, with the reason.
    warnings
        What was decided.
    unlabelled
        Paths of images whose label is missing, kept apart for Predict.
    remark
        In words, how the labels were read; empty where there is nothing to say.
    """

    label_of: Mapping[str, str]
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[DatasetWarning, ...] = ()
    unlabelled: tuple[str, ...] = ()
    remark: str = ""
