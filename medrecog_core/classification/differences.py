"""Differences between results on different images, from the intervals of both."""

import math
from dataclasses import dataclass

from medrecog_core.bounds import Count, Finite, Share
from medrecog_core.classification.intervals import Estimate


@dataclass(frozen=True)
class Difference:
    """A measure on some images minus the same measure on others.

    Attributes
    ----------
    measure
        Name of the measure.
    value, low, high
        The difference and the ends of its 95 % interval.
    p_value
        Two-sided, of the hypothesis that the two do not differ; below 0.05 if and only if the
        interval excludes 0.
    n_units
        Independent units (groups, or images without one) of either side.
    """

    measure: str
    value: Finite
    low: Finite
    high: Finite
    p_value: Share
    n_units: tuple[Count, Count]


def subtract(one: Estimate, other: Estimate) -> Difference:
    """Return the difference of two estimates of one measure on independent images.

    The interval is made of the intervals of both, which resample groups where images share them,
    and keeps their asymmetry (Zou and Donner, 2008, Statistics in Medicine 27:1693-1702). For two
    Wilson intervals it is Newcombe's (1998, Statistics in Medicine 17:873-890, method 10). Where
    units have images on both sides, which are usually alike, the interval is on the wide side.

    Parameters
    ----------
    one, other
        Estimates with 95 % intervals.

    Raises
    ------
    ValueError
        If they are of different measures.
    """
    from scipy.special import ndtr, ndtri

    if one.measure != other.measure:
        raise ValueError(f"cannot subtract {other.measure} from {one.measure}")
    value = one.value - other.value
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    towards_zero = below if value > 0 else above
    p_value = 1.0
    if value and towards_zero:
        p_value = float(2 * ndtr(-abs(value) / towards_zero * ndtri(0.975)))
    elif value:
        p_value = 0.0
    return Difference(
        *(one.measure, value, value - below, value + above, p_value),
        (one.n_units, other.n_units),
    )
