"""Interpretation of a source: its images with their labels, splits and groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from medrecog_core.datasets.dataset import DatasetWarning, ImageRecord, LeftOut
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.errors import MedrecogError


@dataclass(frozen=True)
class Interpretation:
    """Interpretation of a folder, table or set of tags, with reasons.

    Attributes
    ----------
    images
        Sorted by path, without the state of their files.
    layout
        Description of what was recognised.
    decisions
        Decisions that lead to this interpretation and no other, for the command that repeats it.
    left_out
        Files and rows that gave no image, with the reason.
    warnings
        What was decided that the user may want to decide otherwise.
    unlabelled
        Paths of images without a label, kept apart for Predict.
    reasons
        In words, the evidence for it.
    group_columns
        Of a table: from each column that may be the group, in the table's order, to the value of
        each image. `with_groups` chooses among them; the images have no group yet.
    split_values
        Of a table's split column: from an image's path to the value as it is written there, be it
        `Training` or `3`. `with_splits` reads it; the images have no split or fold yet. Images
        whose split is given by the names of tables have it already.
    split_column
        The column's name; empty where there is none.
    split_places
        From an image's path to the row that gives its split value, such as `train.csv row 12`.
    metadata
        Of a table: from each column that is kept for sub-groups to the value of each image.
    """

    images: tuple[ImageRecord, ...]
    layout: str
    decisions: Decisions
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[DatasetWarning, ...] = ()
    unlabelled: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    group_columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    split_values: Mapping[str, str] = field(default_factory=dict)
    split_column: str = ""
    split_places: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(sorted({image.label for image in self.images}))

    def with_images(
        self,
        images: tuple[ImageRecord, ...],
        *,
        remark: str = "",
        left_out: tuple[LeftOut, ...] = (),
        warnings: tuple[DatasetWarning, ...] = (),
        unlabelled: tuple[str, ...] = (),
    ) -> "Interpretation":
        """Return it with other images, and with the additions of a step."""
        return replace(
            self,
            images=images,
            layout=f"{self.layout}; {remark}" if remark else self.layout,
            left_out=(*self.left_out, *left_out),
            warnings=(*self.warnings, *warnings),
            unlabelled=(*self.unlabelled, *unlabelled),
        )


class AmbiguousError(MedrecogError):
    """Two interpretations explain the images about equally; `interpretations` lists them."""

    def __init__(self, message: str, interpretations: Sequence[Interpretation]) -> None:
        super().__init__(message)
        self.interpretations = tuple(interpretations)
