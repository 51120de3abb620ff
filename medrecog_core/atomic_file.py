"""Files that are seen whole or not at all, even when the process dies while writing."""

import json
import math
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Any

from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.locations import create_folder, unwritable
from medrecog_core.regular_file import read_regular

_TOO_LARGE = 2**64  # perceptual hashes have 64 bits without a sign
# Surrogates, which are no characters; those of `_NO_BYTE` do not even stand for a byte of the name
# of a file that is not UTF-8.
_SURROGATE, _NO_BYTE = re.compile("[\ud800-\udfff]"), re.compile("[\ud800-\udc7f\udd00-\udfff]")
_MAY_BE_WRONG = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]|\x00")
_OF_KEPT, _OF_EXPORTS = 0o600, 0o644


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file's content in one step.

    Raises
    ------
    StorageError
        If the file cannot be written; the earlier content is then still there.
    """
    create_folder(path.parent)
    try:
        _replace(path, content)
    except OSError as error:
        raise StorageError(unwritable(path, error)) from error


def write_export(path: Path, content: bytes) -> None:
    """Write a file that the user named, wherever that is; what is no plain file is written into.

    Raises
    ------
    MedrecogError
        If it cannot be written; an earlier file of that name is then still there.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)  # such as /dev/stdout
        else:
            # Others may read what the user takes out, unlike what is kept.
            mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else _OF_EXPORTS
            _replace(path, content, mode)
    except OSError as error:
        raise MedrecogError(
            f"Cannot write to {path} ({error.strerror or error}). Choose another file."
        ) from error


def write_json(path: Path, document: Any, indent: int | None = 1) -> None:
    """Replace a file's content by a JSON document, in one step.

    Without indents, a document of many rows is written ten times as fast.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    write_bytes(path, encoded_json(document, indent))


def encoded_json(document: Any, indent: int | None = 1) -> bytes:
    """Return a JSON document as `write_json` writes it."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    # A folder's name that is not UTF-8 is held as surrogates, which json.loads takes back.
    return text.encode(errors="surrogatepass") + b"\n"


def _replace(path: Path, content: bytes, mode: int = _OF_KEPT) -> None:
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def parse_json(content: bytes) -> Any:
    """Return the JSON document in a file's content from outside.

    Its numbers are finite and have 64 bits, and its text is Unicode.

    Raises
    ------
    ValueError, RecursionError
        If it is not such a document.
    """
    document = json.loads(content, parse_float=_finite, parse_int=_bounded, parse_constant=_refuse)
    _check_text(content, document, _SURROGATE)
    return document


def _check_text(content: bytes, document: Any, wrong: re.Pattern[str]) -> None:
    # Searching the bytes first is cheap: hardly any document comes near a surrogate.
    if _MAY_BE_WRONG.search(content) and wrong.search(json.dumps(document, ensure_ascii=False)):
        raise ValueError("its text is not Unicode")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


def _bounded(digits: str) -> int:
    number = int(digits)
    return number if abs(number) < _TOO_LARGE else _refuse(digits)


def _refuse(digits: str) -> Any:
    raise ValueError(f"the number {digits[:20]} is out of bounds")


def read_json(path: Path) -> Any:
    """Return the JSON document in a file; it may hold “not a number”, as the program writes it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    StorageError
        If the file cannot be read, or does not hold JSON.
    """
    try:
        content = read_regular(path)
        document = json.loads(content, parse_float=_finite, parse_int=_bounded)
        _check_text(content, document, _NO_BYTE)
        return document
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise StorageError(f"{path} is damaged or cannot be read: {error}.") from error
