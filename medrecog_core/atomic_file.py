"""Files that are seen whole or not at all, even when the process dies while writing."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from medrecog_core.errors import StorageError
from medrecog_core.locations import create_folder, unwritable


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file's content in one step.

    Raises
    ------
    StorageError
        If the file cannot be written; the earlier content is then still there.
    """
    folder = create_folder(path.parent)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{path.name}-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        raise StorageError(unwritable(path, error)) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def write_json(path: Path, document: Any) -> None:
    """Replace a file's content by a JSON document, in one step.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    write_bytes(path, encoded_json(document))


def encoded_json(document: Any) -> bytes:
    """Return a JSON document as `write_json` writes it."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    # A folder's name that is not UTF-8 is held as surrogates, which json.loads takes back.
    return text.encode(errors="surrogatepass") + b"\n"


def read_json(path: Path) -> Any:
    """Return the JSON document in a file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    StorageError
        If the file cannot be read, or does not hold JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise StorageError(f"{path} is damaged or cannot be read: {error}.") from error
