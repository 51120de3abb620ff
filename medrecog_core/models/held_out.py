"""Scores of a model's own images by classifiers that had not learnt from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.datasets import ImageRecord, Protocol, Split, split_images, unit_of
from medrecog_core.datasets.hold_out import n_groups_by_label
from medrecog_core.features import AnyCell
from medrecog_core.runs import Run, RunSpecification
from medrecog_core.runs.cell_evaluation import INNER_FOLDS, CellData, StoredImages, evaluate_cell


@dataclass(frozen=True)
class HeldOutScores:
    """Images with scores that a calibration and a threshold may be fitted on.

    Attributes
    ----------
    labels, groups
        Of each image; `groups` names what was sampled independently.
    scores
        float64, shape (n, n_classes), columns by sorted label.
    n_times
        How many times each image stands in them, as often as folds were repeated.
    """

    labels: tuple[str, ...]
    groups: tuple[str, ...]
    scores: np.ndarray
    n_times: int = 1


def inner_folds(images: Sequence[ImageRecord], seed: int) -> Split:
    """Return stratified folds that keep groups whole, fewer where the rarest class has fewer.

    Raises
    ------
    MedrecogError
        If a class has images of a single group only, or no folds leave every class some to learn
        from.
    """
    units = np.array([unit_of(image.group, image.path) for image in images])
    fewest = min(n_groups_by_label(np.array([i.label for i in images]), units).values())
    return split_images(images, Protocol("k-fold", min(INNER_FOLDS, fewest), seed=seed))


def score_held_out(
    images: StoredImages,
    cell: AnyCell,
    specification: RunSpecification,
    descriptors: np.ndarray | None = None,
) -> HeldOutScores:
    """Score images by classifiers trained without their fold, codebooks included.

    Parameters
    ----------
    images
        All that the model learns from.
    cell
        What is read.
    specification
        How classifiers are trained.
    descriptors
        Of the cell, shape (n, channels), where they do not depend on the fold; None to have them
        made for each.

    Raises
    ------
    MedrecogError
        As `inner_folds` does.
    """
    split = inner_folds(images.images, specification.seed)
    if descriptors is None:
        data = images.cell_data(cell, split, specification)
    else:
        data = CellData(images.images, split, lambda _: descriptors)
    _, scores = evaluate_cell(cell, data, specification)
    tested = [images.images[position] for position in split.tested]
    return HeldOutScores(
        tuple(image.label for image in tested),
        tuple(unit_of(image.group, image.path) for image in tested),
        scores,
    )


def scores_of_run(run: Run, cell: AnyCell) -> HeldOutScores | None:
    """Return what a cross-validation has already scored; None where it has not, or groups leak."""
    split = run.split()
    if len(split.folds) < 2 or split.leaks:
        return None
    tested = run.tested_images()
    return HeldOutScores(
        tuple(image.label for image in tested),
        tuple(unit_of(image.group, image.path) for image in tested),
        run.scores(cell).astype(np.float64),
        n_times=len(split.tested) // len(set(split.tested)),
    )
