"""Results of a cell in sub-groups: by sex, age, site or another column of the data set's table."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medrecog_core.classification.subgroups import Gap, Subgroup, compare_subgroups
from medrecog_core.datasets.intake.classes import missing_words, number_of
from medrecog_core.errors import UsageError
from medrecog_core.runs.cell_evaluation import CellResult
from medrecog_core.runs.columns import metadata_of
from medrecog_core.runs.comparison import score_images
from medrecog_core.runs.run import Run

MISSING = "(no value)"
"""Sub-group of the images without a value."""

_MOST_CATEGORIES = 10
"""Distinct numbers above which they are put into bins."""
_MOST_BINS = 6


@dataclass(frozen=True)
class SubgroupResult:
    """A measure of a cell by a column.

    Attributes
    ----------
    column, measure
        Names.
    subgroups
        In the order of their values; images without a value last.
    gap
        The largest difference; None if fewer than two sub-groups can be compared.
    """

    column: str
    measure: str
    subgroups: tuple[Subgroup, ...]
    gap: Gap | None

    @property
    def words(self) -> str:
        """The largest gap in one sentence."""
        if self.gap is None:
            return "Fewer than two sub-groups have enough groups to be compared."
        gap, found = self.gap, self.gap.difference
        p_value = gap.adjusted_p_value
        told = f"p = {p_value:.3f}" if p_value >= 0.001 else "p < 0.001"
        pairs = f"{gap.n_pairs} pairs" if gap.n_pairs > 1 else "one pair"
        verdict = "significant" if p_value <= 0.05 else "not significant"
        return (
            f"Largest gap: {self.measure.replace('_', ' ')} {found.value:.3f} higher in "
            f"“{gap.higher}” than in “{gap.lower}” (95 % CI {found.low:+.3f} to "
            f"{found.high:+.3f}); {told} after Holm's correction for {pairs} of sub-groups, "
            f"{verdict} at 5 %."
        )


def metadata_columns(run: Run) -> Mapping[str, Sequence[str]]:
    """Return the values of the test images by column of the data set's table.

    They are read from the data set as it is kept here now, for images of the same content. Columns
    without two different values among the test images are not there.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    tested = run.split().tested
    columns = {}
    for column, of_images in metadata_of(run).items():
        values = [of_images[i] for i in tested]
        if len(set(values) - missing_words(values)[0]) > 1:
            columns[column] = values
    return columns


def compare_by(
    run: Run,
    result: CellResult,
    column: str,
    measure: str = "accuracy",
    limits: Sequence[float] = (),
) -> SubgroupResult:
    """Return a measure of a cell in the sub-groups of a column.

    Parameters
    ----------
    run, result
        The run and one of its cells, whose positive class is used.
    column
        One of `metadata_columns`.
    measure
        One of `MEASURES`.
    limits
        Ascending limits of bins for numbers; empty to have them chosen.

    Raises
    ------
    UsageError
        If there is no such column or measure, or limits are given for a column without numbers.
    StorageError
        If the run's folder is damaged.
    """
    columns = metadata_columns(run)
    if column not in columns:
        known = ", ".join(columns)
        raise UsageError(
            f"Unknown column “{column}”. Available: {known}."
            if known
            else f"The data set of run {run.id} has no columns for sub-groups. Import it with a "
            "table that has columns such as sex or age."
        )
    names, order = name_subgroups(columns[column], limits)
    images = score_images(run, result)
    found, gap = compare_subgroups(images, names, measure, order, [MISSING])
    return SubgroupResult(column, measure, found, gap)


def name_subgroups(
    values: Sequence[str], limits: Sequence[float] = ()
) -> tuple[list[str], list[str]]:
    """Return the sub-group of each value, and the sub-groups in order.

    More than ten different numbers are put into at most six bins of equal width; a number that is a
    limit belongs to the bin above it.

    Parameters
    ----------
    values
        Values as in the table.
    limits
        Ascending limits of bins; empty to have them chosen.

    Raises
    ------
    UsageError
        If limits are given for values that are not numbers.
    """
    missing, _ = missing_words(values)
    numbers = {
        value: float(number)
        for value in set(values) - missing
        if (number := number_of(value)) is not None
    }
    words = sorted(set(values) - missing - set(numbers))
    if limits and not numbers:
        raise UsageError("Limits need a column with numbers. Omit --bins.")
    distinct = sorted(set(numbers.values()))
    if not limits and len(distinct) > _MOST_CATEGORIES:
        limits = _chosen_limits(distinct[0], distinct[-1])
    if limits:
        name_of = {value: _bin(number, limits) for value, number in numbers.items()}
        order = [_bin(number, limits) for number in (limits[0] - 1, *limits)]
    else:
        name_of = {value: f"{number:g}" for value, number in numbers.items()}
        order = [f"{number:g}" for number in distinct]
    name_of |= {word: word for word in words} | dict.fromkeys(missing, MISSING)
    return [name_of[value] for value in values], [*order, *words, MISSING]


def _chosen_limits(low: float, high: float) -> list[float]:
    """Return round limits that cut a range into at most `_MOST_BINS` bins."""
    step = 1.0
    while step * _MOST_BINS > high - low:
        step /= 10
    while True:
        for factor in (1, 2, 5, 10):
            first = (low // (step * factor) + 1) * step * factor
            n = int((high - first) // (step * factor)) + 1
            if n < _MOST_BINS:
                return [first + i * step * factor for i in range(n)]
        step *= 10


def _bin(number: float, limits: Sequence[float]) -> str:
    i = bisect_right(limits, number)
    if i == 0:
        return f"< {limits[0]:g}"
    if i == len(limits):
        return f"≥ {limits[-1]:g}"
    return f"{limits[i - 1]:g} to < {limits[i]:g}"
