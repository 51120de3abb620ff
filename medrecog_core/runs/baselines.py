"""Baselines: what is reached without a network, on the same split with the same classifier.

A result that does not exceed them says nothing about the network: the classes can be told by
their frequency, their colour, a few pixels or properties of their files.
"""

import base64
import io
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medrecog_core.classification import (
    Comparison,
    Estimate,
    compare_with_reference,
    estimate,
)
from medrecog_core.datasets import Split, library
from medrecog_core.datasets.health.shortcuts import file_properties
from medrecog_core.errors import MedrecogError, StorageError, UnreadableImageError
from medrecog_core.features.reading import glimpse_images
from medrecog_core.images import Glimpse, Image, read_glimpses, write_glimpses
from medrecog_core.jobs.progress import Meter, Progress, Stage, ignore, never, stop_if
from medrecog_core.networks.stored_array import read_npy
from medrecog_core.ownership import check_may_change_in
from medrecog_core.runs.cell_evaluation import CellData, CellResult, score_folds
from medrecog_core.runs.comparison import LEVEL, score_images, with_positive
from medrecog_core.runs.extracted_dataset import GLIMPSES
from medrecog_core.runs.run import Run
from medrecog_core.runs.specification import RunSpecification

BASELINES = Stage("baselines", "Computing baselines", "images")

LARGEST_CLASS = "largest-class"
TITLES = {
    LARGEST_CLASS: "Largest class",
    "mean-colour": "Mean colour",
    "pixels": "16 × 16 pixels",
    "file-properties": "File properties",
}
"""Titles of the baselines."""

_READ: dict[str, Callable[[Glimpse], Any]] = {
    "mean-colour": lambda glimpse: glimpse.pixels.mean(axis=(0, 1)),
    "pixels": lambda glimpse: glimpse.pixels.ravel(),
    "file-properties": lambda glimpse: file_properties(glimpse, glimpse.n_bytes),
}
# Lengths and sizes of files have no common unit, so that each has to be scaled by itself.
_NORMALISATION = "standardise"


@dataclass(frozen=True)
class Baselines:
    """Scores of the test images of a run by its baselines.

    Attributes
    ----------
    scores
        From the name of a baseline, one of `TITLES`, to float32, shape (n_tested, n_classes); rows
        as those of a cell.
    seconds
        Time that they took.
    """

    scores: Mapping[str, np.ndarray]
    seconds: float

    def to_document(self) -> dict[str, Any]:
        """Return them as JSON values."""
        rows = {name: _text(values) for name, values in self.scores.items()}
        return {"scores": rows, "seconds": self.seconds}

    @classmethod
    def from_document(cls, document: Any) -> "Baselines":
        """Return the baselines that `to_document` gave; unknown ones are left out.

        Raises
        ------
        TypeError, ValueError
            If the document is not valid.
        """
        scores = {
            name: read_npy(base64.b64decode(text, validate=True))
            for name, text in document["scores"].items()
            if name in TITLES
        }
        if any(values.ndim != 2 or not np.isfinite(values).all() for values in scores.values()):
            raise ValueError("the scores of a baseline are a finite table")
        return cls(scores, float(document["seconds"]))


def _text(values: np.ndarray) -> str:
    buffer = io.BytesIO()
    np.save(buffer, values.astype(np.float32))
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def compute_baselines(
    images: Sequence[Image],
    split: Split,
    specification: RunSpecification,
    glimpses: Mapping[tuple[str, str], Glimpse],
    should_stop: Callable[[], bool] = never,
) -> Baselines:
    """Train and test the baselines.

    The classifier and its hyper-parameter are those of the run; each value that it sees is
    standardised on the training images.

    Parameters
    ----------
    images
        The images of the run.
    split
        Positions in `images`.
    specification
        Of the run.
    glimpses
        Of all images, by identity.
    should_stop
        Asked between two baselines and in the midst of training.

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    """
    start = time.monotonic()
    asked = specification.model_copy(update={"normalisation": _NORMALISATION})
    seen = [glimpses[image.identity] for image in images]
    scores = {LARGEST_CLASS: _always_the_largest(images, split)}
    for name, read in _READ.items():
        stop_if(should_stop())
        table = np.array([read(glimpse) for glimpse in seen], dtype=np.float32)
        data = CellData(images, split, lambda _, table=table: table)  # type: ignore[misc]
        scores[name] = score_folds(data, asked, should_stop).tested.astype(np.float32)
    return Baselines(scores, time.monotonic() - start)


def _always_the_largest(images: Sequence[Image], split: Split) -> np.ndarray:
    classes = sorted({image.label for image in images})
    rows = []
    for fold in split.folds:
        counts = Counter(images[i].label for i in fold.train)
        largest = max(classes, key=lambda label: counts[label])
        rows += [[float(label == largest) for label in classes]] * len(fold.test)
    return np.array(rows, dtype=np.float32)


def baselines_of(run: Run) -> Baselines | None:
    """Return the baselines of a run; None if they were not computed or are damaged."""
    try:
        found: Baselines | None = run.read_baselines(Baselines.from_document)
        shape = (len(run.split().tested), len({image.label for image in run.images()}))
    except StorageError:
        return None
    if found is None or any(values.shape != shape for values in found.scores.values()):
        return None
    return found


