"""Runs that are killed at random moments, in a short form of `benchmarks/kills.py`."""

from pathlib import Path

import pytest

from benchmarks import kills
from medrecog_core.settings import CACHE_VARIABLE

pytestmark = pytest.mark.slow


def test_killed_runs_end_as_if_nothing_had_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, "replaced and put back")  # `measure` sets it
    report = kills.measure(2, per_class=8, seed=5, folder=tmp_path)
    assert report.kills == 2
    assert report.faults == []
    assert all(twice <= report.kills * report.batch for twice in report.images_twice)
    assert report.largest_score_difference < 1e-4
