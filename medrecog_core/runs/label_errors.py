"""Test images of a run whose label their scores contradict, and what was decided about them."""

from dataclasses import dataclass, replace

import numpy as np

from medrecog_core.classification import (
    ScoredImages,
    cross_calibrated,
    find_label_errors,
    softmax_probabilities,
)
from medrecog_core.classification.label_errors import BY_CLASS, SELF_CONFIDENCE
from medrecog_core.datasets import Dataset, library
from medrecog_core.datasets.label_review import EXCLUDE, LABEL_ERROR, RELABEL, RIGHT
from medrecog_core.errors import MedrecogError
from medrecog_core.images import Image
from medrecog_core.runs.cell_evaluation import CellResult
from medrecog_core.runs.columns import records_of
from medrecog_core.runs.neighbours import SimilarImage, similar_images
from medrecog_core.runs.run import Run

N_NEIGHBOURS = 10
"""Similar images that are looked at for each."""


@dataclass(frozen=True, kw_only=True)
class DoubtfulImage(Image):
    """A test image whose label its scores contradict.

    Attributes
    ----------
    position
        Among the images of the run.
    suggested
        Its most probable class.
    probability, own_probability
        Of that class and of its label, by classifiers that were not trained on the image.
    neighbours
        The most similar images of other groups, the most similar first; empty if not known.
    """

    position: int
    suggested: str
    probability: float
    own_probability: float
    neighbours: tuple[SimilarImage, ...] = ()

    @property
    def supporters(self) -> tuple[SimilarImage, ...]:
        """The neighbours that have the suggested class as their label."""
        return tuple(each for each in self.neighbours if each.label == self.suggested)

    @property
    def n_of_own_label(self) -> int:
        """How many neighbours have its label."""
        return sum(each.label == self.label for each in self.neighbours)


@dataclass(frozen=True)
class DoubtfulLabels:
    """Result of the search for label errors.

    Attributes
    ----------
    images
        The most contradicted first.
    n_images
        Images that were looked at: the tested ones.
    n_untested
        Images of the run that no fold tests, and of which nothing is known.
    is_calibrated
        Whether the probabilities are calibrated; else they are the softmax of the scores.
    no_neighbours
        Why there are no neighbours; empty if there are.
    """

    images: tuple[DoubtfulImage, ...]
    n_images: int
    n_untested: int
    is_calibrated: bool
    no_neighbours: str = ""


def find_doubtful_labels(
    run: Run,
    result: CellResult,
    rule: str = BY_CLASS,
    ranking: str = SELF_CONFIDENCE,
    n_neighbours: int = N_NEIGHBOURS,
) -> DoubtfulLabels:
    """Find the test images of a cell whose label their scores contradict.

    Probabilities are those of the held-out scores, calibrated on the other images (see
    `cross_calibrate`). Where that is not possible they are the softmax of the scores, which keeps
    the order of the classes for each image; the rule's thresholds are means of the same
    probabilities, so that a common scale of all of them matters little. Of an image that is tested
    several times, the mean counts.

    Parameters
    ----------
    run, result
        A run and one of its finished cells.
    rule, ranking
        See `find_label_errors`.
    n_neighbours
        Similar images of each; 0 for none.

    Raises
    ------
    UsageError
        If the rule or the ranking is unknown.
    StorageError
        If the run's folder is damaged.
    """
    images, tested = run.images(), np.array(run.split().tested)
    classes = [row.label for row in result.metrics.classes]
    scored = ScoredImages.of(
        [images[i].label for i in tested],
        run.scores(result.cell),
        classes,
        [images[i].group or f"/{i}" for i in tested],
    )
    try:
        probabilities, _ = cross_calibrated(scored)
        is_calibrated = True
    except MedrecogError:  # too few test images
        probabilities, is_calibrated = softmax_probabilities(scored), False
    different, first, place = np.unique(tested, return_index=True, return_inverse=True)
    mean = np.zeros((len(different), len(classes)))
    np.add.at(mean, place, probabilities)
    mean /= np.bincount(place)[:, None]
    truth = scored.truth[first]
    errors = find_label_errors(mean, truth, rule, ranking)
    found = [
        DoubtfulImage(
            **vars(images[different[i]]),
            position=int(different[i]),
            suggested=classes[j],
            probability=float(mean[i, j]),
            own_probability=float(mean[i, truth[i]]),
        )
        for i, j in zip(errors.positions, errors.suggested, strict=True)
    ]
    why = ""
    if n_neighbours and found:
        try:
            near = similar_images(run, result.cell, [each.position for each in found], n_neighbours)
            found = [
                replace(each, neighbours=of_each) for each, of_each in zip(found, near, strict=True)
            ]
        except MedrecogError as error:  # an encoded cell, or features that are not here
            why = str(error)
    return DoubtfulLabels(
        tuple(found), len(different), len(images) - len(different), is_calibrated, why
    )


# --- Decisions -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reviewed:
    """What was decided about an image of a data set.

    Attributes
    ----------
    path
        Its path in the data set.
    decision
        `right`, `relabel` or `exclude`; the finding of another exclusion; empty if there is none.
    label
        The new label, if it has one.
    """

    path: str
    decision: str = ""
    label: str = ""

    @property
    def words(self) -> str:
        """The decision in a few words; empty if there is none."""
        words = {RIGHT: "label is right", RELABEL: f"relabelled as {self.label}", "": ""}
        return words.get(self.decision, "excluded")


def reviewed_images(run: Run, dataset: Dataset | None = None) -> dict[int, Reviewed]:
    """Return the images of a run that are in its data set as it is now, and the decisions on them.

    Parameters
    ----------
    run
        A run.
    dataset
        Its data set; None to have it read.

    Returns
    -------
    dict
        From the position of an image among those of the run to its path in the data set. An image
        with a changed file is not in it, and neither is any if the data set is not here any more.
    """
    dataset = dataset or library.find_kept(run.specification().dataset)
    if dataset is None:
        return {}
    decided = {each.path: each for each in dataset.reviewed}
    excluded = {each.image.path: each.finding for each in dataset.excluded}
    found = {}
    for place, record in records_of(run, dataset).items():
        if record.path in excluded:
            is_label = excluded[record.path] == LABEL_ERROR
            found[place] = Reviewed(record.path, EXCLUDE if is_label else excluded[record.path])
        elif record.path in decided:
            changed = decided[record.path].is_changed
            found[place] = Reviewed(
                record.path, RELABEL if changed else RIGHT, record.label if changed else ""
            )
        else:
            found[place] = Reviewed(record.path)
    return found