def add_baselines(
    run: Run,
    glimpses: dict[tuple[str, str], Glimpse] | None = None,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> Baselines:
    """Compute the baselines of a run whose images and split are known, and keep them.

    Images are read only where no run of the data set has seen them before.

    Parameters
    ----------
    run
        The run.
    glimpses
        Those that are known, by identity; None to look for them.
    report, should_stop
        Called with the progress, and asked after each image.

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    MedrecogError
        If an image that has not been seen before cannot be read.
    StorageError
        If the run's folder is damaged or cannot be written to.
    """
    check_may_change_in(run.path, "compute baselines")
    specification, images = run.specification(), run.images()
    file = library.folder_of(specification.dataset) / GLIMPSES
    known = read_glimpses(file) if glimpses is None else glimpses
    missing = {image.identity for image in images} - known.keys()
    meter = Meter(BASELINES, len(missing), report)

    def read(n: int) -> None:
        meter.add(n)
        stop_if(should_stop())

    try:
        glimpse_images(images, known, read)
    except UnreadableImageError as error:
        raise MedrecogError(
            f"The baselines of run {run.id} need all of its images ({error}). Put the images back, "
            "or start a new run."
        ) from error
    meter.close()
    if missing and file.parent.is_dir():
        write_glimpses(file, known)
    found = compute_baselines(images, run.split(), specification, known, should_stop)
    run.write_baselines(found.to_document())
    # What passed since the last report counts as time of the stage.
    report(Progress(BASELINES, len(missing), len(missing)))
    return found


# --- Beside the cells ----------------------------------------------------------------------------


@dataclass(frozen=True)
class BaselineEstimate:
    """A baseline's measure with its 95 % confidence interval."""

    name: str
    estimate: Estimate

    @property
    def title(self) -> str:
        """Its title."""
        return TITLES[self.name]


@dataclass(frozen=True)
class BesideBaseline:
    """A cell beside the best baseline.

    Attributes
    ----------
    result
        The cell.
    comparison
        Of the cell with the baseline.
    adjusted_p_value
        After Holm's correction for all cells.
    """

    result: CellResult
    comparison: Comparison
    adjusted_p_value: float

    @property
    def is_better(self) -> bool:
        """Whether the cell is significantly better at 5 %."""
        return self.comparison.difference > 0 and self.adjusted_p_value <= LEVEL


@dataclass(frozen=True)
class BaselineComparison:
    """The cells of a run beside its baselines.

    Attributes
    ----------
    measure
        Which.
    baselines
        In the order of `TITLES`.
    cells
        In the order of the grid, each beside the best baseline.
    """

    measure: str
    baselines: tuple[BaselineEstimate, ...]
    cells: tuple[BesideBaseline, ...]

    @property
    def best(self) -> BaselineEstimate:
        """The best baseline; of equals the first."""
        return max(self.baselines, key=lambda each: each.estimate.value)

    @property
    def unbeaten(self) -> frozenset[str]:
        """Names of the cells that are not significantly better than the best baseline."""
        return frozenset(each.result.cell.name for each in self.cells if not each.is_better)

    @property
    def warning(self) -> str:
        """A sentence if even the best cell is not better; empty if it is."""
        top = max(self.cells, key=lambda each: each.comparison.difference)
        if top.is_better:
            return ""
        difference = top.comparison.difference
        found = f"not significantly better than ({difference:+.3f}, p = {top.adjusted_p_value:.3f})"
        if difference <= 0:
            found = f"not better than ({difference:+.3f})"
        return (
            f"The best cell ({top.result.cell.name}) is {found} the baseline “"
            f"{self.best.title.lower()}”. These results do not show that the network's features "
            "help."
        )


def compare_with_baselines(
    run: Run, measure: str = "accuracy", positive: str | None = None
) -> BaselineComparison | None:
    """Compare the finished cells of a run with the best of its baselines, by paired tests.

    Parameters
    ----------
    run
        The run.
    measure
        One of `MEASURES`.
    positive
        The positive one of two classes, None to have it chosen by its name.

    Returns
    -------
    BaselineComparison or None
        None where the run has no baselines or no finished cell.

    Raises
    ------
    MedrecogError
        If the measure is not available.
    StorageError
        If the run's folder is damaged.
    """
    found, results = baselines_of(run), with_positive(run.cells(), positive)
    if found is None or not results:
        return None
    scored = [score_images(run, result) for result in results]
    seen = {
        name: replace(scored[0], scores=found.scores[name].astype(np.float64))
        for name in TITLES
        if name in found.scores
    }
    estimates = tuple(
        BaselineEstimate(name, estimate(images, [measure])[measure])
        for name, images in seen.items()
    )
    best = max(estimates, key=lambda each: each.estimate.value)
    compared = compare_with_reference(seen[best.name], scored, measure)
    cells = tuple(
        BesideBaseline(result, comparison, p_value)
        for result, (comparison, p_value) in zip(results, compared, strict=True)
    )
    return BaselineComparison(measure, estimates, cells)
