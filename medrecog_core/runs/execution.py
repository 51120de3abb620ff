"""Carrying out a run, from its specification to its last cell."""

import dataclasses
import platform
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

from medrecog_core import __version__
from medrecog_core.datasets import Split, demo, split_images
from medrecog_core.datasets.label_review import LABEL_ERROR
from medrecog_core.errors import MedrecogError, StoppedError, StorageError
from medrecog_core.features import DescriptorReader, DescriptorSource, DescriptorStore
from medrecog_core.images import Image
from medrecog_core.jobs.job import Job
from medrecog_core.jobs.progress import Progress, Report, ignore, stop_if
from medrecog_core.jobs.work import Work, carry_out
from medrecog_core.jobs.work import launch as launch_job
from medrecog_core.locations import cache_folder
from medrecog_core.networks import Network, find_device, find_network, find_weights
from medrecog_core.networks.engines import Choice
from medrecog_core.quota import check_cache_quota, note_features
from medrecog_core.runs.baselines import add_baselines, baselines_of, compare_with_baselines
from medrecog_core.runs.cell_evaluation import StoredImages, evaluate_cell
from medrecog_core.runs.estimate import TRAINING, estimate_cost, forecast_run
from medrecog_core.runs.extracted_dataset import (
    ExtractedDataset,
    extract_images,
    load_sample,
)
from medrecog_core.runs.record import Repeated, RunRecord
from medrecog_core.runs.repetition import (
    changed_cells,
    differences,
    recorded_rendering,
)
from medrecog_core.runs.run import Run, create_run
from medrecog_core.runs.specification import RunSpecification
from medrecog_core.runs.training_time import keep_training_times, training_work

_RECORDED_PACKAGES = ("tensorflow", "keras", "MNN", "scikit-learn", "numpy", "pillow")


def execute(run: Run, report: Report = ignore) -> None:
    """Carry out a run in this process, or resume it: what was done is not done again.

    It waits for its turn first. The run's folder says at any time how far it is. SIGTERM, SIGINT
    and the folder's stop note end it within seconds; at most the batch or cell in hand is lost.

    Parameters
    ----------
    run
        A run that no process is working on.
    report
        Called with the progress.

    Raises
    ------
    StoppedError
        If the run was stopped.
    MedrecogError
        If it failed, or another process is working on it.
    """
    carry_out(run, report)


def launch(specification: RunSpecification, title: str = "") -> Run:
    """Create a run and start a process that carries it out; return at once.

    Raises
    ------
    UsageError
        If the title is longer than 100 characters.
    QuotaError
        If who is acting would store more than is allowed.
    StorageError
        If the cache folder cannot be written to.
    """
    # Estimating an image set that is not drawn yet would draw it.
    is_known = specification.dataset != demo.NAME or demo.is_drawn()
    is_limited = is_known and check_cache_quota() is not None
    n_bytes = estimate_cost(specification).n_bytes if is_limited else 0
    check_cache_quota(n_bytes)
    run = create_run(specification, title=title)
    if is_limited:
        note_features(run.path, n_bytes)
    launch_job(run)
    return run


def result_document(run: Run) -> dict[str, Any]:
    """Return what is known of a run as one JSON document, as `run --json` prints it."""
    state, record = run.state(), run.record()
    document: dict[str, Any] = {
        "run": run.id,
        "title": run.title,
        "status": state.status,
        "error": state.error,
        "dataset": run.specification().dataset,
        "specification": run.specification().to_document(),
        "n_images": record.n_images if record else 0,
        "sample": record.sample if record else "",
        "skipped": [entry.model_dump() for entry in record.skipped] if record else [],
        "network_images": {str(scale): n for scale, n in state.network_images},
        "cells": [result.to_document() for result in run.cells()],
        "record": record.to_document() if record else {},
    }
    with suppress(StorageError):  # damaged cells are missing above, too
        if found := compare_with_baselines(run):
            document["baselines"] = [
                {"baseline": each.name, "accuracy": each.estimate.value}
                | {"accuracy_interval": [each.estimate.low, each.estimate.high]}
                for each in found.baselines
            ]
    repeated = run.repeated()
    if repeated is not None and record and record.repeats:
        finished = state.status == "finished"
        changed = changed_cells(repeated, run) if finished else None
        document["repeats"] = {**record.repeats.model_dump(mode="json"), "changed_cells": changed}
    return document


