"""Carrying out a run, from its specification to its last cell."""

import dataclasses
import platform
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

from medrecog_core import __version__
from medrecog_core.datasets import Split, split_images
from medrecog_core.errors import MedrecogError, StoppedError, StorageError
from medrecog_core.experiments import run_queue
from medrecog_core.experiments.cell_evaluation import evaluate_cell
from medrecog_core.experiments.extracted_dataset import (
    ExtractedDataset,
    extract_dataset,
    load_sample,
)
from medrecog_core.experiments.forecast import TRAINING, forecast_run
from medrecog_core.experiments.repetition import changed_cells, differences
from medrecog_core.experiments.run_folder import RunFolder, RunImage
from medrecog_core.experiments.stored_images import StoredImages
from medrecog_core.experiments.training_time import keep_training_times, training_work
from medrecog_core.experiments.working import room_for_the_last_word, working_on
from medrecog_core.features import DescriptorSource, DescriptorStore
from medrecog_core.jobs.journal import Journal
from medrecog_core.jobs.progress import Progress, ignore, stop_if
from medrecog_core.jobs.supervision import stop_on_signals, supervise
from medrecog_core.locations import cache_folder
from medrecog_core.mode import check_may_change
from medrecog_core.networks import Network, find_device, find_network, find_weights

_SECONDS_BETWEEN_LOOKS = 0.3
_RECORDED_PACKAGES = ("tensorflow", "keras", "scikit-learn", "numpy", "pillow")


