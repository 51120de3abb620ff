"""The kinds of jobs, and the function that does the work of each."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from medrecog_core.errors import StorageError

TRAINING_LANE = "training"
"""Jobs of this lane share the processor: `MEDRECOG_RUNS_AT_ONCE` of them work at once."""


@dataclass(frozen=True)
class JobKind:
    """A kind of background work.

    Attributes
    ----------
    name
        In a job's folder.
    title
        For people.
    work
        Dotted name of the function that does the work, `module:function`. It is looked up in the
        process that works, so that this package imports nothing above it. It is called with the
        `Job` and the `Work` at hand.
    works_on
        What a job's subject is a name of. Jobs that work on one thing cannot work at once.
    lane
        Jobs of one lane wait for their turn; those without a lane start at once.
    """

    name: str
    title: str
    work: str
    works_on: str = ""
    lane: str = ""

    def function(self) -> Callable[..., Any]:
        """Return the function that does the work."""
        module, _, name = self.work.partition(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return function


RUN, TRAIN, IMPORT, CHECK, DRAW_DEMO = "run", "train", "import", "check", "draw-demo"
DOWNLOAD_DATASET, DOWNLOAD_WEIGHTS = "download-dataset", "download-weights"
_DATA_SET, _MODEL, _NETWORK = "data set", "model", "network"

KINDS = {
    kind.name: kind
    for kind in (
        JobKind(RUN, "Run", "medrecog_core.runs.execution:work_on_run", lane=TRAINING_LANE),
        JobKind(
            TRAIN, "Model training", "medrecog_core.models.training:work", _MODEL, TRAINING_LANE
        ),
        JobKind(IMPORT, "Import", "medrecog_core.datasets.importing:work", _DATA_SET),
        JobKind(CHECK, "Health check", "medrecog_core.datasets.health:work", _DATA_SET),
        JobKind(
            DRAW_DEMO, "Demo images", "medrecog_core.datasets.library:work_on_drawing", _DATA_SET
        ),
        JobKind(DOWNLOAD_DATASET, "Download", "medrecog_core.datasets.downloading:work", _DATA_SET),
        JobKind(
            DOWNLOAD_WEIGHTS, "Download", "medrecog_core.networks.weight_import:work", _NETWORK
        ),
    )
}
"""Every kind of job; a new one is a row here and its function."""


def find_kind(name: str) -> JobKind:
    """Return the kind of that name.

    Raises
    ------
    StorageError
        If there is none, as in a job of a newer version.
    """
    if name not in KINDS:
        raise StorageError(f"Unknown kind of job “{name}”. Available: {', '.join(KINDS)}.")
    return KINDS[name]
