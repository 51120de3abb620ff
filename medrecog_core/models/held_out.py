"""Scores of training images by classifiers that were not trained on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.datasets import ImageRecord, Protocol, Split, split_images, unit_of
from medrecog_core.datasets.splits import n_groups_by_label
from medrecog_core.features import AnyCell
from medrecog_core.runs import Run, RunSpecification
from medrecog_core.runs.cell_evaluation import INNER_FOLDS, CellData, StoredImages, evaluate_cell


@dataclass(frozen=True)
class HeldOutScores:
    """Images with scores for fitting a calibration and a threshold.

    Attributes
    ----------
    labels, groups
        Label and group of each image; groups are independent of each other.
    scores
        float64, shape (n, n_classes), columns by sorted label.
    n_times
        How many times each image occurs, because of repeated folds.
    """

    labels: tuple[str, ...]
    groups: tuple[str, ...]
    scores: np.ndarray
    n_times: int = 1


def inner_folds(images: Sequence[ImageRecord], seed: int) -> Split:
    """Return stratified folds that keep groups whole, fewer if the rarest class has fewer groups.

    Raises
    ------
    MedrecogError
        If a class has a single group only, or no folds leave training images in every class.
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
        All training images of the model.
    cell
        The cell.
    specification
        Settings of the classifiers.
    descriptors
        Descriptors of the cell, shape (n, channels), if they do not depend on the fold; None to
        compute them for each fold.

    Raises
    ------
    MedrecogError
        As in `inner_folds`.
    """
    # Paths of records are relative to one root, which the images of a model need not have.
    records = [
        ImageRecord(f"{i}", image.label, group=image.group) for i, image in enumerate(images.images)
    ]
    split = inner_folds(records, specification.seed)
    if descriptors is None:
        data = images.cell_data(cell, split, specification)
    else:
        data = CellData(images.images, split, lambda _: descriptors)
    _, scores = evaluate_cell(cell, data, specification)
    tested = [records[position] for position in split.tested]
    return HeldOutScores(
        tuple(image.label for image in tested),
        tuple(unit_of(image.group, image.path) for image in tested),
        scores,
    )


def scores_of_run(run: Run, cell: AnyCell) -> HeldOutScores | None:
    """Return the scores of a cross-validation; None if there is none, or if groups leak."""
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