def work_on_run(job: Job, work: Work) -> None:
    """Extract what is missing, then train and test the cells that are missing."""
    run = Run(job.id)
    specification = run.specification()
    network = find_network(specification.network)
    rendering = recorded_rendering(run)
    dataset, sample = load_sample(specification, work.report, work.should_stop, rendering)
    with suppress(MedrecogError):  # what is wrong the work itself finds out, and says so
        work.expect(forecast_run(run, dataset).seconds_left)
    extracted = extract_images(specification, dataset, sample, work.report, work.should_stop)
    source = extracted.source
    found = split_images(extracted.records, specification.split_protocol)
    positions, split = found.without_unused()
    images = [extracted.images[i] for i in positions]
    records = [extracted.records[i] for i in positions]
    if not _was_done_with(run, images, split, source):
        # Files or weights changed since the run was stopped: its cells would not be of one run.
        run.discard_cells()
    run.write_images(images)
    run.write_split(split)
    run.write_files(extracted.file_states)
    record = _record_of(run, network, extracted, split)
    run.write_record(record.model_copy(update={"seconds": work.seconds()}))
    todo = run.missing_cells()
    n_cells = len(specification.cells)
    n_found = n_cells - len(todo)
    with DescriptorStore(cache_folder().features) as store:
        stored = StoredImages(images, DescriptorReader(network, source, store))
        for i, cell in enumerate(todo):
            stop_if(work.should_stop())
            work.report(Progress(TRAINING, n_found + i, n_cells, found=n_found))
            data = stored.cell_data(cell, split, specification, work.report, work.should_stop)
            result, scores = evaluate_cell(cell, data, specification, work.should_stop)
            run.write_cell(result, scores)
            took = (training_work(cell, specification, records), result.seconds)
            keep_training_times([took], specification.classifier)
    work.report(Progress(TRAINING, n_cells, n_cells, found=n_found))
    if baselines_of(run) is None:
        try:
            add_baselines(run, extracted.glimpses, work.report, work.should_stop)
        except StoppedError:
            raise
        except MedrecogError as error:
            # The cells are whole without them, and the command “baselines” can add them later.
            run.log.write(f"No baselines. {error}")
    run.write_record(record.model_copy(update={"seconds": work.seconds()}))


def _record_of(run: Run, network: Network, extracted: ExtractedDataset, split: Split) -> RunRecord:
    """Return the record of a run at the start of its training."""
    try:
        earlier = run.record()  # of an attempt that computed what is in the store now
    except StorageError:
        earlier = None  # a damaged record is written anew
    peaks = {f"extract-{scale}": n for scale, n in extracted.peak_memory.items()}
    record = RunRecord.model_validate(
        {
            "run": run.id,
            "specification": run.specification().to_document(),
            **_describe_environment(network, extracted.source),
            **_describe_engine(extracted.choice, earlier),
            **_describe_data(extracted, split),
            **({"started_by": run.starter.name} if run.starter is not None else {}),
            # The earlier attempt may have read other scales, or the same.
            "peak_memory_bytes": _greater(earlier.peak_memory_bytes, peaks) if earlier else peaks,
        }
    )
    repeated = run.repeated()
    if repeated is None:
        return record
    repeats = Repeated(
        run=repeated.get("run", ""), differences=tuple(differences(repeated, record))
    )
    return record.model_copy(update={"repeats": repeats})


def _describe_engine(choice: Choice | None, earlier: RunRecord | None) -> dict[str, str]:
    if choice is not None:
        return {"engine": choice.engine.name, "engine_choice": choice.why}
    if earlier is not None:
        return {"engine": earlier.engine, "engine_choice": earlier.engine_choice}
    return {"engine": "", "engine_choice": ""}


def _greater(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}


def _describe_data(extracted: ExtractedDataset, split: Split) -> dict[str, Any]:
    used = {record.path for record in extracted.records}
    return {
        "dataset": {
            "name": extracted.dataset.name,
            "layout": extracted.dataset.layout,
            "synthetic": extracted.dataset.synthetic,
            "classes": dict(sorted(Counter(i.label for i in extracted.images).items())),
            "n_groups": len({i.group for i in extracted.images if i.group}),
            "n_excluded": len(extracted.dataset.excluded),
            "n_label_errors": sum(
                each.finding == LABEL_ERROR for each in extracted.dataset.excluded
            ),
            "relabelled": [
                dataclasses.asdict(each)
                for each in extracted.dataset.relabelled
                if each.path in used
            ],
            "fingerprint": extracted.dataset.fingerprint,
        },
        "rendering": extracted.dataset.rendering,
        "n_images": len(extracted.images),
        "sample": extracted.sample,
        "skipped": [dataclasses.asdict(entry) for entry in extracted.skipped],
        "split": {
            "kind": split.kind,
            "n_folds": len(split.folds),
            "n_train": min(len(fold.train) for fold in split.folds),
            "n_test": len(set(split.tested)),
            "n_leaking_groups": split.n_leaking_groups,
        },
    }


def _describe_environment(network: Network, source: DescriptorSource) -> dict[str, Any]:
    device = find_device()
    return {
        "medrecog": __version__,
        "network": network.title,
        "weights": {
            "identity": source.weights,
            "title": find_weights(network, source.weights).title,
        },
        "preprocessing": source.preprocessing,
        "precision": source.precision,
        "device": {"kind": device.kind, "name": device.name, "n_cores": device.n_cores},
        "memory_bytes": psutil.virtual_memory().total,
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": _installed_versions(),
    }


def _installed_versions() -> dict[str, str]:
    versions = {}
    for package in _RECORDED_PACKAGES:
        # Another backend than TensorFlow, or a build of it under another name, will do too.
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions


def _was_done_with(run: Run, images: list[Image], split: Split, source: DescriptorSource) -> bool:
    try:
        return run.images() == images and run.split() == split and run.source() == source
    except StorageError:
        return False
