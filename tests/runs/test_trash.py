import time

import pytest

from medrecog_core import atomic_file
from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import cache_folder
from medrecog_core.mode import ReadOnlyError
from medrecog_core.runs import Run, RunSpecification, all_runs, create_run
from medrecog_core.runs.trash import deleted_runs, empty_trash, restore_run
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from medrecog_core.storage import parts


@pytest.fixture
def deleted() -> Run:
    run = create_run(RunSpecification(dataset="demo"), title="First try")
    run.write_state(JobState("stopped", created=1.0))
    run.delete()
    return run


def test_a_deleted_run_is_in_the_trash_only(deleted: Run) -> None:
    assert all_runs() == []
    (found,) = deleted_runs()
    assert (found.id, found.title, found.days_left) == (deleted.id, "First try", 30)
    (part,) = [part for part in parts() if part.kind == "trash"]
    assert part.n_items == 1 and part.n_bytes > 0


def test_a_restored_run_is_what_it_was(deleted: Run) -> None:
    restore_run(deleted.id)
    assert deleted_runs() == []
    assert [run.id for run in all_runs()] == [deleted.id]
    assert (deleted.title, deleted.state().status) == ("First try", "stopped")
    assert sorted(file.name for file in deleted.path.iterdir()) == [
        *("launch.json", "specification.json", "state.json", "title.json")
    ]


@pytest.mark.parametrize("name", ["other", "../runs", ""])
def test_only_a_deleted_run_is_restored(deleted: Run, name: str) -> None:
    with pytest.raises(MedrecogError):
        restore_run(name)


def test_a_restored_run_replaces_no_other(deleted: Run) -> None:
    Run(deleted.id).write_state(JobState("finished"))
    with pytest.raises(MedrecogError):
        restore_run(deleted.id)
    deleted.delete()
    assert len(deleted_runs()) == 1
    restore_run(deleted.id)
    assert deleted.state().status == "finished"


def test_a_run_is_removed_after_thirty_days(deleted: Run) -> None:
    file = cache_folder().trash / deleted.id / "deleted.json"
    atomic_file.write_json(file, time.time() - 29 * 24 * 3600)
    create_run(RunSpecification(dataset="demo"))
    assert [run.days_left for run in deleted_runs()] == [1]
    atomic_file.write_json(file, time.time() - 31 * 24 * 3600)
    create_run(RunSpecification(dataset="demo"))
    assert deleted_runs() == []


@pytest.mark.parametrize("date", ["{", "NaN", "1e300", "-5"])
def test_a_damaged_date_loses_nothing(deleted: Run, date: str) -> None:
    (cache_folder().trash / deleted.id / "deleted.json").write_text(date)
    create_run(RunSpecification(dataset="demo"))
    assert len(deleted_runs()) == 1


def test_an_emptied_trash_has_nothing_left(deleted: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    with pytest.raises(ReadOnlyError):
        empty_trash()
    monkeypatch.delenv(MODE_VARIABLE)
    assert empty_trash() == 1
    assert deleted_runs() == []
    assert not (cache_folder().trash / deleted.id).exists()
