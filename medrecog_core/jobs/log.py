"""A job's log: what its processes did and when, and whatever they printed."""

import time
from collections import deque
from contextlib import suppress
from pathlib import Path


class Log:
    """Lines of text, with the time in UTC before those that the job itself wrote.

    A detached process's output goes to the same file. The log is a witness and no part of the
    results: where it cannot be written, the job goes on.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def write(self, text: str) -> None:
        """Add a line, or several."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        # One write of an appended line: beside it, another process may write its own.
        with suppress(OSError), self.file.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"{stamp}  {text.rstrip()}\n")

    def lines(self, last: int | None = None) -> list[str]:
        """Return the lines, or only so many at the end; none where there is no log yet."""
        try:
            with self.file.open(encoding="utf-8", errors="replace") as file:
                return [line.rstrip("\n") for line in deque(file, maxlen=last)]
        except OSError:
            return []
