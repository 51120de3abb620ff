"""Shortcuts: how well file properties predict the class without the pixels.

If the classes come from different devices or archives, the size, the proportions, the mode, the
file size or the JPEG quality may reveal the class, and a network may learn that instead of the
disease (Zech et al., Variable generalization performance of a deep learning model to detect
pneumonia in chest radiographs, PLOS Medicine 2018).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from medrecog_core.bounds import KNOWN_ONLY
from medrecog_core.datasets.dataset import Dataset, unit_of
from medrecog_core.datasets.health.finding import Finding
from medrecog_core.datasets.health.measurements import ImageMeasurement
from medrecog_core.images import stratified_folds

TOGETHER = "all together"
MIN_PER_CLASS = 5
"""Minimum number of groups per class, and number of folds."""
WARNING_GAIN, SEVERE_GAIN = 0.2, 0.5
"""Share of the way from chance to certainty."""

_TREE_DEPTH = 4
_IMAGES_IN_LEAF = 3
_PERMUTATIONS = 500
_UPPER = 0.975

FEATURES = ("width", "height", "aspect", "mode", "file size", "JPEG quality")


class _Measured(Protocol):
    """What is measured of the header of a file."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def mode(self) -> str: ...
    @property
    def jpeg_quality(self) -> int: ...


def file_properties(measured: _Measured, n_bytes: int) -> list[float]:
    """Return the values of `FEATURES` of a file.

    Parameters
    ----------
    measured
        An `ImageMeasurement` or a `Glimpse`.
    n_bytes
        Size of the file; 0 if unknown.
    """
    width, height = measured.width, measured.height
    mode = _mode_number(measured.mode)
    return [width, height, width / height, mode, n_bytes, measured.jpeg_quality]


@dataclass(frozen=True)
class Shortcut:
    """How well one file property alone predicts the class.

    Attributes
    ----------
    feature
        One of `FEATURES`, or `TOGETHER`.
    balanced_accuracy
        Cross-validated.
    auc
        Area under the ROC curve, one class against the rest, mean over the classes.
    chance
        The balanced accuracy of guessing: one over the number of classes.
    chance_upper
        97.5th percentile of chance, that is of the balanced accuracy with shuffled labels.
    n_images, n_classes
        Number of images and classes measured.
    """

    __pydantic_config__ = KNOWN_ONLY

    feature: str
    balanced_accuracy: float
    auc: float
    chance: float
    chance_upper: float
    n_images: int
    n_classes: int

    @property
    def gain(self) -> float:
        """Position between chance (0) and certainty (1); 0 within chance."""
        if self.balanced_accuracy <= self.chance_upper:
            return 0.0
        return (self.balanced_accuracy - self.chance) / (1 - self.chance)


def measure_shortcuts(
    dataset: Dataset,
    measurements: Mapping[str, ImageMeasurement],
    report: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Shortcut, ...]:
    """Measure how well each file property alone, and all together, predict the class.

    A decision tree of depth 4 with balanced class weights is cross-validated in 5 stratified folds,
    which keep groups whole. The chance level comes from shuffling the labels against the tree's
    predictions, one image of each group. Classes with fewer than `MIN_PER_CLASS` groups are not
    used.

    Parameters
    ----------
    dataset
        The data set; its splits are ignored.
    measurements
        Measurements by path.
    report
        Called with (done, total) features.

    Returns
    -------
    tuple of Shortcut
        Empty if fewer than two classes have enough images.
    """
    images = [image for image in dataset.images if not measurements[image.path].reason]
    group_of = [unit_of(image.group, image.path) for image in images]
    labels_and_groups = {(image.label, g) for image, g in zip(images, group_of, strict=True)}
    n_groups = Counter(label for label, _ in labels_and_groups)
    rows = [i for i, image in enumerate(images) if n_groups[image.label] >= MIN_PER_CLASS]
    images = [images[i] for i in rows]
    labels = np.array([image.label for image in images])
    if len(np.unique(labels)) < 2:
        return ()
    groups = np.unique([group_of[i] for i in rows], return_inverse=True)[1]
    table = np.array(
        [
            file_properties(measurements[image.path], image.file.n_bytes if image.file else 0)
            for image in images
        ],
        np.float32,
    )
    folds = stratified_folds(labels, groups, MIN_PER_CLASS, 0, simple_without_groups=True)
    columns = [*((name, [i]) for i, name in enumerate(FEATURES)), (TOGETHER, range(len(FEATURES)))]
    found = []
    for done, (name, chosen) in enumerate(columns, 1):
        found.append(_measure(name, table[:, list(chosen)], labels, groups, folds))
        report(done, len(columns))
    return tuple(found)


