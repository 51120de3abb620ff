"""The learning curve of a cell of a run: its accuracy against the number of training groups."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.classification.learning_curve import (
    LearningCurve,
    draw_results,
    fit_learning_curve,
)
from medrecog_core.datasets import unit_of
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.features import AnyCell, DescriptorReader, DescriptorStore, members
from medrecog_core.images import stratified_folds
from medrecog_core.jobs.job import Job, create_job, last_job
from medrecog_core.jobs.kinds import LEARNING_CURVE
from medrecog_core.jobs.progress import Progress, Report, Stage, counting, ignore, never, stop_if
from medrecog_core.jobs.work import Work, carry_out, start_once
from medrecog_core.locations import cache_folder
from medrecog_core.mode import is_viewer
from medrecog_core.networks import find_network
from medrecog_core.runs.cell_evaluation import StoredImages
from medrecog_core.runs.run import Run, find_run

CURVES = "learning-curves"
"""Folder of the computed curves in the folder of a run."""

_VERSION = 1
_N_FOLDS = 5
_READING = Stage("read-features", "Reading features")
_TRAINING = Stage("train-on-draws", "Training on drawn groups", "training parts")
_CURVE = TypeAdapter(LearningCurve)


def compute_learning_curve(
    run: Run,
    cell: AnyCell,
    report: Report = ignore,
    should_stop: Callable[[], bool] = never,
) -> LearningCurve:
    """Return the learning curve of a cell, and keep it in the folder of the run.

    Training and testing are those of the run, with its classifier and its options, on drawn groups
    of its training part; see `draw_results`. A run with more than five folds is divided into five
    others. Of several hyper-parameters, the one that was chosen most often is used for every size.
    A curve that was computed before is returned at once.

    Parameters
    ----------
    run, cell
        A run and one of its finished cells, without encodings.
    report, should_stop
        Called with the progress, and asked in the midst of training too.

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    MedrecogError
        If the cell is not finished or needs a codebook, or there are too few groups.
    StorageError
        If features are not in the feature cache any more, or the run's folder is damaged.
    """
    kept = kept_learning_curve(run, cell)
    if kept is not None:
        return kept
    if any(member.is_encoded for member in members(cell)):
        raise MedrecogError(
            f"{cell.name} is encoded, and its codebook would have to be learned for every draw. "
            "Choose a cell with max, average or GeM pooling."
        )
    result = run.cell(cell)
    if result is None:
        raise MedrecogError(
            f"The cell {cell.name} of run {run.id} is not finished. Resume the run."
        )
    report(Progress(_READING, 0, 0))
    images, split, specification = run.images(), run.split(), run.specification()
    with DescriptorStore(cache_folder().features) as store:
        reader = DescriptorReader(find_network(specification.network), run.source(), store)
        data = StoredImages(images, reader).cell_data(cell, split, specification)
        descriptors = data.descriptors(split.folds[0])
    labels = [image.label for image in images]
    groups = [unit_of(image.group, image.name) for image in images]
    folds: Sequence[Any] = [(fold.train, fold.test) for fold in split.folds]
    if len(folds) > _N_FOLDS:
        folds = stratified_folds(np.array(labels), np.array(groups), _N_FOLDS, specification.seed)
    count = counting(report, _TRAINING)

    def told(done: int, total: int) -> None:
        count(done, total)
        stop_if(should_stop())

    drawn = draw_results(
        specification.trained_classifier,
        descriptors,
        labels,
        groups,
        folds,
        Counter(fold.value for fold in result.folds).most_common(1)[0][0],
        specification.training_options(lambda: stop_if(should_stop())),
        report=told,
    )
    curve = fit_learning_curve(drawn, specification.seed)
    if not is_viewer():
        document = {"key": _key(run, cell), "curve": asdict(curve)}
        atomic_file.write_json(_file(run, cell), document)
    return curve


def kept_learning_curve(run: Run, cell: AnyCell) -> LearningCurve | None:
    """Return a curve that was computed before for the same images and scores, else None.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    try:
        key, curve = read_learning_curve(_file(run, cell))
    except (FileNotFoundError, StorageError):
        return None
    return curve if key == _key(run, cell) else None


