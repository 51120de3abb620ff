"""Colours of figures: readable in light and dark, and with every kind of colour vision."""

from collections.abc import Sequence

WHITE, BLACK = "#ffffff", "#000000"

VIRIDIS = (
    *("#440154", "#482878", "#3e4989", "#31688e", "#26828e"),
    *("#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"),
)
"""Perceptually even, from low to high; safe for the colour-blind."""

HITS = ("#e3f0f1", "#0f6a73")
ERRORS = ("#f4e9df", "#a84300")
"""From no image of a class to all of them."""

BELOW_CHANCE = "#8a8f94"

SELECTED = "#d9822b"


def colour_at(share: float, stops: Sequence[str]) -> str:
    """Return the colour at a share (0 to 1) of the way along evenly spaced colours."""
    position = min(max(share, 0.0), 1.0) * (len(stops) - 1)
    i = min(int(position), len(stops) - 2)
    mixed = (
        round(one + (other - one) * (position - i))
        for one, other in zip(_channels(stops[i]), _channels(stops[i + 1]), strict=True)
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def ink_on(background: str) -> str:
    """Return black or white, whichever has more contrast: at least 4.5:1 on any colour."""
    # Above this luminance, black has the higher ratio of WCAG.
    return BLACK if _luminance(background) > 0.179 else WHITE


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def _luminance(colour: str) -> float:
    """Return the relative luminance of WCAG, 0 to 1."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
