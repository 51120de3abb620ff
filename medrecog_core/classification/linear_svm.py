"""The linear SVM: one boundary for each class, exact solutions of `LinearSVC`'s problem."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification.classifier import (
    Fold,
    ScoredPath,
    TrainingOptions,
    check_finite,
    in_all_classes,
)
from medrecog_core.classification.linear_classifier import Linear, LinearClassifier
from medrecog_core.classification.normalisation import L2, FittedNormalisation, Normalisation
from medrecog_core.classification.solver import (
    DualForm,
    OneVsRest,
    PrimalForm,
    VectorForm,
    minimise,
    no_check,
)
from medrecog_core.classification.threads import each_on_one_core, n_cores
from medrecog_core.errors import UsageError

GRAM_BYTES = 2**30
"""The most memory a Gram matrix may take; 1 GiB is that of 11,585 images."""

# Where rows have at most so many channels, and fewer than there are rows, Newton's equations are
# solved for the weights themselves.
_FEW_CHANNELS = 1024
# Problems that are solved with one product of matrices at a time.
_MOST_TOGETHER = 64
_LIBLINEAR_TOLERANCE = 1e-6
_MOST_LIBLINEAR_STEPS = 100_000


@dataclass(frozen=True)
class SvmPath(ScoredPath):
    """The SVMs of one training part, from the smallest C to the largest.

    Attributes
    ----------
    svms
        One for each C, of the classes that the training part has.
    """

    svms: tuple[LinearClassifier, ...]


def train_svms(
    descriptors: np.ndarray,
    labels: Sequence[str],
    folds: Sequence[Fold],
    Cs: Sequence[float],
    *,
    class_weight: str = "none",
    normalisation: Normalisation = L2,
    seed: int = 0,
    gram_bytes: int = GRAM_BYTES,
    check: Callable[[], None] = no_check,
) -> tuple[SvmPath, ...]:
    """Train the one-vs-rest SVMs of every fold and C, and score the folds' test images.

    All are exact solutions of the problem in `squared_hinge`. They are found from one Gram matrix,
    or, where there are few channels, from the descriptors themselves; a normalisation that learns
    from the training part asks for one matrix a fold. Where the matrix would be too large liblinear
    solves the same problem, fold by fold.

    Parameters
    ----------
    descriptors
        Shape (n, channels), as they come from the network.
    labels
        The n labels.
    folds
        Training and test positions; the training parts may overlap.
    Cs
        Inverse strengths of the regularisation, all above 0.
    class_weight
        `none` or `balanced`: see `OneVsRest.of`.
    normalisation
        Fitted on each fold's training part.
    seed
        Of liblinear's order of coordinates.
    gram_bytes
        The most memory a Gram matrix may take.
    check
        Called often meanwhile, from several threads; what it raises ends the training.

    Returns
    -------
    tuple of SvmPath
        One for each fold.

    Raises
    ------
    UsageError
        If a training part has fewer than two classes, or an option does not exist.
    MedrecogError
        If numbers are so far apart that rounding keeps the solver from its end.
    """
    if len(Cs) == 0 or not all(0 < C < math.inf for C in Cs):
        raise UsageError(f"C must be a number above 0, not {', '.join(map(str, Cs)) or 'missing'}.")
    check_finite(descriptors)
    names = np.asarray(labels)
    classes = tuple(map(str, np.unique(names)))
    path = tuple(sorted({float(C) for C in Cs}))
    parts = [(np.asarray(train, int), np.asarray(test, int)) for train, test in folds]
    # A normalisation that learns nothing is the same for all folds, which then share one matrix.
    sharing = [[part] for part in parts] if normalisation.learns or not parts else [parts]
    trained: list[SvmPath] = []
    for shared in sharing:
        check()
        used = np.unique(np.concatenate([train for train, _ in shared]))
        trains = [np.searchsorted(used, train) for train, _ in shared]
        problems = OneVsRest.of(names[used], trains, class_weight)
        fitted = normalisation.fit(descriptors[shared[0][0]])
        rows = fitted.apply(descriptors[used])
        if min(rows.shape[1], len(used)) > _FEW_CHANNELS and 8 * len(used) ** 2 > gram_bytes:
            balanced = class_weight if class_weight == "balanced" else None
            solutions = _solve_by_liblinear(rows, names[used], trains, path, balanced, seed, check)
        else:
            form = _form(rows, check)
            del rows  # the form has a copy where there are few channels
            solutions = _solve(form, problems, path)
        for i, (_, test) in enumerate(shared):
            boundaries = [(w[problems.columns(i)], b[problems.columns(i)]) for w, b in solutions]
            svms = tuple(_svm(problems.classes[i], w, b, fitted) for w, b in boundaries)
            tested = fitted.apply(descriptors[test])
            scores = tuple(
                in_all_classes(tested @ svm.weights.T + svm.biases, svm.classes, classes)
                for svm in svms
            )
            trained.append(SvmPath(classes, path, scores, svms))
    return tuple(trained)


def _form(rows: np.ndarray, check: Callable[[], None]) -> VectorForm:
    n, channels = rows.shape
    if channels <= min(n, _FEW_CHANNELS):
        return PrimalForm(rows, check)
    return DualForm(rows, check)


def _solve(
    form: VectorForm, problems: OneVsRest, Cs: Sequence[float]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each C the weights, shape (m, channels), and biases, shape (m,)."""
    n_columns = problems.signs.shape[1]
    n_parts = min(n_columns, max(n_cores(), math.ceil(n_columns / _MOST_TOGETHER)))

    def follow(columns: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        signs, weights = problems.signs[:, columns], problems.weights[:, columns]
        coefficients = np.zeros((form.n_coefficients, len(columns)))
        found = []
        for C in Cs:
            coefficients = minimise(form, signs, 2 * C * weights, coefficients)
            found.append(form.weights(coefficients))
        return found

    pieces = each_on_one_core(follow, np.array_split(np.arange(n_columns), n_parts))
    return [_joined(of_one) for of_one in zip(*pieces, strict=True)]


def _solve_by_liblinear(
    rows: np.ndarray,
    labels: np.ndarray,
    trains: Sequence[np.ndarray],
    Cs: Sequence[float],
    class_weight: str | None,
    seed: int,
    check: Callable[[], None],
) -> list[tuple[np.ndarray, np.ndarray]]:
    from sklearn.svm import LinearSVC

    solutions = []
    for C in Cs:
        options = {
            "C": C,
            "class_weight": class_weight,
            "tol": _LIBLINEAR_TOLERANCE,
            "max_iter": _MOST_LIBLINEAR_STEPS,
            "random_state": seed,
        }
        fitted = []
        for train in trains:
            check()
            fitted.append(LinearSVC(**options).fit(rows[train], labels[train]))
        solutions.append(_joined([(svc.coef_, svc.intercept_) for svc in fitted]))
    return solutions


def _joined(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([w for w, _ in parts]), np.concatenate([b for _, b in parts])


def _svm(
    classes: tuple[str, ...],
    weights: np.ndarray,
    biases: np.ndarray,
    normalisation: FittedNormalisation,
) -> LinearClassifier:
    if len(classes) == 2:
        # Two classes share a boundary; what is for the one is against the other.
        weights, biases = np.vstack([-weights, weights]), np.concatenate([-biases, biases])
    return LinearClassifier(classes, weights, biases, normalisation)


class LinearSvm(Linear):
    """A linear SVM for each class against the rest; see `train_svms`."""

    name = "linear-svm"
    title = "linear SVM"
    description = "linear, squared hinge loss, one class against the rest"
    about_scores = (
        "SVM decision value: positive on the class's side of its boundary, and larger the further "
        "from it. Not a probability."
    )

    def train_path(
        self,
        descriptors: np.ndarray,
        labels: Sequence[str],
        values: Sequence[float],
        options: TrainingOptions,
    ) -> Sequence[LinearClassifier]:
        """Train on one training part."""
        (path,) = _train(descriptors, labels, [(range(len(labels)), [])], values, options)
        return path.svms

    def score_folds(
        self,
        descriptors: np.ndarray,
        labels: Sequence[str],
        folds: Sequence[Fold],
        values: Sequence[float],
        options: TrainingOptions,
    ) -> tuple[ScoredPath, ...]:
        """Train all folds together, from products of descriptors that are computed once."""
        return _train(descriptors, labels, folds, values, options)


def _train(
    descriptors: np.ndarray,
    labels: Sequence[str],
    folds: Sequence[Fold],
    Cs: Sequence[float],
    options: TrainingOptions,
) -> tuple[SvmPath, ...]:
    return train_svms(
        descriptors,
        labels,
        folds,
        Cs,
        class_weight=options.class_weight,
        normalisation=options.normalisation,
        seed=options.seed,
        check=options.check,
    )
