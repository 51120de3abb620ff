"""Precision, recall and F1 of every class with their intervals."""

from dataclasses import dataclass

import numpy as np

from medrecog_core.classification.intervals import (
    LEVEL,
    N_RESAMPLES,
    WILSON,
    Estimate,
    resampled_interval,
)
from medrecog_core.classification.resampling import measure_on_resamples
from medrecog_core.classification.scored_images import ScoredImages
from medrecog_core.classification.wilson import wilson_interval

PRECISION, RECALL, F1 = "precision", "recall", "f1"


@dataclass(frozen=True)
class ClassEstimates:
    """One class's part of a result.

    Attributes
    ----------
    label
        The class.
    precision
        Share of the images predicted as the class that are of it; None where there is none.
    recall
        Share of the class's images that were found; None where it has no image.
    f1
        Harmonic mean of the two; None where the class is neither true nor predicted of any image.
    n_images, n_units
        Test images of the class, and groups among them, images without one counting as one each.
    """

    label: str
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None
    n_images: int
    n_units: int


def estimate_classes(
    images: ScoredImages, n_resamples: int = N_RESAMPLES, seed: int = 0, level: float = LEVEL
) -> list[ClassEstimates]:
    """Return every class's precision, recall and F1 with their intervals.

    Precision and recall of independent images have Wilson's interval, given how many were
    predicted as the class or are of it; the rest have BCa intervals over groups, as in `estimate`.

    Parameters
    ----------
    images
        The result.
    n_resamples, seed
        Of the bootstrap.
    level
        Share of such intervals that hold the truth.
    """
    shares = [
        _ClassShare(images, position, name)
        for position in range(len(images.classes))
        for name in (PRECISION, RECALL, F1)
    ]
    told = [share for share in shares if share.n_images]
    drawn = [share for share in told if share.name == F1 or images.is_grouped]
    resampled = measure_on_resamples(drawn, images.n_units, n_resamples, seed)
    found = {(share.position, share.name): share.wilson(level) for share in told}
    for share, values in zip(drawn, resampled, strict=True):
        found[share.position, share.name] = share.bootstrap(values, level)
    estimates = []
    for position, label in enumerate(images.classes):
        is_member = images.truth == position
        estimates.append(
            ClassEstimates(
                label,
                precision=found.get((position, PRECISION)),
                recall=found.get((position, RECALL)),
                f1=found.get((position, F1)),
                n_images=int(is_member.sum()),
                n_units=len(np.unique(images.units[is_member])),
            )
        )
    return estimates


class _ClassShare:
    """One of the three measures of one class, as a share that can be taken on resamples."""

    def __init__(self, images: ScoredImages, position: int, name: str) -> None:
        self.position, self.name = position, name
        is_true, is_predicted = images.truth == position, images.predicted == position
        hits = (is_true & is_predicted).astype(float)
        part, whole = {
            PRECISION: (hits, is_predicted.astype(float)),
            RECALL: (hits, is_true.astype(float)),
            F1: (2 * hits, is_true.astype(float) + is_predicted),
        }[name]
        self.n_images = int(np.count_nonzero(whole))
        self._units = images.units[whole > 0]
        self._sums = np.column_stack(
            [np.bincount(images.units, side, images.n_units) for side in (part, whole)]
        )
        self._total = self._sums.sum(axis=0)

    @property
    def value(self) -> float:
        return float(_share(self._total))

    @property
    def n_units(self) -> int:
        return len(np.unique(self._units))

    def of(self, multiplicities: np.ndarray) -> np.ndarray:
        return _share(multiplicities @ self._sums)

    def without_each_unit(self) -> np.ndarray:
        return _share(self._total - self._sums)

    def wilson(self, level: float) -> Estimate:
        low, high = wilson_interval(round(self.value * self.n_images), self.n_images, level)
        return Estimate(self.name, self.value, low, high, WILSON, self.n_images, self.n_units)

    def bootstrap(self, resampled: np.ndarray, level: float) -> Estimate:
        interval = resampled_interval(self, resampled, self.value, self.n_units, level=level)
        return Estimate(self.name, self.value, *interval, self.n_images, self.n_units)


def _share(sums: np.ndarray) -> np.ndarray:
    nothing = np.full(sums.shape[:-1], np.nan)
    shares: np.ndarray = np.divide(sums[..., 0], sums[..., 1], out=nothing, where=sums[..., 1] > 0)
    return shares
