"""Words that several packages use."""

RESEARCH_ONLY = "For research, not for diagnosis."


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as `1 image` or `5,808 images`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
