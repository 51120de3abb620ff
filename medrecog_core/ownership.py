"""Who started a run or job, or added a data set or model: a file in its folder."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from medrecog_core import atomic_file
from medrecog_core.access import Action, Person, Role, acting
from medrecog_core.mode import check_may_change, is_allowed
from medrecog_core.regular_file import read_regular

OWNER = "owner.json"

_Text = Annotated[str, Field(max_length=1_000)]


class _Owner(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[_Text, Field(min_length=1)]
    name: _Text
    role: Role


def sign(folder: Path) -> None:
    """Write who is acting into a folder; the operator signs nothing, so that it belongs to admins.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    person = acting()
    if person.id:
        document = {"id": person.id, "name": person.name, "role": int(person.role)}
        atomic_file.write_json(folder / OWNER, document)
    else:
        with suppress(OSError):
            (folder / OWNER).unlink()


def owner_of(folder: Path) -> Person | None:
    """Return who signed a folder, with the role at that time.

    None if nobody did or the signature is damaged; what is in the folder then belongs to admins.
    """
    with suppress(OSError, ValueError):
        owner = _Owner.model_validate_json(read_regular(folder / OWNER))
        return Person(owner.id, owner.name, owner.role)
    return None


def may_change(folder: Path) -> bool:
    """Return whether who is acting may stop, change or delete what is in a folder."""
    return is_allowed(Action.CHANGE, owner_of(folder))


def check_may_change_in(folder: Path, what: str) -> None:
    """Refuse to stop, change or delete what is in a folder, except to its owner and to admins.

    Parameters
    ----------
    folder
        Folder of a run, job, data set or model.
    what
        As in `check_may_change`.

    Raises
    ------
    NotAllowedError
        If who is acting may not do that.
    """
    check_may_change(what, Action.CHANGE, owner_of(folder))
