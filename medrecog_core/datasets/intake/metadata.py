"""Columns of a table that are kept for sub-groups: categories and measurements of the images."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from medrecog_core.datasets.intake.classes import missing_words, number_of

MOST_COLUMNS = 20
_MOST_CATEGORIES = 50
_LONGEST_VALUE = 60
_NUMERIC_SHARE = 0.95
_MOST_SPREAD = 1.1
"""Of numbers of rows, some of which may be missing, their range by their number."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NEVER = frozenset(
    (
        *("id", "ids", "uid", "uuid", "key", "hash", "md", "sha", "ssn", "mrn", "accession"),
        *("name", "names", "surname", "firstname", "lastname", "initials"),
        *("date", "time", "datetime", "birth", "birthday", "dob", "born"),
        *("address", "street", "phone", "email", "mail", "url", "uri", "link"),
        *("path", "file", "filename", "folder", "index", "idx", "row", "unnamed", "column"),
        *("comment", "comments", "note", "notes", "remark", "remarks"),
    )
)
"""Words of the names of columns that identify images or people, or are free text."""


def kept_columns(
    columns: Mapping[str, Sequence[str]], taken: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the columns of a table that are kept, in its order; at most `MOST_COLUMNS`.

    These have a few categories, such as sex or site, or numbers, such as age. Columns that could
    identify people (names, dates, identifiers) and free text are not kept.

    Parameters
    ----------
    columns
        Values by column.
    taken
        Columns with another role.
    """
    kept = (
        name
        for name, values in columns.items()
        if name not in taken and not _identifies(name) and _can_be_compared(values)
    )
    return tuple(name for name, _ in zip(kept, range(MOST_COLUMNS), strict=False))


def _identifies(name: str) -> bool:
    return bool(_NEVER & {word.lower() for word in _WORD.findall(name)})


def _can_be_compared(values: Iterable[str]) -> bool:
    words = list(values)
    missing, _ = missing_words(words)
    filled = [word for word in words if word not in missing]
    distinct = set(filled)
    if len(distinct) < 2 or max(map(len, distinct)) > _LONGEST_VALUE:
        return False
    if len(distinct) <= min(_MOST_CATEGORIES, len(filled) / 2):
        return True
    numbers = [number for word in filled if (number := number_of(word)) is not None]
    return len(numbers) >= _NUMERIC_SHARE * len(filled) and not _count_rows(numbers)


def _count_rows(numbers: Sequence[Decimal]) -> bool:
    """Whether numbers are all different and almost without gaps, as those of rows are."""
    is_whole = all(number == number.to_integral_value() for number in numbers)
    span = max(numbers) - min(numbers) + 1
    return is_whole and len(set(numbers)) == len(numbers) and span <= _MOST_SPREAD * len(numbers)
