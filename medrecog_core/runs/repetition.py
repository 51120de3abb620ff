"""Repeating an experiment: from its record, what differs, and whether an identical run exists."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medrecog_core import atomic_file
from medrecog_core.datasets import library
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.images import Rendering
from medrecog_core.networks import resolve_precision
from medrecog_core.runs.extracted_dataset import descriptor_source, file_states, sampled
from medrecog_core.runs.record import RunRecord
from medrecog_core.runs.run import Run, all_runs
from medrecog_core.runs.specification import RunSpecification

_COMPARED = {
    "medrecog": "medrecog",
    "network": "network",
    "weights.identity": "weights",
    "preprocessing": "preprocessing",
    "precision": "precision",
    "dataset.fingerprint": "fingerprint of the data set",
    "n_images": "number of images",
    "device.name": "processor or GPU",
    "python": "Python",
}


def read_request(path: Path, **changes: Any) -> tuple[RunSpecification, dict[str, Any] | None]:
    """Return the specification in a JSON file, and the document of a run if the file is one.

    Parameters
    ----------
    path
        A specification; or a run as `export` and `show --json` write it, or its record: the run
        is then to be repeated, in the precision it ran in.
    changes
        Values that go before those of a specification. A run that is repeated takes none.

    Raises
    ------
    UsageError
        If the file is neither, or something is to be changed of a run that is repeated.
    """
    try:
        document = atomic_file.read_json(path)
    except (FileNotFoundError, StorageError):
        document = None
    if not isinstance(document, dict) or "specification" not in document:
        return RunSpecification.from_file(path, **changes), None
    if changes:
        raise UsageError(
            f"{path} is the record of a run, which is repeated unchanged. Remove "
            f"{', '.join(sorted(changes))}."
        )
    return specification_of(document), document


def specification_of(document: Mapping[str, Any]) -> RunSpecification:
    """Return the specification that repeats a run, in the precision it ran in.

    Parameters
    ----------
    document
        Of the run, as `result_document` gives it, or its record.

    Raises
    ------
    UsageError
        If the document holds no specification.
    """
    asked, record = document.get("specification"), _record_of(document)
    if isinstance(asked, dict) and "precision" in record:
        asked = {**asked, "precision": record["precision"]}
    return RunSpecification.from_document(asked)


def differences(earlier: Mapping[str, Any], record: RunRecord) -> list[str]:
    """Return what a run ran on and with that was otherwise in the run it repeats, in words.

    Parameters
    ----------
    earlier
        Document or record of the run that is repeated.
    record
        Record of the run that repeats it.
    """
    before, after = _record_of(earlier), record.to_document()
    named = {name: (_at(before, path), _at(after, path)) for path, name in _COMPARED.items()}
    named["rendering"] = (_rendering(before).title, record.rendering.title)
    versions = before.get("versions")
    if isinstance(versions, dict):
        for package in sorted(versions.keys() | record.versions.keys()):
            named[package] = versions.get(package), record.versions.get(package)
    return [
        f"{name}: {'unknown' if then is None else then} then, {now} now"
        for name, (then, now) in named.items()
        if then != now
    ]


def changed_cells(earlier: Mapping[str, Any], run: Run) -> list[str] | None:
    """Return the names of the cells whose figures are others than in the run that is repeated.

    None where the document of that run holds no cells, because it is a record alone.
    """
    if "cells" not in earlier:
        return None
    then = {_name(cell): _figures(cell) for cell in earlier["cells"]}
    now = {_name(cell): _figures(cell) for cell in (r.to_document() for r in run.cells())}
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))


def recorded_rendering(run: Run) -> Rendering | None:
    """Return the rendering that a run has to use because it was recorded before.

    That is its own, of an earlier attempt, or else that of the run it repeats; None where there is
    neither, so that the run uses the data set's.

    Raises
    ------
    MedrecogError
        If the run to repeat has no valid rendering.
    """
    try:
        if record := run.record():
            return record.rendering
    except StorageError:
        pass  # a damaged record is written anew
    repeated = run.repeated()
    before = {} if repeated is None else _record_of(repeated)
    # A document without a record says nothing of how images were read.
    return _rendering(before) if "preprocessing" in before else None


def _rendering(record: Mapping[str, Any]) -> Rendering:
    return Rendering.from_document(record.get("rendering"))


def _record_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    record = document.get("record", document)
    return record if isinstance(record, dict) else {}


def _at(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _name(cell: Mapping[str, Any]) -> str:
    return f"{cell.get('layer')}-{cell.get('scale')}-{cell.get('pooling')}"


def _figures(cell: Mapping[str, Any]) -> Any:
    # As JSON, which knows no tuples: one of the two cells has been through a file.
    return json.loads(json.dumps({**cell, "seconds": None}))


def identical_run(specification: RunSpecification) -> Run | None:
    """Return the newest finished run of the same specification, images, rendering and weights.

    No image is read: a file whose size and time of change are the same counts as unchanged,
    as in version control systems, and one where they differ as changed.
    """
    asked = _essence(specification)
    candidates = [run for run in all_runs() if _is_finished_with(run, asked)]
    if not candidates:
        return None
    try:
        source = descriptor_source(specification)
        dataset, _ = sampled(library.load(specification.dataset), specification)
        files = file_states(dataset)
    except MedrecogError:
        return None  # running it reports why it cannot be run
    for run in candidates:
        try:
            is_same = (
                run.source() == source
                and run.rendering() == dataset.rendering
                and run.files() == files
            )
            if is_same and run.is_whole():
                return run
        except MedrecogError:
            continue
    return None


def _is_finished_with(run: Run, asked: dict[str, Any]) -> bool:
    try:
        return run.state().status == "finished" and _essence(run.specification()) == asked
    except MedrecogError:
        return False


def _essence(specification: RunSpecification) -> dict[str, Any]:
    """Return what two specifications of one experiment share, in whatever order it was given."""
    return {
        **specification.to_document(),
        "precision": resolve_precision(specification.precision),
        # Features of all engines agree within rounding, and are shared.
        "engine": None,
        **dict.fromkeys(("layers", "scales", "poolings")),
        "cells": specification.cells,
    }
