"""What is done to descriptors before an SVM sees them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medrecog_core.errors import UsageError

NORMALISATIONS = ("none", "l2", "standardise", "signed-sqrt-l2", "pca", "pca-whitened")
# Components whose variance is below this part of the greatest are rounding noise, which whitening
# would blow up to the size of the others.
_LEAST_VARIANCE = 1e-10


@dataclass(frozen=True)
class FittedNormalisation:
    """A normalisation with what it learned from the training part.

    Every kind makes of a descriptor x `scale_of(x) * (t(x) - mean) @ projection`, where t is the
    signed square root for `signed-sqrt-l2` and leaves x as it is otherwise.

    Attributes
    ----------
    kind
        One of `NORMALISATIONS`.
    mean
        float64, shape (channels,), or None: nothing is subtracted.
    projection
        float64: shape (channels,), a factor for each channel, for `standardise`; shape
        (channels, n_components) for PCA; None: nothing is multiplied.
    """

    kind: str
    mean: np.ndarray | None = None
    projection: np.ndarray | None = None

    def apply(self, descriptors: np.ndarray) -> np.ndarray:
        """Return the normalised descriptors.

        Parameters
        ----------
        descriptors
            Shape (n, channels).

        Returns
        -------
        numpy.ndarray
            float64, shape (n, channels), or (n, n_components) for PCA.
        """
        if self.kind == "l2":
            return l2_normalise(descriptors)
        rows = np.asarray(descriptors, dtype=np.float64)
        if self.kind == "signed-sqrt-l2":
            return l2_normalise(signed_square_root(rows))
        if self.mean is None or self.projection is None:
            return rows
        centred: np.ndarray = rows - self.mean
        if self.projection.ndim == 1:
            centred *= self.projection
            return centred
        projected: np.ndarray = centred @ self.projection
        return projected

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return what was learned, by name; empty where the kind learns nothing."""
        named = {"mean": self.mean, "projection": self.projection}
        return {name: array for name, array in named.items() if array is not None}

    @classmethod
    def from_arrays(cls, kind: str, arrays: Mapping[str, np.ndarray]) -> "FittedNormalisation":
        """Return the normalisation that `to_arrays` described.

        Raises
        ------
        UsageError
            If there is no such kind.
        ValueError
            If the arrays are not those of the kind.
        """
        Normalisation(kind)
        learned = {name: np.asarray(arrays[name], np.float64) for name in _LEARNT if name in arrays}
        if set(learned) != (set() if kind in _FOR_EACH_ALONE else set(_LEARNT)):
            raise ValueError(f"the arrays are not those of the normalisation {kind}")
        if learned:
            mean, projection = learned["mean"], learned["projection"]
            n_axes = 1 if kind == "standardise" else 2
            if mean.ndim != 1 or projection.ndim != n_axes or len(projection) != len(mean):
                raise ValueError("the normalisation's arrays do not have shapes that fit")
            if not (np.isfinite(mean).all() and np.isfinite(projection).all()):
                raise ValueError("a number of the normalisation is not finite")
        return cls(kind, **learned)


_LEARNT = ("mean", "projection")
_FOR_EACH_ALONE = ("none", "l2", "signed-sqrt-l2")


@dataclass(frozen=True)
class Normalisation:
    """A normalisation before it has seen descriptors.

    Attributes
    ----------
    kind
        `none`; `l2`, each descriptor by its Euclidean length; `standardise`, each channel to mean 0
        and variance 1; `signed-sqrt-l2`, sign(x) sqrt(|x|), then L2 (Perronnin, Sanchez and
        Mensink, 2010, Improving the Fisher kernel, section 3); `pca`, the projection on the
        principal components; `pca-whitened`, each of them to variance 1.
    n_components
        The most components PCA keeps: fewer where the training part does not span so many.

    Raises
    ------
    UsageError
        If there is no such kind, or no component is left.
    """

    kind: str = "l2"
    n_components: int = 128

    def __post_init__(self) -> None:
        if self.kind not in NORMALISATIONS:
            raise UsageError(
                f"Unknown normalisation “{self.kind}”. Available: {', '.join(NORMALISATIONS)}."
            )
        if self.n_components < 1:
            raise UsageError(f"PCA cannot keep {self.n_components} components. Choose 1 or more.")

    @property
    def learns(self) -> bool:
        """Whether it depends on the training part."""
        return self.kind not in _FOR_EACH_ALONE

    def fit(self, descriptors: np.ndarray) -> FittedNormalisation:
        """Learn from the training part, and from nothing else.

        Parameters
        ----------
        descriptors
            Of the training images, shape (n, channels).
        """
        if not self.learns:
            return FittedNormalisation(self.kind)
        rows = np.asarray(descriptors, dtype=np.float64)
        if self.kind == "standardise":
            from sklearn.preprocessing import StandardScaler

            scaler = StandardScaler().fit(rows)
            return FittedNormalisation(self.kind, scaler.mean_, 1 / scaler.scale_)
        return self._fit_pca(rows)

    def _fit_pca(self, rows: np.ndarray) -> FittedNormalisation:
        from sklearn.decomposition import PCA

        n_components = min(self.n_components, len(rows), rows.shape[1])
        # ARPACK finds some of many components exactly, and asks for fewer than there are.
        few = n_components < min(rows.shape) // 4
        solver = "arpack" if few else "covariance_eigh" if rows.shape[1] <= len(rows) else "full"
        with np.errstate(invalid="ignore"):  # images that are all alike have no variance to share
            pca = PCA(n_components, svd_solver=solver, random_state=0).fit(rows)
        variances = pca.explained_variance_
        kept = variances > _LEAST_VARIANCE * max(variances.max(initial=0), np.finfo(float).tiny)
        projection = pca.components_[kept].T
        if self.kind == "pca-whitened":
            projection = projection / np.sqrt(variances[kept])
        return FittedNormalisation(self.kind, pca.mean_, projection)


L2 = Normalisation("l2")


def l2_normalise(descriptors: np.ndarray) -> np.ndarray:
    """Divide each row by its Euclidean length; a row of zeros stays as it is.

    Parameters
    ----------
    descriptors
        Shape (n, channels).

    Returns
    -------
    numpy.ndarray
        float64, shape (n, channels).
    """
    rows = np.array(descriptors, dtype=np.float64)
    rows /= _lengths(rows)
    return rows


def signed_square_root(descriptors: np.ndarray) -> np.ndarray:
    """Return sign(x) sqrt(|x|) of every number, float64."""
    rows = np.asarray(descriptors, dtype=np.float64)
    roots: np.ndarray = np.copysign(np.sqrt(np.abs(rows)), rows)
    return roots


def _lengths(rows: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.linalg.norm(rows, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    return lengths
