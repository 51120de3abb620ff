"""Labels that are a measurement, such as an age: how they are noticed, and their bins."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

from medrecog_core.datasets.intake.spelling import number_of
from medrecog_core.errors import MedrecogError

MOST_CLASSES = 10
"""Up to this many different numbers are used as classes without a warning."""

_RARE = 3
_RARE_SHARE = 0.2
_N_BINS = 3


def is_measurement(labels: Sequence[str]) -> bool:
    """Return whether labels are numbers that are unlikely to be classes.

    That is, more than ten different fractional ones, or of which more than half are
    different, or of which a fifth has fewer than three images.
    """
    counts: Counter[float] = Counter()
    for label in labels:
        value = number_of(label)
        if value is None:
            return False
        counts[float(value)] += 1
    if len(counts) <= MOST_CLASSES:
        return False
    return (
        any(value != int(value) for value in counts)
        or len(counts) > len(labels) / 2
        or sum(n < _RARE for n in counts.values()) >= _RARE_SHARE * len(counts)
    )


def proposed_limits(labels: Iterable[str]) -> tuple[float, ...]:
    """Return limits that part measurements into three bins of about equally many images."""
    values = sorted(float(value) for label in labels if (value := number_of(label)) is not None)
    limits: list[float] = []
    for i in range(1, _N_BINS):
        limit = _rounded(values[i * len(values) // _N_BINS], values)
        if any((limits[-1] if limits else values[0] - 1) <= value < limit for value in values):
            limits.append(limit)
    # Where most values are one, rounding leaves no limit.
    return tuple(limits) or tuple(value for value in values if value > values[0])[:1]


def binned(label: str, limits: Sequence[float]) -> str:
    """Return the bin of a measurement, such as `< 60`, `60 to 120` or `>= 120`.

    A value that is a limit belongs to the bin above it.

    Raises
    ------
    MedrecogError
        If the label is no number.
    """
    value = number_of(label)
    if value is None:
        raise MedrecogError(
            f"The label “{label}” is not a number, so --bins cannot be used. Correct the label, "
            "or omit --bins."
        )
    i = bisect_right(limits, float(value))
    if i == 0:
        return f"< {limits[0]:g}"
    if i == len(limits):
        return f">= {limits[-1]:g}"
    return f"{limits[i - 1]:g} to {limits[i]:g}"


def _rounded(limit: float, values: Sequence[float]) -> float:
    """Round a limit as far as it parts the values in about the same places."""
    span = values[-1] - values[0]
    for step in (50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1):
        if step <= span / 10:
            return float(f"{round(limit / step) * step:g}")
    return float(f"{limit:.3g}")
