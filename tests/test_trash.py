import time
from collections.abc import Callable

import pytest

from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import cache_folder
from medrecog_core.mode import ReadOnlyError
from medrecog_core.runs import RUN_TRASH, Run, RunSpecification, all_runs, create_run
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from medrecog_core.storage import parts
from medrecog_core.trash import Trash

DAY = 24 * 3600
NOTES = Trash("note", lambda: cache_folder().root / "notes", lambda folder: folder.name.upper())


@pytest.fixture
def deleted() -> Run:
    run = create_run(RunSpecification(dataset="demo"), title="First try")
    run.write_state(JobState("stopped", created=1.0))
    run.delete()
    return run


@pytest.fixture
def write() -> Callable[[str], None]:
    """Give a function that puts a note with a text into the trash."""

    def write(text: str) -> None:
        folder = NOTES.home() / "one"
        folder.mkdir(parents=True)
        (folder / "text").write_text(text)
        NOTES.put(folder)

    return write


def age(run: Run, days: float) -> None:
    """Have a run be deleted some days ago."""
    (found,) = RUN_TRASH.contents()
    place = found.folder.parent
    place.rename(place.with_name(str(time.time_ns() - int(days * DAY * 1e9))))


def test_a_deleted_run_is_in_the_trash_only(deleted: Run) -> None:
    assert all_runs() == []
    (found,) = RUN_TRASH.contents()
    assert (found.name, found.title, found.days_left) == (deleted.id, "First try", 30)
    assert found.deleted == pytest.approx(time.time(), abs=60)
    (part,) = [part for part in parts() if part.kind == "trash"]
    assert part.n_items == 1 and part.n_bytes > 0


def test_a_restored_run_is_what_it_was(deleted: Run) -> None:
    RUN_TRASH.restore(deleted.id)
    assert RUN_TRASH.contents() == []
    assert [run.id for run in all_runs()] == [deleted.id]
    assert (deleted.title, deleted.state().status) == ("First try", "stopped")
    assert sorted(file.name for file in deleted.path.iterdir()) == [
        *("launch.json", "specification.json", "state.json", "title.json")
    ]
    assert not any(cache_folder().trash.glob("*/*"))


@pytest.mark.parametrize("name", ["other", "../runs", ""])
def test_only_what_was_deleted_is_restored(deleted: Run, name: str) -> None:
    with pytest.raises(MedrecogError):
        RUN_TRASH.restore(name)


def test_what_is_restored_replaces_no_other(deleted: Run) -> None:
    Run(deleted.id).write_state(JobState("finished"))
    with pytest.raises(MedrecogError):
        RUN_TRASH.restore(deleted.id)
    assert len(RUN_TRASH.contents()) == 1
    assert deleted.state().status == "finished"


def test_of_one_name_the_last_deleted_is_restored_unless_another_is_asked_for(
    write: Callable[[str], None],
) -> None:
    write("first")
    write("second")
    last, first = NOTES.contents()
    assert last.title == "ONE"
    NOTES.restore("one")
    text = NOTES.home() / "one" / "text"
    assert text.read_text() == "second"
    NOTES.put(text.parent)
    NOTES.restore(first.id)
    assert text.read_text() == "first"


def test_a_kind_knows_nothing_of_another(write: Callable[[str], None], deleted: Run) -> None:
    write("text")
    with pytest.raises(MedrecogError):
        NOTES.restore(deleted.id)
    assert NOTES.empty() == 1
    assert len(RUN_TRASH.contents()) == 1


def test_a_run_is_removed_after_thirty_days(deleted: Run) -> None:
    age(deleted, 29)
    create_run(RunSpecification(dataset="demo"))
    assert [run.days_left for run in RUN_TRASH.contents()] == [1]
    age(deleted, 31)
    create_run(RunSpecification(dataset="demo"))
    assert RUN_TRASH.contents() == []


def test_an_emptied_trash_has_nothing_left(deleted: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    with pytest.raises(ReadOnlyError):
        RUN_TRASH.empty()
    with pytest.raises(ReadOnlyError):
        RUN_TRASH.restore(deleted.id)
    monkeypatch.delenv(MODE_VARIABLE)
    assert RUN_TRASH.empty() == 1
    assert RUN_TRASH.contents() == []
    assert not any(cache_folder().trash.glob("*/*"))


@pytest.mark.parametrize(("note", "days"), [(None, 20), ("{", 0), ("NaN", 0)])
def test_runs_that_version_0_2_0_deleted_can_be_restored(
    deleted: Run, note: str | None, days: int
) -> None:
    (found,) = RUN_TRASH.contents()
    earlier = cache_folder().trash / deleted.id
    found.folder.rename(earlier)
    (earlier / "deleted.json").write_text(note or str(time.time() - days * DAY))
    (found,) = RUN_TRASH.contents()
    assert (found.name, found.title, found.days_left) == (deleted.id, "First try", 30 - days)
    RUN_TRASH.restore(deleted.id)
    assert [run.id for run in all_runs()] == [deleted.id]
    assert not (deleted.path / "deleted.json").exists()


def test_an_old_run_that_version_0_2_0_deleted_is_removed(deleted: Run) -> None:
    (found,) = RUN_TRASH.contents()
    earlier = cache_folder().trash / deleted.id
    found.folder.rename(earlier)
    (earlier / "deleted.json").write_text(str(time.time() - 31 * DAY))
    create_run(RunSpecification(dataset="demo"))
    assert RUN_TRASH.contents() == []