def kept_learning_curves(run: Run) -> dict[AnyCell, LearningCurve]:
    """Return the curves of a run that were computed before and are valid now, by cell."""
    curves = {cell: kept_learning_curve(run, cell) for cell in run.specification().cells}
    return {cell: curve for cell, curve in curves.items() if curve is not None}


def read_learning_curve(file: Path) -> tuple[str, LearningCurve]:
    """Return the key and the curve in a file.

    Raises
    ------
    FileNotFoundError
        If there is none.
    StorageError
        If it is damaged.
    """
    try:
        document = atomic_file.read_json(file)
        return str(document["key"]), _CURVE.validate_python(document["curve"])
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"The learning curve {file.name} is damaged. Delete the file and compute it again."
        ) from error


def _file(run: Run, cell: AnyCell) -> Path:
    return run.path / CURVES / f"{cell.name}.json"


def _key(run: Run, cell: AnyCell) -> str:
    """Return what a curve depends on, as one SHA-256."""
    what = [_VERSION, cell.name, run.specification().to_document(), vars(run.source())]
    rows = [[*image.identity, image.label, image.group] for image in run.images()]
    text = json.dumps([what, rows, run.split().to_document()], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


# --- In words ------------------------------------------------------------------------------------


def unit_noun(run: Run) -> str:
    """Return what the sizes of a curve count: `groups`, or `images` if the run has no groups."""
    return "groups" if any(image.group for image in run.images()) else "images"


def gain_words(run: Run, curve: LearningCurve) -> str:
    """Return what twice as many groups would bring, as a sentence with its uncertainty."""
    last, noun = curve.points[-1].n_groups, unit_noun(run)
    so = "" if curve.gain_low > 0 else " It may also bring nothing."
    return (
        f"Doubling the training data from {last:,} to {2 * last:,} {noun} would change the "
        f"accuracy by about {curve.gain:+.3f} (95 % interval {curve.gain_low:+.3f} to "
        f"{curve.gain_high:+.3f}), if the curve continues as fitted.{so} An extrapolation is less "
        "certain than its interval says."
    )


# --- The job -------------------------------------------------------------------------------------


def start_learning_curve(run: Run, cell: AnyCell) -> Job:
    """Start a job that computes a curve, unless there is one; return at once.

    Raises
    ------
    StorageError
        If the cache folder cannot be written to.
    """
    return start_once(LEARNING_CURVE, *_order(run, cell))


def last_curve_job(run: Run, cell: AnyCell) -> Job | None:
    """Return the newest job that computes or computed a curve."""
    return last_job(LEARNING_CURVE, _order(run, cell)[0])


def carry_out_learning_curve(run: Run, cell: AnyCell, report: Report = ignore) -> LearningCurve:
    """Compute a curve as a job in this process, unless it was computed before.

    Raises
    ------
    StoppedError
        If the job was stopped.
    MedrecogError
        If it failed.
    """
    if kept_learning_curve(run, cell) is None:
        carry_out(create_job(LEARNING_CURVE, *_order(run, cell)), report)
    return compute_learning_curve(run, cell)


def _order(run: Run, cell: AnyCell) -> tuple[str, str, dict[str, str]]:
    arguments = {"run": run.id, "cell": cell.name}
    return f"{run.id} {cell.name}", f"Learning curve of {cell.name}", arguments


def work(job: Job, work: Work) -> None:
    """Do the work of a job of `start_learning_curve`."""
    arguments = job.order().arguments
    run = find_run(arguments["run"])
    cell = run.find_cell(arguments["cell"])
    compute_learning_curve(run, cell, work.report, work.should_stop)
