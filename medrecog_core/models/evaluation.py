"""Testing a model on another data set, as a job."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medrecog_core.classification import Estimate, ScoredImages, estimate, estimate_classes
from medrecog_core.datasets import Dataset, ImageRecord, library, unit_of
from medrecog_core.datasets.health.measurements import measure_images
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.features import DescriptorReader, DescriptorStore, concatenate, members
from medrecog_core.images import Image
from medrecog_core.jobs.job import Job, create_job
from medrecog_core.jobs.kinds import EVALUATE
from medrecog_core.jobs.progress import Progress, Report, Stage, ignore, never
from medrecog_core.jobs.work import Work, carry_out, start
from medrecog_core.locations import cache_folder
from medrecog_core.models.exchange import missing_weights
from medrecog_core.models.model import Model, ModelCard
from medrecog_core.models.outside_test import OutsideTest, match_classes
from medrecog_core.models.storage import keep_test, load_model, read_card
from medrecog_core.networks import find_network
from medrecog_core.ownership import check_may_change_in
from medrecog_core.runs import find_run
from medrecog_core.runs.comparison import score_images
from medrecog_core.runs.extracted_dataset import describe_images

_SCORING = Stage("score", "Scoring the images")
_MEASURING = Stage("measure-images", "Looking for copies of training images", "images")


def proposed_matches(card: ModelCard, dataset: Dataset) -> dict[str, str | None]:
    """Return the model's class of the same name for each class of a data set; None if none."""
    return {label: label if label in card.classes else None for label in dataset.classes}


def start_evaluation(
    name: str, dataset: str, matches: Mapping[str, str], leaves_out: bool = False
) -> Job:
    """Start a job that tests a model on another data set; return immediately.

    Parameters
    ----------
    name
        Name of the model.
    dataset, matches, leaves_out
        As in `evaluate_model`.

    Raises
    ------
    UsageError
        If the classes do not match.
    MedrecogError
        If there is no such model or data set, its weights are not installed, or another job works
        with the model.
    """
    return start(*_order(name, dataset, matches, leaves_out))


def carry_out_evaluation(
    name: str,
    dataset: str,
    matches: Mapping[str, str],
    leaves_out: bool = False,
    report: Report = ignore,
) -> OutsideTest:
    """Test a model as a job in this process, which other processes can see and stop.

    Raises
    ------
    UsageError
        If the classes do not match.
    StoppedError
        If it was stopped.
    MedrecogError
        As `start_evaluation`, or if no image can be read.
    """
    carry_out(create_job(*_order(name, dataset, matches, leaves_out)), report)
    tests = {test.dataset: test for test in load_model(name).outside_tests}
    return tests[dataset]


def _order(
    name: str, dataset: str, matches: Mapping[str, str], leaves_out: bool
) -> tuple[str, str, str, dict[str, Any]]:
    card = read_card(name)
    check_may_change_in(cache_folder().models / name, "test a model")
    if missing := missing_weights(card):
        raise MedrecogError(missing)
    counts = Counter(image.label for image in library.load(dataset).images)
    match_classes(counts, card.classes, matches, leaves_out)
    arguments = {"dataset": dataset, "matches": dict(matches), "leaves_out": leaves_out}
    return EVALUATE, name, f"Test model {name} on {dataset}", arguments


def work(job: Job, work: Work) -> None:
    """Do the work of a job that tests a model on another data set."""
    order = job.order()
    where = order.arguments
    test = evaluate_model(
        load_model(order.subject),
        where["dataset"],
        where["matches"],
        where["leaves_out"],
        work.checked_report,
        work.should_stop,
    )
    keep_test(order.subject, test)


