"""Log of a job: what its processes did and printed, with times."""

import time
from collections import deque
from contextlib import suppress
from pathlib import Path


class Log:
    """Lines of text; those that the job itself wrote begin with the time in UTC.

    The output of a detached process goes to the same file. The log is not part of the results: if
    it cannot be written, the job continues.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def write(self, text: str) -> None:
        """Add one or more lines."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        # A single write, because another process may append its own lines.
        with suppress(OSError), self.file.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"{stamp}  {text.rstrip()}\n")

    def lines(self, last: int | None = None) -> list[str]:
        """Return all lines or the last ones; none if there is no log yet."""
        try:
            with self.file.open(encoding="utf-8", errors="replace") as file:
                return [line.rstrip("\n") for line in deque(file, maxlen=last)]
        except OSError:
            return []
