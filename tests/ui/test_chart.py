"""Charts with text that can be read on every colour of the theme."""

import tomllib
from pathlib import Path

import pytest

from medrecog_core.ui.chart import readable_on

THEME = tomllib.loads((Path(__file__).parents[2] / ".streamlit/config.toml").read_text())["theme"]


def luminance(colour):
    # The definition of WCAG 2.2, with a plain power of 2.2 in place of its two branches.
    r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.2126 * r**2.2 + 0.7152 * g**2.2 + 0.0722 * b**2.2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_on_every_colour_of_a_chart_has_enough_contrast(scheme):
    text = {"white": 1.0, "black": 0.0}
    for colour in THEME[scheme]["chartCategoricalColors"]:
        low, high = sorted((luminance(colour), text[readable_on(colour)]))
        assert (high + 0.05) / (low + 0.05) >= 4.5, colour
