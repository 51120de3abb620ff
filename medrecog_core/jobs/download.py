"""Download of a large file, resumed after interruptions."""

import contextlib
import time
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from medrecog_core import atomic_file
from medrecog_core.bounds import KNOWN_ONLY
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.locations import unwritable

if TYPE_CHECKING:
    import requests

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds to wait before each further attempt."""

_SECONDS_TO_CONNECT = 10
_SECONDS_WITHOUT_A_BYTE = 60
# Small, because the content of the buffer is sent again when a connection drops.
_CHUNK_BYTES = 64 * 2**10
# An attempt with this much progress is not a failure, so that long downloads over unreliable
# connections finish too.
_WORTH_IT_BYTES = 2**20
_TRY_AGAIN = (408, 425, 429)


class _DroppedError(Exception):
    """The connection ended too early; another attempt can resume."""


class _Part(BaseModel):
    model_config = KNOWN_ONLY

    address: str
    # Sent as a header; one that the server did not send must not become several.
    validator: Annotated[str, Field(max_length=1000, pattern=r"^[ -~]*$")]


class Download:
    """The download of one file.

    Attributes
    ----------
    address
        Where the file is.
    part
        File with the part downloaded so far; it is kept if the download fails, and resumed by the
        next.
    """

    def __init__(self, address: str, part: Path) -> None:
        self.address, self.part = address, part
        self._description = part.with_name(f"{part.name}.json")

    def fetch(
        self,
        largest: int,
        report: Callable[[int, int], None],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Download all that is missing, without checking that the file is the right one.

        Parameters
        ----------
        largest
            Size in bytes above which it cannot be the file; the download is then aborted.
        report
            Called with the bytes downloaded and the total bytes, 0 if unknown.
        pause
            Called with the seconds to wait between two attempts.

        Raises
        ------
        MedrecogError
            If the server cannot be reached, has no such file, or drops the connection repeatedly.
        StorageError
            If the part cannot be written; the disk may be full.
        """
        import requests

        failures, was_reached = 0, False
        with requests.Session() as session:
            while True:
                before = self._n_bytes()
                try:
                    with self._asked(session) as response:
                        was_reached = True
                        self._receive(response, largest, report)
                    return
                except requests.ConnectionError as error:
                    if not was_reached:
                        raise self._unreachable(error) from error
                    reason = _reason(error)
                except (requests.exceptions.InvalidURL, requests.TooManyRedirects) as error:
                    raise self._unreachable(error) from error
                except (requests.RequestException, _DroppedError) as error:
                    reason = _reason(error)
                if self._n_bytes() - before >= _WORTH_IT_BYTES:
                    failures = 0
                if failures == len(PAUSES):
                    raise MedrecogError(
                        f"The download of {self.address} was interrupted {failures + 1} times, "
                        f"the last time after {self._n_bytes() / 1e6:.0f} MB ({reason}). Try "
                        "again later; the part already downloaded is kept."
                    )
                pause(PAUSES[failures])
                failures += 1

    def remove(self) -> None:
        """Delete the part downloaded so far.

        Raises
        ------
        StorageError
            If the folder cannot be written to.
        """
        try:
            self._description.unlink(missing_ok=True)
            self.part.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(unwritable(self.part, error)) from error

    def _n_bytes(self) -> int:
        try:
            return self.part.stat().st_size
        except FileNotFoundError:
            return 0

    @contextlib.contextmanager
    def _asked(self, session: "requests.Session") -> Iterator["requests.Response"]:
        # Not compressed, so that bytes are counted as in the file.
        headers = {"Accept-Encoding": "identity"}
        start = self._n_bytes()
        if start:
            headers["Range"] = f"bytes={start}-"
            validator = self._validator()
            if validator:
                headers["If-Range"] = validator
        timeouts = (_SECONDS_TO_CONNECT, _SECONDS_WITHOUT_A_BYTE)
        with session.get(self.address, headers=headers, stream=True, timeout=timeouts) as response:
            yield response

    def _receive(
        self, response: "requests.Response", largest: int, report: Callable[[int, int], None]
    ) -> None:
        status, start = response.status_code, self._n_bytes()
        first, total = _content_range(response.headers.get("Content-Range", ""))
        if status == 416 and start and total in (start, None):
            return  # the file was complete already
        if status == 416 or (status == 206 and first != start):
            self.remove()
            raise _DroppedError("the server cannot resume the download")
        if status >= 500 or status in _TRY_AGAIN:
            raise _DroppedError(f"the server answered {status} {response.reason}")
        if status not in (200, 206):
            raise MedrecogError(
                f"Cannot download {self.address} (the server answered {status} {response.reason}). "
                "Check the address, or get the file another way and import it."
            )
        if status == 200:
            start = 0  # the server does not support Range, or the file has changed
            total = _whole_number(response.headers.get("Content-Length", ""))
            self._describe(response)
        done = start
        report(done, total or 0)
        with self._opened() as file:
            for chunk in response.iter_content(_CHUNK_BYTES):
                self._write(file, chunk)
                done += len(chunk)
                report(done, max(total, done) if total else 0)
                if done > largest:
                    break
        if done > largest:
            self.remove()
            raise MedrecogError(
                f"{self.address} sends more than {largest / 1e6:.0f} MB, which is too much to be "
                "the file. Check the address."
            )
        if total is not None and done < total:
            raise _DroppedError(f"{done} of {total} bytes received")

    def _opened(self) -> FileIO:
        # Not buffered, so that all received data are in the file when the process is killed.
        try:
            return self.part.open("ab", buffering=0)
        except OSError as error:
            raise StorageError(unwritable(self.part, error)) from error

    def _write(self, file: FileIO, chunk: bytes) -> None:
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError as error:
            raise StorageError(unwritable(self.part, error)) from error

    def _describe(self, response: "requests.Response") -> None:
        etag = response.headers.get("ETag", "")
        # A weak one does not guarantee the same bytes, and is not allowed in If-Range.
        strong = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
        self.remove()
        atomic_file.write_json(self._description, {"address": self.address, "validator": strong})

    def _validator(self) -> str:
        try:
            part = _Part.model_validate(atomic_file.read_json(self._description))
        except (FileNotFoundError, StorageError, ValueError):
            return ""
        return part.validator if part.address == self.address else ""

    def _unreachable(self, error: Exception) -> MedrecogError:
        return MedrecogError(
            f"{self.address} cannot be reached ({_reason(error)}). Connect to the internet and "
            "try again, or get the file on another machine and import it."
        )


def _content_range(value: str) -> tuple[int | None, int | None]:
    """Return the first byte and the total length in a Content-Range, where given."""
    unit, _, rest = value.partition(" ")
    if unit != "bytes":
        return None, None
    span, _, total = rest.partition("/")
    return _whole_number(span.partition("-")[0]), _whole_number(total)


def _whole_number(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() else None


def _reason(error: BaseException) -> str:
    """Return the innermost cause, without the errors that requests wraps around it."""
    inner: BaseException | None = error
    while inner is not None:
        error = inner
        nested = [arg for arg in error.args if isinstance(arg, BaseException)]
        reason = getattr(error, "reason", None)
        inner = reason if isinstance(reason, BaseException) else error.__cause__
        inner = nested[0] if nested else inner
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split()).rstrip(".")