def evaluate_model(
    model: Model,
    name: str,
    matches: Mapping[str, str] | None = None,
    leaves_out: bool = False,
    report: Report = ignore,
    should_stop: Callable[[], bool] = never,
) -> OutsideTest:
    """Test a model on all images of another data set.

    Features are computed with the weights, preprocessing and rendering of the model, as for single
    new images, and kept in the feature cache.

    Parameters
    ----------
    model
        The model.
    name
        Name of the data set.
    matches, leaves_out
        See `match_classes`.
    report, should_stop
        Called with the progress, and asked between batches.

    Raises
    ------
    UsageError
        If the classes do not match.
    StoppedError
        If `should_stop` says so.
    MedrecogError
        If the data set cannot be loaded, or none of its images can be read.
    """
    card = model.card
    dataset = library.load(name)
    if any(image.file is None for image in dataset.every_image):
        dataset = library.complete(name)
    counts = Counter(image.label for image in dataset.images)
    ours = match_classes(counts, card.classes, matches, leaves_out)
    # As one image for Predict, whatever the rendering of its data set.
    rendered = replace(dataset, rendering=card.rendering)
    tested = [image for image in dataset.images if image.label in ours]
    network, cells = find_network(card.network), members(card.cell)
    described = describe_images(rendered, tested, cells, network, card.source, report, should_stop)
    report(Progress(_SCORING, 0, 0))
    with DescriptorStore(cache_folder().features) as store:
        reader = DescriptorReader(network, card.source, store)
        descriptors = concatenate(
            [reader.describe(described.images, cell, model.codebooks.get(cell)) for cell in cells]
        )
    images = ScoredImages.of(
        [ours[record.label] for record in described.records],
        model.classifier.scores(descriptors),
        card.classes,
        groups=[unit_of(record.group, record.path) for record in described.records],
        positive=card.positive,
    )
    of_training, of_test = _copies(model, rendered, described.records, described.images, report)
    known = model.training_images
    without: tuple[Estimate, ...] = ()
    if of_training is not None and of_training.any() and not of_training.all():
        without = tuple(estimate(images.part(~of_training)).values())
    return OutsideTest(
        dataset=name,
        fingerprint=dataset.fingerprint,
        created=time.time(),
        classes=card.classes,
        positive=card.positive,
        matches=ours,
        left_out={label: n for label, n in sorted(counts.items()) if label not in ours},
        n_unreadable=len(described.skipped),
        estimates=tuple(estimate(images).values()),
        per_class=tuple(estimate_classes(images)),
        confusion=tuple(tuple(map(int, row)) for row in images.confusion),
        own=_own(card, {card.classes[i] for i in np.unique(images.truth)}),
        n_training_copies=None if of_training is None else int(of_training.sum()),
        n_test_copies=None if of_test is None else int(of_test.sum()),
        without_copies=without,
        n_unlike=None if known is None else int(known.detector.examine(descriptors).is_novel.sum()),
    )


def _copies(
    model: Model,
    dataset: Dataset,
    records: Sequence[ImageRecord],
    images: Sequence[Image],
    report: Report,
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return which images are copies of training images, and which of test images only."""
    known = model.known_images
    if known is None:
        return None, None
    measurements = measure_images(
        dataset,
        library.folder_of(dataset.name) / "measurements.json",
        report=lambda done, total: report(Progress(_MEASURING, done, total)),
    )
    of_training, of_test = np.zeros(len(records), bool), np.zeros(len(records), bool)
    for i, (record, image) in enumerate(zip(records, images, strict=True)):
        measurement = measurements[record.path]
        if measurement.reason:
            continue
        copies = known.copies_of_measured(image.sha256, measurement)
        of_training[i] = any(not copy.is_test for copy in copies)
        of_test[i] = bool(copies) and not of_training[i]
    return of_training, of_test


def _own(card: ModelCard, tested: set[str]) -> tuple[Estimate, ...]:
    """Return the measures of the model's own test on images of these classes, if known."""
    if tested == set(card.classes):
        return card.estimates
    try:
        run = find_run(card.run)
        result = run.cell(card.cell)
        if result is None:
            return ()
        images = score_images(run, result)
    except MedrecogError:  # the run is not here, or damaged
        return ()
    chosen = np.isin(images.truth, [card.classes.index(label) for label in tested])
    if images.classes != card.classes or not chosen.any():
        return ()
    return tuple(estimate(images.part(chosen)).values())


def parse_matches(pairs: Sequence[str]) -> dict[str, str]:
    """Return the matches in texts such as `theirs=ours`; `theirs=` leaves a class out.

    Raises
    ------
    UsageError
        If a text is not of that form, or a class is matched twice.
    """
    matches: dict[str, str] = {}
    for pair in pairs:
        theirs, sign, ours = pair.rpartition("=")
        if not sign or not theirs:
            raise UsageError(f"“{pair}” is not a match. Write it as THEIRS=OURS.")
        if theirs in matches:
            raise UsageError(f"The class “{theirs}” is matched twice. Match it once.")
        matches[theirs] = ours
    return matches
