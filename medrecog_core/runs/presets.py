"""The experiments of the report that this project began with, as specifications to start from."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from medrecog_core.errors import UsageError
from medrecog_core.features import DEFAULT_POOLINGS
from medrecog_core.images import REPORT_SCALES
from medrecog_core.networks import DEFAULT_NETWORK


@dataclass(frozen=True)
class Preset:
    """A grid that was published, or planned, for a data set.

    Attributes
    ----------
    name
        Such as `report-chest-xray`.
    title
        For people.
    catalogue_name
        The data set of the catalogue that it is meant for; any other works as well.
    scales
        In pixels.
    source
        Place in the report.
    network, layers, poolings
        The other sides of the grid.
    """

    name: str
    title: str
    catalogue_name: str
    scales: tuple[int, ...]
    source: str
    network: str = DEFAULT_NETWORK
    layers: tuple[str, ...] = ("block5", "fc1", "fc2")
    poolings: tuple[str, ...] = DEFAULT_POOLINGS

    @property
    def settings(self) -> dict[str, Any]:
        """What it sets of a specification, as JSON values."""
        return {
            "network": self.network,
            "layers": list(self.layers),
            "scales": list(self.scales),
            "poolings": list(self.poolings),
        }

    def readable_part(self, readable: Collection[str]) -> tuple[str, ...]:
        """Return those of its layers that are among the readable ones."""
        return tuple(layer for layer in self.layers if layer in readable)


_FIRST_TWO = REPORT_SCALES[:2]

_PRESETS = (
    Preset(
        "report-mini-mit",
        "The report's Figure 9: mini-MIT",
        "mini-mit",
        REPORT_SCALES,
        "section 2.1, Figure 9",
    ),
    Preset(
        "report-chest-xray",
        "The report's Figure 10: chest X-rays",
        "chest-xray",
        _FIRST_TWO,
        "section 2.2, Figure 10",
    ),
    Preset(
        "report-kvasir",
        "The report's Kvasir, whose results it leaves empty",
        "kvasir-v2",
        _FIRST_TWO,
        "section 2.3, without results; the grid is Figure 10's",
    ),
    Preset(
        "report-ham10000",
        "The report's HAM10000, whose results it leaves empty",
        "ham10000",
        _FIRST_TWO,
        "section 2.4, without results; the grid is Figure 10's",
    ),
)

PRESETS = {preset.name: preset for preset in _PRESETS}
"""A preset's name to the preset."""


def find_preset(name: str) -> Preset:
    """Return the preset of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    try:
        return PRESETS[name]
    except KeyError:
        raise UsageError(f"Unknown preset “{name}”. Available: {', '.join(PRESETS)}.") from None