def execute(run: RunFolder, report: Callable[[Progress], None] = ignore) -> None:
    """Carry out a run in this process, or carry it on: what was done is not done again.

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
    check_may_change("carry out a run")
    state = run.state()
    if state.status == "running":
        raise MedrecogError(f"The run {run.id} is at work already.")
    run.end_silent_process(state)
    # Signals are caught until the last word is written: a second one must not leave the run
    # without it.
    with stop_on_signals() as interrupted, working_on(run), room_for_the_last_word(run) as free:
        if state.has_ended:
            run.forget_stop()  # one that was left while the run waited is heeded
        journal = Journal(run, report)

        def should_stop() -> bool:
            return interrupted.is_set() or run.is_asked_to_stop()

        def end_unfinished(status: str, error: str = "", details: str = "") -> None:
            free()
            # Where even that finds no room, the error itself is what people are to read.
            with suppress(StorageError):
                journal.end(status, error, details)

        try:
            _wait_for_turn(run, journal, should_stop)
            supervise(lambda: _carry_out(run, journal, should_stop), should_stop, journal.beat)
            journal.end("finished")
        except (StoppedError, KeyboardInterrupt):
            end_unfinished("stopped")
            raise StoppedError(
                f"The run {run.id} was stopped; what was done is kept, and “resume {run.id}” "
                "goes on."
            ) from None
        except MedrecogError as error:
            end_unfinished("failed", str(error))
            raise
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            sentence = f"The run {run.id} failed: {error.strerror or error}{where}."
            end_unfinished("failed", sentence, traceback.format_exc())
            raise MedrecogError(sentence) from error
        except BaseException as error:
            sentence = f"The run failed: {type(error).__name__}: {error}"
            end_unfinished("failed", sentence, traceback.format_exc())
            raise
        finally:
            run_queue.leave(run)


def _wait_for_turn(run: RunFolder, journal: Journal, should_stop: Callable[[], bool]) -> None:
    told = ""
    while before := run_queue.take_turn(run, journal.begin):
        more = f" and {len(before) - 1} more" if len(before) > 1 else ""
        stage = f"waiting for {before[0].id}{more}"
        if stage != told:
            told = stage
            journal.progress(Progress(stage, 0, 0, waits=True))
        journal.beat()
        stop_if(should_stop())
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def result_document(run: RunFolder) -> dict[str, Any]:
    """Return what is known of a run as one JSON document, as `run --json` prints it."""
    state, record = run.state(), run.record()
    document = {
        "run": run.id,
        "title": run.title,
        "status": state.status,
        "error": state.error,
        "dataset": run.specification().dataset,
        "specification": run.specification().to_document(),
        "n_images": record.get("n_images", 0),
        "sample": record.get("sample", ""),
        "skipped": record.get("skipped", []),
        "network_images": {str(scale): n for scale, n in state.network_images},
        "cells": [result.to_document() for result in run.cells()],
        "record": record,
    }
    repeated = run.repeated()
    if repeated is not None and "repeats" in record:
        finished = state.status == "finished"
        changed = changed_cells(repeated, run) if finished else None
        document["repeats"] = {**record["repeats"], "changed_cells": changed}
    return document


def _carry_out(run: RunFolder, journal: Journal, should_stop: Callable[[], bool]) -> None:
    specification = run.specification()
    network = find_network(specification.network)
    with suppress(MedrecogError):  # what is wrong the work itself finds out, and says so
        load_sample(specification, journal.progress, should_stop)
        journal.expect(forecast_run(run))
    extracted = extract_dataset(specification, journal.progress, should_stop)
    source = extracted.source
    positions, split = split_images(extracted.images, specification.split_protocol).without_unused()
    images = [extracted.images[i] for i in positions]
    files = [extracted.files[i] for i in positions]
    used = [
        RunImage(str(file.path), file.sha256, image.label, image.group)
        for image, file in zip(images, files, strict=True)
    ]
    if not _was_done_with(run, used, split, source):
        # Files or weights changed since the run was stopped: its cells would not be of one run.
        run.discard_cells()
    run.write_images(used)
    run.write_split(split)
    run.write_files(extracted.file_states)
    record = {
        "run": run.id,
        "specification": specification.to_document(),
        **_describe_environment(network, source),
        **_describe_data(extracted, split),
        # An earlier attempt may have read other scales, or the same.
        "peak_memory_bytes": _greater(
            _earlier_peaks(run),
            {f"extracting at {s}": n for s, n in extracted.peak_memory.items()},
        ),
    }
    earlier = run.repeated()
    if earlier is not None:
        record["repeats"] = {
            "run": earlier.get("run", ""),
            "differences": differences(earlier, record),
        }
    run.write_record({**record, "seconds": journal.seconds})
    todo = run.missing_cells()
    with DescriptorStore(cache_folder().features) as store:
        stored = StoredImages(images, files, network, source, store)
        for i, cell in enumerate(todo):
            stop_if(should_stop())
            journal.progress(Progress(TRAINING, i, len(todo)))
            data = stored.cell_data(cell, split, specification, journal.progress, should_stop)
            result, scores = evaluate_cell(cell, data, specification, should_stop)
            run.write_cell(result, scores)
            keep_training_times([(training_work(cell, specification, images), result.seconds)])
    journal.progress(Progress(TRAINING, len(todo), len(todo)))
    run.write_record({**record, "seconds": journal.seconds})


def _earlier_peaks(run: RunFolder) -> dict[str, int]:
    try:
        peaks: dict[str, int] = run.record().get("peak_memory_bytes", {})
    except StorageError:
        return {}  # a damaged record is written anew
    return peaks


def _greater(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}


def _describe_data(extracted: ExtractedDataset, split: Split) -> dict[str, Any]:
    return {
        "dataset": {
            "name": extracted.dataset.name,
            "layout": extracted.dataset.layout,
            "synthetic": extracted.dataset.synthetic,
            "classes": dict(sorted(Counter(i.label for i in extracted.images).items())),
            "n_groups": len({i.group for i in extracted.images if i.group}),
            "n_excluded": len(extracted.dataset.excluded),
            "fingerprint": extracted.dataset.fingerprint,
        },
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


def _was_done_with(
    run: RunFolder, images: list[RunImage], split: Split, source: DescriptorSource
) -> bool:
    try:
        return run.images() == images and run.split() == split and run.source() == source
    except StorageError:
        return False
