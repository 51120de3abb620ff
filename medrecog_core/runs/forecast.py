"""When a run will have ended: what is left of it, at the pace it has had so far."""

import time
from collections.abc import Mapping, Sequence

from medrecog_core.datasets import library
from medrecog_core.datasets.sampling import draw_sample
from medrecog_core.images import Rendering
from medrecog_core.jobs.progress import Progress, Stage
from medrecog_core.runs.cost import estimate_cost
from medrecog_core.runs.run import Run
from medrecog_core.runs.training_time import seconds_of_training, training_work

TRAINING = Stage("train", "Training classifiers", "cells")
"""The stage in which a run counts its cells."""


_ASSUMED_PACE = 1 / 2e9
"""Seconds for a unit of a cell's work until one was measured: about what two cores were seen to
need. Cells take little beside images, so that a wrong guess moves the end of a run but little."""


class Forecast:
    """Expects how long a run will still take, over all scales and cells.

    What is ahead is known beforehand, as seconds where this machine was measured, else as
    multiplications. As the run itself shows how long some of it takes, all that is left of its kind
    is expected to go at that pace.

    Parameters
    ----------
    scales
        From scale to the work of its pass through the network.
    cells
        The work of each cell that is missing, in their order.
    scales_pace, cells_pace
        Seconds for a unit of work as far as they are known beforehand: 1 where the work is in
        seconds, None where nothing was measured.
    """

    def __init__(
        self,
        scales: Mapping[int, float],
        cells: Sequence[float],
        scales_pace: float | None = 1.0,
        cells_pace: float | None = 1.0,
    ) -> None:
        self._scales, self._cells = dict(scales), list(cells)
        self._scales_pace, self._cells_pace = scales_pace, cells_pace
        self._scales_left, self._cells_left = sum(self._scales.values()), sum(self._cells)
        self._expected_cells_pace = cells_pace
        self._cells_begun: float | None = None
        self._told_at = time.monotonic()

    def seconds_left(self, progress: Progress) -> float | None:
        """Return the expected time to the end of the run, None while it is unknown.

        Parameters
        ----------
        progress
            The latest, of any stage; each has to be told.
        """
        now = time.monotonic()
        if progress.scale is not None:
            self._hear_of_scale(progress, progress.scale)
            self._told_at = now
        elif progress.stage.id == TRAINING.id:
            self._hear_of_cells(progress, now)
            self._told_at = now
        expected = (
            _seconds(self._scales_left, self._scales_pace),
            _seconds(self._cells_left, self._cells_pace),
        )
        if expected[0] is None or expected[1] is None:
            return None
        # A long cell says nothing of itself until it is done.
        since = now - self._told_at if self._cells_begun is not None else 0.0
        return max(0.0, expected[0] + expected[1] - since)

    def _hear_of_scale(self, progress: Progress, scale: int) -> None:
        work = self._scales.get(scale, 0.0)
        later = sum(each for other, each in self._scales.items() if other > scale)
        if progress.rate and work:
            self._scales_pace = progress.total / progress.rate / work
        share_left = 1 - progress.done / progress.total if progress.total else 0.0
        self._scales_left = share_left * work + later

    def _hear_of_cells(self, progress: Progress, now: float) -> None:
        if self._cells_begun is None:
            self._cells_begun = now
        self._scales_left = 0.0
        done, took = sum(self._cells[: progress.done]), now - self._cells_begun
        if done and self._expected_cells_pace is not None:
            # What was expected counts as much as a cell of average work, since those that are
            # done first may be small ones.
            usual = sum(self._cells) / len(self._cells)
            self._cells_pace = (took + self._expected_cells_pace * usual) / (done + usual)
        elif done:
            self._cells_pace = took / done
        self._cells_left = sum(self._cells[progress.done :])


def forecast_run(run: Run, rendering: Rendering | None = None) -> Forecast:
    """Return the forecast of a run whose data set is there, for what it has not done yet.

    Parameters
    ----------
    run
        The run.
    rendering
        How stored values become pictures, in the place of the data set's own rendering.

    Raises
    ------
    MedrecogError
        If the data set cannot be loaded, or a sample is too small.
    StorageError
        If the store cannot be used.
    """
    specification = run.specification()
    cost = estimate_cost(specification, rendering)
    images = library.load(specification.dataset).images
    if specification.sample is not None:
        images = draw_sample(images, specification.sample, specification.seed).images
    works = [training_work(cell, specification, images) for cell in run.missing_cells()]
    seconds = [seconds_of_training(work, specification.classifier) for work in works]
    is_measured = cost.seconds is not None
    return Forecast(
        {each.scale: each.seconds if is_measured else each.gflop for each in cost.scales},  # type: ignore[misc]
        works if None in seconds else [each or 0.0 for each in seconds],
        1.0 if is_measured else None,
        _ASSUMED_PACE if None in seconds else 1.0,
    )


def _seconds(work: float, pace: float | None) -> float | None:
    if not work:
        return 0.0
    return None if pace is None else work * pace
