"""Results that take a moment, computed once and shared by all sessions."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from medrecog_core.classification import (
    ClassEstimates,
    CrossCalibration,
    Estimate,
    ScoredImages,
    cross_calibrate,
    estimate,
    estimate_classes,
)
from medrecog_core.datasets import library
from medrecog_core.errors import MedrecogError
from medrecog_core.runs import CellResult, Run, find_run
from medrecog_core.runs.baselines import BaselineComparison, compare_with_baselines
from medrecog_core.runs.comparison import (
    RankedCell,
    RunComparison,
    compare_runs,
    rank_cells,
    score_images,
    with_positive,
)
from medrecog_core.runs.grouped import score_groups
from medrecog_core.runs.subgroups import SubgroupResult, compare_by, metadata_columns

_SPINNER = "Computing confidence intervals …"

Version = tuple[int, int]


def load_ranked_cells(run: Run, measure: str, positive: str | None) -> list[RankedCell]:
    """Return the cells of a run with confidence intervals; see `rank_cells`."""
    return _ranked_cells(run.id, version_of(run), measure, positive)


def load_estimates(run: Run, result: CellResult) -> dict[str, Estimate]:
    """Return the measures of a cell with confidence intervals; see `estimate`."""
    return _estimates(run.id, version_of(run), result.cell.name, result.metrics.positive)


def load_class_estimates(run: Run, result: CellResult) -> list[ClassEstimates]:
    """Return the classes of a cell with confidence intervals; see `estimate_classes`."""
    return _class_estimates(run.id, version_of(run), result.cell.name)


def load_calibration(run: Run, result: CellResult) -> CrossCalibration:
    """Return the calibration of a cell; see `cross_calibrate`."""
    return _calibration(run.id, version_of(run), result.cell.name, result.metrics.positive)


def load_baselines(run: Run, measure: str, positive: str | None) -> BaselineComparison | None:
    """Return the cells of a run beside its baselines; see `compare_with_baselines`."""
    return _baselines(run.id, version_of(run), measure, positive)


@dataclass(frozen=True)
class GroupScores:
    """The test groups of a cell with one score a class each, and their measures."""

    images: ScoredImages
    estimates: dict[str, Estimate]


def load_group_scores(run: Run, result: CellResult, how: str) -> GroupScores:
    """Return the groups of a cell; see `score_groups`."""
    return _group_scores(run.id, version_of(run), result.cell.name, result.metrics.positive, how)


def load_columns(run: Run) -> dict[str, list[str]]:
    """Return the columns for sub-groups; see `metadata_columns`."""
    return _columns(run.id, library.version(run.specification().dataset))


def load_subgroups(run: Run, result: CellResult, column: str, measure: str) -> SubgroupResult:
    """Return a measure of a cell in sub-groups; see `compare_by`."""
    version = (*version_of(run), *library.version(run.specification().dataset))
    positive = result.metrics.positive
    return _subgroups(run.id, version, result.cell.name, positive, column, measure)


def load_comparison(runs: Sequence[Run], measure: str, positive: str | None) -> RunComparison:
    """Return a comparison of runs; see `compare_runs`."""
    versions = tuple((run.id, run.title, *version_of(run)) for run in runs)
    return _comparison(versions, measure, positive)


def version_of(run: Run) -> Version:
    """Return a value that changes when a cell or the baselines of the run are computed again."""
    modified = []
    for file in (*(run.path / "cells").glob("*.npy"), run.path / "baselines.json"):
        with contextlib.suppress(OSError):  # deleted when they are trained again, or not there yet
            modified.append(file.stat().st_mtime_ns)
    return len(modified), max(modified, default=0)


@st.cache_data(max_entries=64, show_spinner=_SPINNER)
def _ranked_cells(
    run_id: str, version: Version, measure: str, positive: str | None
) -> list[RankedCell]:
    return rank_cells(find_run(run_id), measure, positive)


@st.cache_data(max_entries=64, show_spinner=_SPINNER)
def _baselines(
    run_id: str, version: Version, measure: str, positive: str | None
) -> BaselineComparison | None:
    return compare_with_baselines(find_run(run_id), measure, positive)


@st.cache_data(max_entries=64, show_spinner=_SPINNER)
def _estimates(
    run_id: str, version: Version, cell: str, positive: str | None
) -> dict[str, Estimate]:
    run = find_run(run_id)
    return estimate(score_images(run, load_result(run, cell, positive)))


@st.cache_data(max_entries=16, show_spinner=_SPINNER)
def _group_scores(
    run_id: str, version: Version, cell: str, positive: str | None, how: str
) -> GroupScores:
    run = find_run(run_id)
    images = score_groups(run, load_result(run, cell, positive), how)
    return GroupScores(images, estimate(images))


@st.cache_data(max_entries=16, show_spinner=False)
def _columns(run_id: str, version: tuple[int, ...]) -> dict[str, list[str]]:
    return {name: list(values) for name, values in metadata_columns(find_run(run_id)).items()}


@st.cache_data(max_entries=64, show_spinner=_SPINNER)
def _subgroups(
    run_id: str,
    version: tuple[int, ...],
    cell: str,
    positive: str | None,
    column: str,
    measure: str,
) -> SubgroupResult:
    run = find_run(run_id)
    return compare_by(run, load_result(run, cell, positive), column, measure)


@st.cache_data(max_entries=16, show_spinner=_SPINNER)
def _comparison(
    versions: tuple[tuple[str, str, int, int], ...], measure: str, positive: str | None
) -> RunComparison:
    return compare_runs([find_run(run_id) for run_id, *_ in versions], measure, positive)


@st.cache_data(max_entries=64, show_spinner="Calibrating the scores …")
def _calibration(
    run_id: str, version: Version, cell: str, positive: str | None
) -> CrossCalibration:
    run = find_run(run_id)
    return cross_calibrate(score_images(run, load_result(run, cell, positive)))


@st.cache_data(max_entries=64, show_spinner=_SPINNER)
def _class_estimates(run_id: str, version: Version, cell: str) -> list[ClassEstimates]:
    run = find_run(run_id)
    return estimate_classes(score_images(run, load_result(run, cell)))


def load_result(run: Run, cell: str, positive: str | None = None) -> CellResult:
    """Return the finished cell of a name."""
    for result in with_positive(run.cells(), positive):
        if result.cell.name == cell:
            return result
    raise MedrecogError(f"Cell “{cell}” of run {run.id} no longer exists. Reload the page.")
