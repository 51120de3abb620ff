"""The cells of a run by one measure, with intervals and comparisons with the best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from medrecog_core.classification import Estimate, Ranked, ScoredImages, compare_with_best, estimate
from medrecog_core.datasets import unit_of
from medrecog_core.images import Image
from medrecog_core.runs.cell_result import CellResult
from medrecog_core.runs.run import Run

LEVEL = 0.05
"""Significance level of the tests against the best cell, after Holm's correction."""


@dataclass(frozen=True)
class RankedCell:
    """A finished cell.

    Attributes
    ----------
    result
        The cell with its result.
    estimate
        The measure with its 95 % interval; images of one group count as one.
    ranked
        Its place beside the best cell of the run.
    """

    result: CellResult
    estimate: Estimate
    ranked: Ranked


def with_positive(results: Sequence[CellResult], label: str | None) -> list[CellResult]:
    """Return the same results with another positive class; None: chosen by name.

    Raises
    ------
    UsageError
        If the label is not one of the classes.
    """
    return [replace(result, metrics=result.metrics.with_positive(label)) for result in results]


def score_images(run: Run, result: CellResult) -> ScoredImages:
    """Return the test images of a cell with their scores.

    An image that is tested several times counts as one in every interval, as images of a group do.
    The positive class is that of the result.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    return _scored(run, result, run.tested_images())


def rank_cells(
    run: Run, measure: str = "accuracy", positive: str | None = None
) -> list[RankedCell]:
    """Return the finished cells of a run in the order of the grid.

    Parameters
    ----------
    run
        The run.
    measure
        One of `MEASURES` that is available for its test images.
    positive
        The positive one of two classes, None to have it chosen by its name.

    Raises
    ------
    MedrecogError
        If the measure is not available.
    UsageError
        If there is no such measure, or `positive` is not one of the classes.
    StorageError
        If the run's folder is damaged.
    """
    results = with_positive(run.cells(), positive)
    tested = run.tested_images()
    scored = [_scored(run, result, tested) for result in results]
    ranked = compare_with_best(scored, measure, LEVEL)
    return [
        RankedCell(result, estimate(images, [measure])[measure], place)
        for result, images, place in zip(results, scored, ranked, strict=True)
    ]


def _scored(run: Run, result: CellResult, tested: Sequence[Image]) -> ScoredImages:
    return ScoredImages.of(
        [image.label for image in tested],
        run.scores(result.cell),
        [row.label for row in result.metrics.classes],
        groups=[unit_of(image.group, image.path) for image in tested],
        positive=result.metrics.positive,
    )
