"""One measure in sub-groups of the test images, and the largest gap between two of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from medrecog_core.classification.comparison import holm
from medrecog_core.classification.differences import Difference, subtract
from medrecog_core.classification.intervals import Estimate, estimate
from medrecog_core.classification.scored_images import ScoredImages

LEAST_UNITS = 5
"""Sub-groups with fewer groups than this are shown and not compared."""


@dataclass(frozen=True)
class Subgroup:
    """Some of the test images.

    Attributes
    ----------
    name
        What they have in common.
    n_images, n_units
        Images, and groups among them, an image without one counting as one.
    estimate
        The measure with its 95 % interval; None if it is not available, as the AUC of one class.
    """

    name: str
    n_images: int
    n_units: int
    estimate: Estimate | None


@dataclass(frozen=True)
class Gap:
    """The largest difference between two sub-groups.

    Attributes
    ----------
    higher, lower
        Their names.
    difference
        Of the higher minus the lower, with an interval that is not corrected.
    adjusted_p_value
        After Holm's correction for all pairs of sub-groups.
    n_pairs
        Number of pairs that were compared.
    """

    higher: str
    lower: str
    difference: Difference
    adjusted_p_value: float
    n_pairs: int


def compare_subgroups(
    images: ScoredImages,
    names: Sequence[str],
    measure: str = "accuracy",
    order: Sequence[str] = (),
    uncompared: Sequence[str] = (),
) -> tuple[tuple[Subgroup, ...], Gap | None]:
    """Take a measure in sub-groups, and find the largest gap.

    Parameters
    ----------
    images
        The n test images.
    names
        Sub-group of each image.
    measure
        One of `MEASURES`.
    order
        Names in the order of the result; names that are not in it follow, sorted.
    uncompared
        Sub-groups that are shown and not compared, such as that of missing values.

    Returns
    -------
    subgroups
        The sub-groups.
    gap
        None if fewer than two can be compared.

    Raises
    ------
    UsageError
        If there is no such measure.
    """
    place = {name: i for i, name in enumerate(order)}
    distinct = sorted(set(names), key=lambda name: (place.get(name, len(place)), name))
    member_of = np.array(names)
    found = []
    for name in distinct:
        part = images.part(member_of == name)
        told = estimate(part, [measure]).get(measure)
        found.append(Subgroup(name, part.n_images, part.n_units, told))
    compared = [
        (each.name, each.estimate)
        for each in found
        if each.estimate is not None
        and each.estimate.n_units >= LEAST_UNITS
        and each.name not in uncompared
    ]
    pairs = [
        (one, other, subtract(a, b)) if a.value >= b.value else (other, one, subtract(b, a))
        for (one, a), (other, b) in combinations(compared, 2)
    ]
    if not pairs:
        return tuple(found), None
    adjusted = holm([difference.p_value for _, _, difference in pairs])
    widest = max(range(len(pairs)), key=lambda i: pairs[i][2].value)
    return tuple(found), Gap(*pairs[widest], float(adjusted[widest]), len(pairs))
