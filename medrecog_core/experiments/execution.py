"""Carrying out a run, from its specification to its last cell."""

import dataclasses
import hashlib
import json
import platform
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from medrecog_core import __version__
from medrecog_core.classification import measure, train_svm
from medrecog_core.datasets import ImageRecord, Partition, split_images
from medrecog_core.errors import MedrecogError, StoppedError, StorageError
from medrecog_core.experiments.extracted_dataset import (
    ExtractedDataset,
    extract_dataset,
)
from medrecog_core.experiments.processes import this_process
from medrecog_core.experiments.run_folder import CellResult, RunFolder, RunImage, RunState
from medrecog_core.experiments.specification import RunSpecification
from medrecog_core.features import (
    Cell,
    DescriptorSource,
    DescriptorStore,
    Progress,
    ignore,
    read_descriptors,
    stop_if,
)
from medrecog_core.locations import cache_folder
from medrecog_core.networks import Network, find_device, find_network, find_weights

_SECONDS_BETWEEN_REPORTS = 0.5
_RECORDED_PACKAGES = ("tensorflow", "keras", "scikit-learn", "numpy", "pillow")


def execute(run: RunFolder, report: Callable[[Progress], None] = ignore) -> None:
    """Carry out a run in this process, or carry it on: what was done is not done again.

    The run's folder says at any time how far it is. SIGTERM, SIGINT and the folder's stop note
    end it after the batch or cell in hand.

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
    state = run.state()
    if state.status == "running":
        raise MedrecogError(f"The run {run.id} is at work already.")
    if state.has_ended:
        run.forget_stop()  # one that was left while the run waited is heeded
    # Signals are caught until the last word is written: a second one must not leave the run
    # without it.
    with _stop_on_signals() as interrupted:
        journal = _Journal(run, state, report)
        try:
            _carry_out(run, journal, lambda: interrupted.is_set() or run.is_asked_to_stop())
        except (StoppedError, KeyboardInterrupt):
            journal.end("stopped")
            raise StoppedError(
                f"The run {run.id} was stopped; what was done is kept, and “resume {run.id}” "
                "goes on."
            ) from None
        except MedrecogError as error:
            journal.end("failed", str(error))
            raise
        except OSError as error:
            sentence = f"The run {run.id} failed: {error.strerror or error} ({error.filename})."
            journal.end("failed", sentence)
            raise MedrecogError(sentence) from error
        except BaseException as error:
            journal.end("failed", f"The run failed: {type(error).__name__}: {error}")
            raise
        journal.end("finished")


def result_document(run: RunFolder) -> dict[str, Any]:
    """Return what is known of a run as one JSON document, as `run --json` prints it."""
    state, record = run.state(), run.record()
    return {
        "run": run.id,
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


def _carry_out(run: RunFolder, journal: "_Journal", should_stop: Callable[[], bool]) -> None:
    specification = run.specification()
    network = find_network(specification.network)
    extracted = extract_dataset(specification, journal.progress, should_stop)
    source = extracted.source
    partition = split_images(extracted.images, specification.seed)
    used = _used_images(extracted, partition)
    if not _was_done_with(run, used, source):
        # Files or weights changed since the run was stopped: its cells would not be of one run.
        run.discard_cells()
    run.write_images(used)
    run.write_record(
        {
            **_describe_environment(network, source),
            **_describe_data(extracted, partition),
            "seconds": {
                "hashing": extracted.seconds_hashing,
                **{f"extracting at {s}": t for s, t in extracted.seconds.items()},
            },
            "peak_memory_bytes": {
                f"extracting at {s}": n for s, n in extracted.peak_memory.items()
            },
        }
    )
    todo = [cell for cell in specification.cells if not run.has_cell(cell)]
    with DescriptorStore(cache_folder().features) as store:
        for i, cell in enumerate(todo):
            stop_if(should_stop())
            journal.progress(Progress("training", i, len(todo)))
            descriptors = read_descriptors(extracted.files, cell, network, source, store)
            result, scores = _train_and_test(
                cell, descriptors, extracted.images, partition, specification
            )
            run.write_cell(result, scores)
    journal.progress(Progress("training", len(todo), len(todo)))


def _used_images(extracted: ExtractedDataset, partition: Partition) -> list[RunImage]:
    images, files = extracted.images, extracted.files
    return [
        RunImage(str(files[i].path), files[i].sha256, images[i].label, images[i].group, part)
        for part, positions in (("train", partition.train), ("test", partition.test))
        for i in positions
    ]


def _train_and_test(
    cell: Cell,
    descriptors: np.ndarray,
    images: Sequence[ImageRecord],
    partition: Partition,
    specification: RunSpecification,
) -> tuple[CellResult, np.ndarray]:
    start = time.monotonic()
    train, test = list(partition.train), list(partition.test)
    svm = train_svm(
        descriptors[train], [images[i].label for i in train], specification.C, specification.seed
    )
    scores = svm.scores(descriptors[test])
    metrics = measure([images[i].label for i in test], scores, svm.classes)
    return CellResult(cell, metrics, len(train), len(test), time.monotonic() - start), scores


def _describe_data(extracted: ExtractedDataset, partition: Partition) -> dict[str, Any]:
    identity = [
        [image.path, image.label, image.split, image.group, file.sha256]
        for image, file in zip(extracted.images, extracted.files, strict=True)
    ]
    return {
        "dataset": {
            "name": extracted.dataset.name,
            "layout": extracted.dataset.layout,
            "synthetic": extracted.dataset.synthetic,
            "classes": dict(sorted(Counter(i.label for i in extracted.images).items())),
            "n_groups": len({i.group for i in extracted.images if i.group}),
            "fingerprint": hashlib.sha256(json.dumps(identity).encode()).hexdigest(),
        },
        "n_images": len(extracted.images),
        "sample": extracted.sample,
        "skipped": [dataclasses.asdict(entry) for entry in extracted.skipped],
        "split": {
            "kind": partition.kind,
            "n_train": len(partition.train),
            "n_test": len(partition.test),
            "n_leaking_groups": partition.n_leaking_groups,
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


def _was_done_with(run: RunFolder, images: list[RunImage], source: DescriptorSource) -> bool:
    try:
        return run.images() == images and run.source() == source
    except StorageError:
        return False


class _Journal:
    """Writes how a run is doing into its folder, not more often than people can read it."""

    def __init__(
        self, run: RunFolder, earlier: RunState, report: Callable[[Progress], None]
    ) -> None:
        self._run, self._report = run, report
        self._earlier_images = dict(earlier.network_images)
        self._last_write = 0.0
        self._state = dataclasses.replace(
            earlier,
            status="running",
            error="",
            process=this_process(),
            started=earlier.started or time.time(),
        )
        run.write_state(self._state)

    def progress(self, progress: Progress) -> None:
        images = dict(self._state.network_images)
        if progress.scale is not None:
            earlier = self._earlier_images.get(progress.scale, 0)
            images[progress.scale] = earlier + progress.done
        self._state = dataclasses.replace(
            self._state,
            stage=progress.stage,
            done=progress.done,
            total=progress.total,
            rate=progress.rate,
            network_images=tuple(images.items()),
        )
        self._report(progress)
        now = time.monotonic()
        if now - self._last_write >= _SECONDS_BETWEEN_REPORTS or progress.done == 0:
            self._last_write = now
            self._run.write_state(self._state)

    def end(self, status: str, error: str = "") -> None:
        self._state = dataclasses.replace(
            self._state, status=status, error=error, finished=time.time()
        )
        self._run.write_state(self._state)


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """Turn SIGTERM and SIGINT into a wish to stop; a second SIGINT ends the process at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def stop(number: int, _: Any) -> None:
        if event.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        event.set()

    kept = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield event
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
