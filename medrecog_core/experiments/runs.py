"""The runs that there are: a new one, one by its identity, all, and those that words describe."""

import re
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

from medrecog_core import atomic_file
from medrecog_core.errors import MedrecogError
from medrecog_core.experiments.run_folder import RunFolder
from medrecog_core.experiments.specification import RunSpecification
from medrecog_core.jobs.process import this_process
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import cache_folder
from medrecog_core.mode import check_may_change

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


def create_run(
    specification: RunSpecification, repeated: Mapping[str, Any] | None = None
) -> RunFolder:
    """Create the folder of a new run, queued.

    Parameters
    ----------
    specification
        What it is asked to do.
    repeated
        The document of an earlier run that this one repeats, to be compared with it.

    Raises
    ------
    StorageError
        If the cache folder cannot be written to.
    """
    check_may_change("start a run")
    now = time.time()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    run = RunFolder(f"{specification.dataset[:40]}-{stamp}-{secrets.token_hex(2)}")
    atomic_file.write_json(run.path / "specification.json", specification.to_document())
    if repeated is not None:
        run.write_repeated(repeated)
    # Until another process is started for it, the run waits in this one and ends with it.
    run.write_launch(this_process())
    run.write_state(JobState(created=now))
    return run


def find_run(run_id: str) -> RunFolder:
    """Return the run of that identity.

    Raises
    ------
    MedrecogError
        If there is none.
    """
    run = RunFolder(run_id)
    if not _ID.fullmatch(run_id) or not (run.path / "state.json").is_file():
        raise MedrecogError(f"There is no run “{run_id}”: the command “runs” lists them.")
    return run


def all_runs() -> list[RunFolder]:
    """Return every run, the newest first."""
    files = cache_folder().runs.glob("*/state.json")
    runs = [RunFolder(file.parent.name) for file in files if _ID.fullmatch(file.parent.name)]
    return sorted(runs, key=lambda run: (run.state().created, run.id), reverse=True)


def search_runs(runs: Iterable[RunFolder], text: str) -> list[RunFolder]:
    """Return the runs that every word of a text describes, in their order.

    A word may be a part of the run's identity or title, the data set, the network, a layer, scale
    or pooling, the classifier, or the status; case does not matter.
    """
    words = text.casefold().split()
    return [run for run in runs if not words or _is_described(run, words)]


def _is_described(run: RunFolder, words: list[str]) -> bool:
    try:
        asked = run.specification()
        described = [asked.dataset, asked.network, *asked.layers, *asked.poolings]
        described += [asked.classifier, asked.trained_classifier.title]
        described += map(str, asked.scales)
    except MedrecogError:
        described = []
    text = "\n".join((run.id, run.title, run.state().status, *described)).casefold()
    return all(word in text for word in words)
