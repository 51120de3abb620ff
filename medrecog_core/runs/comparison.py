"""Comparison of the cells of a run with its best one, and of runs with each other."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from medrecog_core.classification import (
    MEASURES,
    Comparison,
    Estimate,
    Ranked,
    ScoredImages,
    compare,
    compare_with_best,
    estimate,
    holm,
)
from medrecog_core.datasets import unit_of
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.features import AnyCell
from medrecog_core.images import Image
from medrecog_core.runs.cell_evaluation import CellResult
from medrecog_core.runs.description import differing_settings
from medrecog_core.runs.run import Run

LEVEL = 0.05
"""Significance level of all tests, after Holm’s correction."""


@dataclass(frozen=True)
class ComparedRun:
    """A run beside others.

    Attributes
    ----------
    run, title
        Its identity, and what people call it.
    settings
        Its values of those settings that are not the same in all runs, in words.
    best
        Its best cell in the measure; of equals the first.
    estimate
        The measure of that cell with its 95 % interval.
    n_cells
        Finished cells that the best was chosen from.
    n_leaking_groups
        Groups in both its training and its test part.
    """

    run: str
    title: str
    settings: tuple[str, ...]
    best: CellResult
    estimate: Estimate
    n_cells: int
    n_leaking_groups: int


@dataclass(frozen=True)
class ComparedPair:
    """The best cells of two runs.

    Attributes
    ----------
    one, other
        Identities of the runs.
    comparison
        Of the one's best cell with the other's; None where the two runs were not tested on the same
        images.
    adjusted_p_value
        After Holm's correction for all pairs; None without a comparison.
    """

    one: str
    other: str
    comparison: Comparison | None
    adjusted_p_value: float | None

    @property
    def is_told_apart(self) -> bool:
        """Whether the two differ at 5 % after the correction."""
        return self.adjusted_p_value is not None and self.adjusted_p_value <= LEVEL


@dataclass(frozen=True)
class CommonCell:
    """A cell that every run has finished, and the measure in each run."""

    cell: AnyCell
    values: tuple[float, ...]

    @property
    def difference(self) -> float:
        """The second run's measure taken from the first's."""
        return self.values[0] - self.values[1]


@dataclass(frozen=True)
class RunComparison:
    """Runs side by side in one measure.

    Each best cell was chosen by the test images that it is compared on, which favours runs of more
    cells; `cells` are free of that choice.

    Attributes
    ----------
    measure
        Which.
    settings
        Names of the settings that are not the same in all runs.
    runs
        In the order asked for.
    pairs
        Every two of them.
    cells
        Those that all have in common, in the order of the first run.
    """

    measure: str
    settings: tuple[str, ...]
    runs: tuple[ComparedRun, ...]
    pairs: tuple[ComparedPair, ...]
    cells: tuple[CommonCell, ...]


def compare_runs(
    runs: Sequence[Run], measure: str = "accuracy", positive: str | None = None
) -> RunComparison:
    """Compare runs by their best cells.

    Runs that were tested on the same images (by content, label and group) as often are compared in
    pairs as cells are (`compare`), in whatever order their folds have the images.

    Parameters
    ----------
    runs
        At least two different ones.
    measure
        One of `MEASURES`.
    positive
        The positive one of two classes, in the runs that have it; elsewhere, and with None, it is
        chosen by its name.

    Raises
    ------
    UsageError
        If there are fewer than two runs, the measure is unknown or not available for one of them,
        or no run has the class `positive`.
    MedrecogError
        If a run has no finished cell.
    StorageError
        If a run's folder is damaged.
    """
    if len({run.id for run in runs}) < max(2, len(runs)):
        raise UsageError("A comparison needs two runs or more, each once.")
    if measure not in MEASURES:
        raise UsageError(f"Unknown measure “{measure}”. Available: {', '.join(MEASURES)}.")
    results = _seen_from(positive, [_finished_cells(run) for run in runs])
    values = [
        {result.cell.name: _value(run, result, measure) for result in of_run}
        for run, of_run in zip(runs, results, strict=True)
    ]
    best = [
        of_run[int(np.argmax(list(told.values())))]
        for of_run, told in zip(results, values, strict=True)
    ]
    names, settings = differing_settings(runs)
    compared = [
        ComparedRun(
            run.id,
            run.title,
            of_run,
            cell,
            estimate(score_images(run, cell), [measure])[measure],
            len(finished),
            run.split().n_leaking_groups,
        )
        for run, of_run, cell, finished in zip(runs, settings, best, results, strict=True)
    ]
    cells = [
        CommonCell(result.cell, tuple(told[result.cell.name] for told in values))
        for result in results[0]
        if all(result.cell.name in told for told in values)
    ]
    pairs = _compare_pairs(runs, best, measure)
    return RunComparison(measure, names, tuple(compared), pairs, tuple(cells))


def _finished_cells(run: Run) -> list[CellResult]:
    results = run.cells()
    if not results:
        raise MedrecogError(
            f"Run {run.id} has no finished cell yet. Choose other runs, or compare it later."
        )
    return results


def _seen_from(
    positive: str | None, results: Sequence[Sequence[CellResult]]
) -> list[list[CellResult]]:
    has_it = [any(c.label == positive for c in cells[0].metrics.classes) for cells in results]
    asked = [positive if has or not any(has_it) else None for has in has_it]
    return [with_positive(cells, label) for cells, label in zip(results, asked, strict=True)]


def _value(run: Run, result: CellResult, measure: str) -> float:
    value: float | None = getattr(result.metrics, measure)
    if value is None:
        raise UsageError(
            f"{measure} is not available for the run {run.id}. Use another measure, such as "
            "balanced_accuracy."
        )
    return value


def _compare_pairs(
    runs: Sequence[Run], best: Sequence[CellResult], measure: str
) -> tuple[ComparedPair, ...]:
    aligned = [_Aligned(run, result) for run, result in zip(runs, best, strict=True)]
    comparisons = {
        (i, j): compare(aligned[i].images, aligned[j].images, measure)
        for i, j in itertools.combinations(range(len(runs)), 2)
        if aligned[i].is_of_same_images(aligned[j])
    }
    adjusted = holm([comparison.p_value for comparison in comparisons.values()])
    p_value_of = dict(zip(comparisons, map(float, adjusted), strict=True))
    return tuple(
        ComparedPair(runs[i].id, runs[j].id, comparisons.get((i, j)), p_value_of.get((i, j)))
        for i, j in itertools.combinations(range(len(runs)), 2)
    )


class _Aligned:
    """The test images of a cell in an order that does not depend on the run's folds."""

    def __init__(self, run: Run, result: CellResult) -> None:
        tested, scores = run.tested_images(), run.scores(result.cell)
        self._keys = [
            (image.sha256, image.label, image.group, str(image.rendering.frame)) for image in tested
        ]
        order = sorted(range(len(tested)), key=lambda i: self._keys[i])
        self._keys = [self._keys[i] for i in order]
        self.images = ScoredImages.of(
            [label for _, label, _, _ in self._keys],
            scores[np.array(order)],
            [row.label for row in result.metrics.classes],
            # Copies of one file are no independent images, whatever their paths in either run.
            groups=[group or f"/{sha256}" for sha256, _, group, _ in self._keys],
            positive=result.metrics.positive,
        )

    def is_of_same_images(self, other: "_Aligned") -> bool:
        same_classes = self.images.classes == other.images.classes
        return same_classes and self._keys == other._keys


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
