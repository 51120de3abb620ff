"""Model training as a job: seen by others, stopped, resumed, and one at a time for a name."""

import pytest

from medrecog_core.errors import MedrecogError, StoppedError, UsageError
from medrecog_core.features import Cell
from medrecog_core.jobs import queue, work
from medrecog_core.jobs.job import all_jobs, last_job
from medrecog_core.jobs.kinds import TRAIN
from medrecog_core.jobs.process import this_process
from medrecog_core.jobs.progress import Progress
from medrecog_core.jobs.state import JobState
from medrecog_core.jobs.work import carry_out
from medrecog_core.models import (
    carry_out_training,
    load_model,
    model_names,
    start_training,
    train_model,
    training,
)
from medrecog_core.runs import Run, create_run
from tests.textures import specification, wait_until

pytestmark = pytest.mark.slow

CELL = Cell("block2", 224, "average")


def test_a_process_of_its_own_trains_the_same_model(finished: Run) -> None:
    job = start_training(finished, CELL, "mine")
    wait_until(lambda: job.state().has_ended, seconds=120)
    assert (job.state().status, job.state().error) == ("finished", "")
    card = load_model("mine").card
    here = train_model(finished, CELL, "here").card
    assert (card.run, card.cell, card.parameter_value, card.trained_on) == (
        finished.id,
        CELL,
        here.parameter_value,
        here.trained_on,
    )
    assert list(queue._places()) == []


def test_the_foreground_is_seen_stopped_and_resumed(finished: Run) -> None:
    stages: list[str] = []

    def stop_at_calibration(progress: Progress) -> None:
        (job,) = queue.working_jobs()
        stages.append(progress.stage.id)
        if progress.stage.id == "calibrate":
            job.ask_to_stop()

    with pytest.raises(StoppedError):
        carry_out_training(finished, CELL, "mine", report=stop_at_calibration)
    assert stages == ["read-features", "train", "calibrate"]
    assert model_names() == []
    (job,) = all_jobs()
    assert job.state().status == "stopped"
    carry_out(job)
    assert model_names() == ["mine"]


def test_two_trainings_of_one_name_do_not_both_succeed(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "start_module", lambda *_: this_process())
    start_training(finished, CELL, "mine")
    with pytest.raises(MedrecogError, match="The model “mine” is in use"):
        start_training(finished, CELL, "mine")
    with pytest.raises(MedrecogError, match="The model “mine” is in use"):
        carry_out_training(finished, CELL, "mine")
    assert len(all_jobs()) == 1


def test_a_name_that_is_taken_meanwhile_is_not_overwritten(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = training.index_training_images

    def another_comes_first(*arguments: object, **options: object) -> object:
        monkeypatch.setattr(training, "index_training_images", real)
        train_model(finished, Cell("block1", 224, "max"), "mine")
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "index_training_images", another_comes_first)
    with pytest.raises(UsageError, match="already exists"):
        train_model(finished, CELL, "mine")
    assert load_model("mine").card.cell == Cell("block1", 224, "max")


@pytest.mark.parametrize("name", ["", "My model", "../runs"])
def test_a_name_that_cannot_be_starts_no_job(finished: Run, name: str) -> None:
    for begin in (start_training, carry_out_training):
        with pytest.raises(UsageError, match="is not a valid name"):
            begin(finished, CELL, name)
    assert all_jobs() == []


def test_it_waits_for_the_run_before_it(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run = create_run(specification(seed=1))
    run.write_state(JobState("running", process=this_process()))
    queue.join(run)
    monkeypatch.setattr(work, "start_module", lambda *_: this_process())
    job = start_training(finished, CELL, "mine")
    assert [other.id for other in queue.jobs_before(job)] == [run.id]
    assert last_job(TRAIN, "mine").id == job.id
