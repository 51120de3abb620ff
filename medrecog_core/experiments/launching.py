"""Starting runs that outlive the page, and stopping them."""

from dataclasses import replace

from medrecog_core.errors import MedrecogError
from medrecog_core.experiments import run_queue
from medrecog_core.experiments.run_folder import RunFolder
from medrecog_core.experiments.runs import create_run
from medrecog_core.experiments.specification import RunSpecification
from medrecog_core.experiments.working import working_on
from medrecog_core.jobs.process import start_detached, this_process
from medrecog_core.mode import check_may_change


def launch(specification: RunSpecification) -> RunFolder:
    """Create a run and start a process that carries it out; return at once.

    Raises
    ------
    StorageError
        If the cache folder cannot be written to.
    """
    run = create_run(specification)
    _start(run)
    return run


def relaunch(run: RunFolder) -> None:
    """Start a process that carries on a run.

    Raises
    ------
    MedrecogError
        If a process is working on it, or about to.
    """
    check_may_change("carry on a run")
    state = run.state()
    if state.has_ended:
        run.end_silent_process(state)
    with working_on(run):  # two must not be started
        state = run.state()
        if not state.has_ended:
            raise MedrecogError(f"The run {run.id} is at work already.")
        run.forget_stop()
        # Said before the process says it, which takes seconds to come.
        run.write_launch(this_process())
        run.write_state(replace(state, status="queued", error="", process=None, heartbeat=0.0))
    _start(run)


def stop(run: RunFolder) -> None:
    """Ask a run to stop; what it has done is kept.

    Raises
    ------
    MedrecogError
        If no process is working on it.
    """
    check_may_change("stop a run")
    state = run.state()
    if state.has_ended:
        raise MedrecogError(f"The run {run.id} is not at work: it is {state.status}.")
    run.ask_to_stop()
    if state.process is not None:
        state.process.terminate()


def _start(run: RunFolder) -> None:
    try:
        run_queue.join(run)
        run.write_launch(start_detached(["resume", run.id], run.log.file))
    except MedrecogError as error:
        run.write_state(replace(run.state(), status="failed", error=str(error)))
        raise