def shortcut_findings(shortcuts: Sequence[Shortcut]) -> list[Finding]:
    """Return the finding on shortcuts, if any file property reveals the class."""
    revealing = sorted(
        (s for s in shortcuts if s.gain >= WARNING_GAIN), key=lambda s: s.gain, reverse=True
    )
    if not revealing:
        return []
    alone = [shortcut for shortcut in revealing if shortcut.feature != TOGETHER]
    best = revealing[0]
    named = ", ".join(f"{s.feature} {s.balanced_accuracy:.2f}" for s in alone)
    words = (
        "A decision tree that sees only file properties, not pixels, reaches balanced accuracy "
        f"{best.balanced_accuracy:.2f} (chance {best.chance:.2f}, AUC {best.auc:.2f}; "
        f"{best.feature}, cross-validated, n = {best.n_images:,} images)."
    )
    if named:
        words += f" Single properties: {named}."
    words += (
        " A network can learn these differences instead of the content of the images, and would "
        "then fail on images from other sources."
    )
    others = [shortcut for shortcut in revealing if shortcut.feature not in ("file size", TOGETHER)]
    if not others:
        words += (
            " The file size also depends on the content, because detailed images compress less, so "
            "this matters less than the other properties."
        )
    severe = bool(others) and best.gain >= SEVERE_GAIN
    return [
        Finding(
            "shortcuts",
            "severe" if severe else "warning",
            "File properties reveal the class (shortcut)",
            words,
        )
    ]


def _measure(
    feature: str,
    table: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Shortcut:
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score
    from sklearn.tree import DecisionTreeClassifier

    classes = np.unique(labels)
    scores = np.zeros((len(labels), len(classes)))
    for train, test in folds:
        tree = DecisionTreeClassifier(
            max_depth=_TREE_DEPTH,
            min_samples_leaf=_IMAGES_IN_LEAF,
            class_weight="balanced",
            random_state=0,
        )
        tree.fit(table[train], labels[train])
        scores[np.ix_(test, np.searchsorted(classes, tree.classes_))] = tree.predict_proba(
            table[test]
        )
    predicted = classes[scores.argmax(axis=1)]
    auc = (
        roc_auc_score(labels == classes[1], scores[:, 1])
        if len(classes) == 2
        else roc_auc_score(labels, scores, multi_class="ovr", labels=classes)
    )
    return Shortcut(
        feature,
        float(balanced_accuracy_score(labels, predicted)),
        float(auc),
        1 / len(classes),
        _chance_upper(labels, predicted, groups),
        len(labels),
        len(classes),
    )


def _chance_upper(labels: np.ndarray, predicted: np.ndarray, groups: np.ndarray) -> float:
    """Return the upper quantile of the balanced accuracy with shuffled labels.

    Images of one group are not independent, so one of each is taken.
    """
    one_of_each = np.unique(groups, return_index=True)[1]
    classes, truth = np.unique(labels[one_of_each], return_inverse=True)
    answers = np.searchsorted(classes, predicted[one_of_each])
    per_class = np.bincount(truth, minlength=len(classes))
    rng = np.random.default_rng(0)
    accuracies = []
    for _ in range(_PERMUTATIONS):
        shuffled = rng.permutation(truth)
        hits = np.bincount(shuffled[shuffled == answers], minlength=len(classes))
        accuracies.append(float((hits / per_class).mean()))
    return float(np.quantile(accuracies, _UPPER))


def _mode_number(mode: str) -> int:
    """Return the number of channels of a mode, since a tree only needs an order."""
    order = ("1", "L", "P", "LA", "PA", "I;16", "I;16B", "I", "F", "RGB", "RGBA", "CMYK", "YCbCr")
    return order.index(mode) if mode in order else len(order)
