"""Durations, sizes and counts as text."""

from medrecog_core.wording import counted

__all__ = ["about", "counted", "duration", "size"]


def duration(seconds: float) -> str:
    """Return a rounded duration, such as `12 s` or `1.5 h`."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def about(seconds: float) -> str:
    """Return an expected duration, such as `about 12 s` or `less than a second`."""
    words = duration(seconds)
    return words if seconds < 1 else f"about {words}"


def size(n_bytes: float) -> str:
    """Return a size on disk, such as `20.1 MB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes:.0f} bytes"
