"""Words that several packages use."""

import re

RESEARCH_ONLY = "For research, not for diagnosis."

_SURROGATE = re.compile("[\ud800-\udfff]")


def is_text(words: str) -> bool:
    """Return whether words are Unicode, unlike those from an argument or a name of other bytes."""
    return words.isascii() or _SURROGATE.search(words) is None


def as_text(words: str) -> str:
    """Return words with a question mark for what is not Unicode."""
    return words if is_text(words) else words.encode(errors="replace").decode()


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as `1 image` or `5,808 images`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
