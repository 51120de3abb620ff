"""The trash: deleted runs and models, which can be restored for 30 days."""

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.access import Action
from medrecog_core.bounds import Timestamp
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.locations import cache_folder, create_folder, unwritable
from medrecog_core.mode import check_may_change, is_allowed
from medrecog_core.ownership import check_may_change_in

DAYS_KEPT = 30
"""Days after which a deleted folder is removed from the disk."""

_SECONDS_A_DAY = 24 * 3600
_NOTE = "deleted.json"
_TIME: TypeAdapter[float] = TypeAdapter(Timestamp)


@dataclass(frozen=True)
class Deleted:
    """A folder in the trash.

    Attributes
    ----------
    folder
        Where it is now; the folder that it is in is named by the time of deletion.
    title
        Title shown to users.
    """

    folder: Path
    title: str

    @property
    def id(self) -> str:
        """Name that no other folder in the trash has."""
        return self.folder.parent.name

    @property
    def name(self) -> str:
        """Name of the folder before it was deleted, and when it is restored."""
        return self.folder.name

    @property
    def deleted(self) -> float:
        """When it was deleted, in seconds since 1970."""
        return int(self.id) / 1e9

    @property
    def days_left(self) -> int:
        """Days until it is removed, at least 0."""
        return max(0, round(DAYS_KEPT - (time.time() - self.deleted) / _SECONDS_A_DAY))


@dataclass(frozen=True)
class Trash:
    """Deleted folders of one kind.

    Attributes
    ----------
    noun
        What is deleted, such as `run`.
    home
        Returns the folder that they are deleted from and restored to.
    title_of
        Returns the title of what is in a folder.
    """

    noun: str
    home: Callable[[], Path]
    title_of: Callable[[Path], str]

    def put(self, folder: Path) -> None:
        """Move a folder to the trash.

        Raises
        ------
        StorageError
            If it cannot be moved.
        """
        remove_expired()
        place = self._folder / str(time.time_ns()) / folder.name
        create_folder(place.parent)
        try:
            folder.rename(place)
        except OSError as error:
            raise StorageError(unwritable(folder, error)) from error

    def contents(self) -> list[Deleted]:
        """Return what is in the trash, the last deleted first."""
        if is_allowed(Action.ADD):
            _adopt_runs()
        found = [
            Deleted(path, self.title_of(path))
            for folder in _deletions(self._folder)
            for path in folder.iterdir()
        ]
        return sorted(found, key=lambda each: int(each.id), reverse=True)

    def restore(self, name: str) -> None:
        """Move what was deleted last under a name, or under the id of a deletion, back.

        Raises
        ------
        MedrecogError
            If it is not in the trash, or there is another of that name.
        StorageError
            If it cannot be moved.
        """
        check_may_change(f"restore a {self.noun}", Action.ADD)
        noun = self.noun.capitalize()
        found = next((each for each in self.contents() if name in (each.id, each.name)), None)
        if found is None:
            raise MedrecogError(
                f"{noun} “{name}” is not in the trash. The command “{self.noun}s --trash” lists "
                f"deleted {self.noun}s."
            )
        check_may_change_in(found.folder, f"restore a {self.noun}")
        place = self.home() / found.name
        if place.exists():
            raise MedrecogError(
                f"{noun} “{found.name}” exists already. Delete it before you restore this one."
            )
        create_folder(place.parent)
        try:
            found.folder.rename(place)
            found.folder.parent.rmdir()
        except OSError as error:
            raise StorageError(unwritable(place, error)) from error

    def empty(self) -> int:
        """Remove everything in the trash from the disk, and return how many there were."""
        check_may_change("empty the trash")
        found = self.contents()
        for each in found:
            shutil.rmtree(each.folder.parent, ignore_errors=True)
        return len(found)

    @property
    def _folder(self) -> Path:
        return cache_folder().trash / f"{self.noun}s"


def _adopt_runs() -> None:
    """Move the deleted runs of version 0.2.0, which noted the time in a file, to their place."""
    for note in cache_folder().trash.glob(f"*/{_NOTE}"):
        try:
            when = _TIME.validate_python(atomic_file.read_json(note))
        except (OSError, StorageError, ValueError):
            when = time.time()  # so that nothing is lost
        place = cache_folder().trash / "runs" / str(int(when * 1e9)) / note.parent.name
        create_folder(place.parent)
        with suppress(OSError):  # another process has just moved it
            note.parent.rename(place)
            (place / _NOTE).unlink()


def remove_expired() -> None:
    """Remove from the disk what was deleted more than 30 days ago."""
    _adopt_runs()
    for folder in _deletions(*cache_folder().trash.glob("*")):
        if time.time_ns() - int(folder.name) > DAYS_KEPT * _SECONDS_A_DAY * 10**9:
            shutil.rmtree(folder, ignore_errors=True)


def _deletions(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.glob("[0-9]*") if path.name.isdigit()]
