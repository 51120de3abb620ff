"""What people add to a run to find it again: pin, tags and a note."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from medrecog_core.bounds import KNOWN_ONLY
from medrecog_core.errors import UsageError
from medrecog_core.wording import is_text

_LONGEST_TAG = 40
LONGEST_NOTE = 2_000
"""Most characters of a note."""


@dataclass(frozen=True)
class RunLabels:
    """The labels of a run; results do not depend on them.

    Attributes
    ----------
    pinned
        Whether it is listed first, and on Home.
    archived
        Whether lists leave it out unless archived runs are requested.
    tags
        Words without commas, sorted, each once.
    note
        Free text.

    Raises
    ------
    UsageError
        If a tag has more than 40 characters or a comma, the note more than 2,000 characters, or one
        of them is not Unicode.
    """

    __pydantic_config__ = KNOWN_ONLY

    pinned: bool = False
    archived: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", _cleaned(self.tags))
        object.__setattr__(self, "note", self.note.strip())
        if not is_text(self.note + "".join(self.tags)):
            raise UsageError("A tag or the note is not Unicode text. Enter it in UTF-8.")
        for tag in self.tags:
            if len(tag) > _LONGEST_TAG or "," in tag:
                raise UsageError(
                    f"The tag “{tag}” is not valid. Use at most {_LONGEST_TAG} characters and no "
                    "comma."
                )
        if len(self.note) > LONGEST_NOTE:
            raise UsageError(
                f"The note has {len(self.note):,} characters. Use at most {LONGEST_NOTE:,}."
            )

    def to_document(self) -> dict[str, Any]:
        """Return them as JSON values."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Any) -> "RunLabels":
        """Return the labels in a document.

        Raises
        ------
        UsageError, ValueError
            If they are not valid.
        """
        return _LABELS.validate_python(document)


def _cleaned(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({" ".join(tag.split()) for tag in tags} - {""}))


_LABELS = TypeAdapter(RunLabels)
