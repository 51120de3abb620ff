"""The kinds of jobs and their functions."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from medrecog_core.errors import StorageError

TRAINING_LANE = "training"
"""Jobs of this lane share the processor; at most `MEDRECOG_RUNS_AT_ONCE` of them run
concurrently."""


@dataclass(frozen=True)
class JobKind:
    """A kind of background work.

    Attributes
    ----------
    name
        Name in a job's folder.
    title
        Title shown to users.
    work
        Dotted name of the function that does the work, `module:function`. It is looked up in the
        job's process, so that this package imports nothing above it. It is called with the `Job`
        and its `Work`.
    works_on
        What a job's subject is the name of. Jobs on the same thing cannot run concurrently.
    lane
        Jobs of one lane are queued; those without a lane start immediately.
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
EVALUATE = "evaluate"
DOWNLOAD_DATASET, DOWNLOAD_WEIGHTS = "download-dataset", "download-weights"
MAP, LEARNING_CURVE = "map", "learning-curve"
_DATA_SET, _MODEL, _NETWORK = "data set", "model", "network"

KINDS = {
    kind.name: kind
    for kind in (
        JobKind(RUN, "Run", "medrecog_core.runs.execution:work_on_run", lane=TRAINING_LANE),
        JobKind(
            TRAIN, "Model training", "medrecog_core.models.training:work", _MODEL, TRAINING_LANE
        ),
        JobKind(
            EVALUATE, "Model test", "medrecog_core.models.evaluation:work", _MODEL, TRAINING_LANE
        ),
        JobKind(IMPORT, "Import", "medrecog_core.datasets.importing:work", _DATA_SET),
        JobKind(CHECK, "Health check", "medrecog_core.datasets.health.check:work", _DATA_SET),
        JobKind(
            DRAW_DEMO, "Demo images", "medrecog_core.datasets.library:work_on_drawing", _DATA_SET
        ),
        JobKind(DOWNLOAD_DATASET, "Download", "medrecog_core.datasets.downloading:work", _DATA_SET),
        JobKind(
            DOWNLOAD_WEIGHTS, "Download", "medrecog_core.networks.weight_import:work", _NETWORK
        ),
        JobKind(
            LEARNING_CURVE,
            "Learning curve",
            "medrecog_core.runs.learning_curve:work",
            "learning curve",
            TRAINING_LANE,
        ),
        JobKind(MAP, "Map", "medrecog_core.runs.embedding:work", "map"),
    )
}
"""All kinds of jobs; a new one is a row here and its function."""


def find_kind(name: str) -> JobKind:
    """Return the kind of that name.

    Raises
    ------
    StorageError
        If it is unknown, as in a job of a newer version.
    """
    if name not in KINDS:
        raise StorageError(f"Unknown kind of job “{name}”. Available: {', '.join(KINDS)}.")
    return KINDS[name]
