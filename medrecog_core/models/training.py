"""Training of a model from a cell of a run."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from medrecog_core.access import Action
from medrecog_core.classification import (
    CalibrationChoice,
    DecisionThreshold,
    choose_calibration,
    choose_positive_class,
    choose_threshold,
    choose_value,
    estimate,
)
from medrecog_core.datasets import (
    ImageRecord,
    Protocol,
    Split,
    library,
    split_images,
    unit_of,
)
from medrecog_core.datasets.health.measurements import read_measurements
from medrecog_core.datasets.splits import n_groups_by_label
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.features import (
    AnyCell,
    DescriptorReader,
    DescriptorStore,
    concatenate,
    members,
)
from medrecog_core.images import Image
from medrecog_core.jobs.job import Job, create_job
from medrecog_core.jobs.kinds import TRAIN
from medrecog_core.jobs.progress import Progress, Report, Stage, ignore
from medrecog_core.jobs.work import Work, carry_out, start
from medrecog_core.locations import cache_folder
from medrecog_core.mode import check_may_change
from medrecog_core.models.known_images import index_known_images
from medrecog_core.models.model import (
    ALL,
    TRAINED_ON,
    TRAINING,
    CalibrationReport,
    Model,
    ModelCard,
    check_kept,
)
from medrecog_core.models.storage import check_free, load_model, save_model
from medrecog_core.models.training_images import index_training_images
from medrecog_core.networks import find_network
from medrecog_core.quota import check_cache_quota
from medrecog_core.runs import (
    CellResult,
    Run,
    RunSpecification,
    find_run,
)
from medrecog_core.runs.cell_evaluation import INNER_FOLDS, CellData, StoredImages, evaluate_cell
from medrecog_core.runs.comparison import score_images


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


_T = TypeVar("_T")

_READING = Stage("read-features", "Reading features")
_TRAINING = Stage("train", "Training the classifier")
_CALIBRATING = Stage("calibrate", "Calibrating scores on held-out images")
_INDEXING = Stage("index-training-images", "Indexing the training images")
_RECOGNISING = Stage("index-known-images", "Measuring images to recognise copies", "images")


def finished_cell(run: Run, layer: str, scale: int | str, pooling: str) -> AnyCell:
    """Return a finished cell or fusion of a run by its layer, scale and pooling.

    Raises
    ------
    MedrecogError
        If the run has no such finished cell.
    """
    for cell in run.specification().cells:
        named = (cell.layer, str(cell.scale), cell.pooling) == (layer, str(scale), pooling)
        if named and run.cell(cell) is not None:
            return cell
    raise _not_finished(run, f"{layer}-{scale}-{pooling}")


def train_model(
    run: Run, cell: AnyCell, name: str, on: str = TRAINING, report: Report = ignore
) -> Model:
    """Train the classifier of a finished cell again and save it with everything predictions need.

    The descriptors come from the feature cache; images are only read to recognise copies of them,
    as far as their files are available. The hyper-parameter is that of
    the cell, or is chosen again on all training images of the model if the run had several values.
    Probabilities and, for two classes, a decision threshold are fitted on scores of images that the
    scoring classifier was not trained on: scores of the run's own folds if it has several,
    otherwise of folds within the training images of the model. The test images are not used unless
    `on` says so.

    Parameters
    ----------
    run
        The run.
    cell
        One of its finished cells.
    name
        Name of the new model.
    on
        `training`: the images that some classifier of the run was trained on; `all`: the test
        images too.
    report
        Called with the progress; an error that it raises ends the training.

    Raises
    ------
    UsageError
        If the name cannot be used or is taken, or there are no such images.
    MedrecogError
        If the run has no such finished cell.
    StorageError
        If descriptors are missing, or the model cannot be written.
    """
    check_may_change("train a model", Action.ADD)
    check_free(name)
    if on not in TRAINED_ON:
        raise UsageError(f"Unknown training images “{on}”. Available: {', '.join(TRAINED_ON)}.")
    specification = run.specification()
    result = run.cell(cell) if cell in specification.cells else None
    if result is None:
        raise _not_finished(run, cell.name)
    source = run.source()
    learnt = run.images() if on == ALL else run.trained_images()
    labels = [image.label for image in learnt]
    words = (specification.n_words, specification.seed)
    report(Progress(_READING, 0, 0))
    with DescriptorStore(cache_folder().features) as store:
        reader = DescriptorReader(find_network(specification.network), source, store)
        learned = {m: reader.learn_codebook(learnt, m, *words) for m in members(cell)}
        codebooks = {m: codebook for m, codebook in learned.items() if codebook is not None}
        descriptors = concatenate(
            [reader.describe(learnt, m, codebooks.get(m)) for m in members(cell)]
        )
        report(Progress(_TRAINING, 0, 0))
        value = _best_value(descriptors, learnt, specification)
        (classifier,) = specification.trained_classifier.train_path(
            descriptors, labels, [value], specification.training_options()
        )
        length = classifier.normalisation.apply(descriptors[:1]).shape[1]
        n_bytes = specification.trained_classifier.bytes_kept(len(learnt), length)
        check_kept(len(learnt), n_bytes)
        report(Progress(_CALIBRATING, 0, 0))
        attempts = _Attempts()
        stored = StoredImages(learnt, reader)
        held_out = attempts.make(
            "probabilities or decision threshold",
            lambda: (
                scores_of_run(run, cell)
                or score_held_out(stored, cell, specification, None if codebooks else descriptors)
            ),
        )
    classes = classifier.classes
    chosen: CalibrationChoice | None = None
    threshold: DecisionThreshold | None = None
    positive = choose_positive_class(classes, result.metrics.positive)
    if held_out is not None:
        scored, told, groups = held_out.scores, held_out.labels, held_out.groups
        n_times = held_out.n_times
        chosen = attempts.make(
            "probabilities",
            lambda: choose_calibration(scored, told, classes, groups, seed=specification.seed),
        )
        if chosen is not None:
            chosen = replace(chosen, n_images=chosen.n_images // n_times)
        if positive is not None:
            of_positive = scored[:, classes.index(positive)]
            threshold = attempts.make(
                "decision threshold", lambda: choose_threshold(of_positive, told, positive)
            )
            if threshold is not None:
                threshold = replace(threshold, n_images=threshold.n_images // n_times)
    report(Progress(_INDEXING, 0, 0))
    training_images = attempts.make(
        "similar training images and no warning of unlike images",
        lambda: index_training_images(
            [replace(image, group="") for image in learnt],
            descriptors,
            [image.group for image in learnt],
            specification.seed,
        ),
    )
    known_images = index_known_images(
        learnt,
        run.tested_images(),
        read_measurements(library.folder_of(specification.dataset) / "measurements.json"),
        lambda done, total: report(Progress(_RECOGNISING, done, total)),
    )
    card = ModelCard(
        name=name,
        run=run.id,
        cell=cell,
        parameter_value=value,
        normalisation=classifier.normalisation.kind,
        classes=classes,
        created=time.time(),
        trained_on=on,
        n_learnt=len(learnt),
        n_learnt_groups=_n_groups(learnt),
        n_indexed=0 if training_images is None else len(training_images.images),
        calibration=None if chosen is None else _report(chosen),
        threshold=threshold,
        missing=tuple(attempts.missing),
        bytes_kept=n_bytes,
        **_of_run(run, specification, result),
    )
    calibration = None if chosen is None else chosen.calibration
    model = Model(card, classifier, codebooks, calibration, training_images, known_images)
    save_model(model)
    return model


def start_training(run: Run, cell: AnyCell, name: str, on: str = TRAINING) -> Job:
    """Start a job that trains a model; return immediately.

    Parameters
    ----------
    run, cell, name, on
        As in `train_model`.

    Raises
    ------
    UsageError
        If the name cannot be used or is taken.
    MedrecogError
        If another job trains a model of this name.
    """
    check_free(name)
    check_cache_quota()
    return start(*_order(run, cell, name, on))


def carry_out_training(
    run: Run, cell: AnyCell, name: str, on: str = TRAINING, report: Report = ignore
) -> Model:
    """Train a model as a job in this process, which other processes can see and stop.

    Raises
    ------
    UsageError
        If the name cannot be used or is taken.
    StoppedError
        If it was stopped.
    MedrecogError
        If another job trains a model of this name, or it cannot be trained.
    """
    check_free(name)
    carry_out(create_job(*_order(run, cell, name, on)), report)
    return load_model(name)


def work(job: Job, work: Work) -> None:
    """Do the work of a job that trains a model."""
    order = job.order()
    where = order.arguments
    run = find_run(where["run"])
    cell = finished_cell(run, where["layer"], where["scale"], where["pooling"])
    train_model(run, cell, order.subject, where["on"], work.checked_report)


def _order(run: Run, cell: AnyCell, name: str, on: str) -> tuple[str, str, str, dict[str, Any]]:
    arguments = {
        "run": run.id,
        "layer": cell.layer,
        "scale": cell.scale,
        "pooling": cell.pooling,
        "on": on,
    }
    return TRAIN, name, f"Train model {name}", arguments


def _not_finished(run: Run, name: str) -> MedrecogError:
    finished = ", ".join(result.cell.name for result in run.cells()) or "none"
    return MedrecogError(f"Run {run.id} has no finished cell {name}. Available: {finished}.")


class _Attempts:
    """Makes optional parts of a model, and collects the reasons if they cannot be made."""

    def __init__(self) -> None:
        self.missing: list[str] = []

    def make(self, what: str, make: Callable[[], _T]) -> _T | None:
        try:
            return make()
        except StorageError:
            raise
        except MedrecogError as error:
            self.missing.append(f"It has no {what}. {error}")
            return None


def _report(chosen: CalibrationChoice) -> CalibrationReport:
    return CalibrationReport(
        chosen.kind, chosen.log_loss_before, chosen.log_loss_after, chosen.n_images
    )


def _best_value(
    descriptors: np.ndarray, learnt: Sequence[Image], specification: RunSpecification
) -> float:
    if len(specification.parameter_values) == 1:
        return specification.parameter_values[0]
    groups = [image.group for image in learnt] if specification.keep_groups else None
    return choose_value(
        specification.trained_classifier,
        descriptors,
        [image.label for image in learnt],
        specification.parameter_values,
        groups=groups,
        n_folds=INNER_FOLDS,
        options=specification.training_options(),
    ).value


def _of_run(run: Run, specification: RunSpecification, result: CellResult) -> dict[str, Any]:
    """Return the part of a card on the run and the results of its cell."""
    record, split = run.needed_record(), run.split()
    metrics, small = result.metrics, run.small_test()
    versions = {"medrecog": record.medrecog, "python": record.python, **record.versions}
    return {
        "dataset": specification.dataset,
        "synthetic": record.dataset.synthetic,
        "fingerprint": record.dataset.fingerprint,
        "sample": record.sample,
        "network": specification.network,
        "source": record.source,
        "rendering": record.rendering,
        "weights_title": record.weights.title,
        "seed": specification.seed,
        "classifier": specification.classifier,
        "class_weight": specification.class_weight,
        "accuracy": metrics.accuracy,
        "accuracy_interval": metrics.accuracy_interval,
        "balanced_accuracy": metrics.balanced_accuracy,
        "positive": metrics.positive,
        "n_train": result.n_train,
        "n_test": result.n_test,
        "n_test_groups": _n_groups(run.tested_images()),
        "split": split.kind,
        "n_leaking_groups": split.n_leaking_groups,
        "small_test": "" if small is None else small.words,
        "estimates": tuple(estimate(score_images(run, result)).values()),
        "versions": {name: version for name, version in versions.items() if version},
    }


def _n_groups(images: Sequence[Image]) -> int:
    return len({unit_of(image.group, image.path) for image in images})
