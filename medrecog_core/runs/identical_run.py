"""A finished run that a new one would only repeat."""

from typing import Any

from medrecog_core.datasets import library
from medrecog_core.errors import MedrecogError
from medrecog_core.networks import resolve_precision
from medrecog_core.runs.extracted_dataset import descriptor_source, file_states
from medrecog_core.runs.run import Run, all_runs
from medrecog_core.runs.specification import RunSpecification


def identical_run(specification: RunSpecification) -> Run | None:
    """Return the newest finished run of the same specification, images, rendering and weights.

    No image is read: a file whose size and time of change are the same is taken for unchanged,
    as version control systems do, and one where they differ for changed.
    """
    asked = _essence(specification)
    candidates = [run for run in all_runs() if _is_finished_with(run, asked)]
    if not candidates:
        return None
    try:
        source = descriptor_source(specification)
        dataset = library.load(specification.dataset)
        files = file_states(dataset)
    except MedrecogError:
        return None  # whoever runs it is told why it cannot be run
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
        **dict.fromkeys(("layers", "scales", "poolings")),
        "cells": specification.cells,
    }
