import itertools
import tomllib
from pathlib import Path

import numpy as np
import pytest

from medrecog_core.reports.figures.colours import (
    BELOW_CHANCE,
    ERRORS,
    HITS,
    VIRIDIS,
    colour_at,
    ink_on,
)

PROJECT = Path(__file__).parents[3]


def linear(colour):
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def lab(colour):
    """CIELAB of the D65 white point."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    t = to_xyz @ linear(colour) / np.array([0.9505, 1.0, 1.089])
    x, y, z = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one, other):
    light, dark = sorted(
        (float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("chance", [0.0, 0.2, 0.25, 0.5, 0.73])
def test_two_typical_accuracies_are_told_apart(chance):
    low, high = (lab(colour_at((v - chance) / (1 - chance), VIRIDIS)) for v in (0.88, 0.93))
    assert np.linalg.norm(high - low) >= 8


def test_higher_values_are_lighter():
    lightness = [lab(colour_at(share, VIRIDIS))[0] for share in np.linspace(0, 1, 101)]
    assert all(low < high for low, high in itertools.pairwise(lightness))


@pytest.mark.parametrize("stops", [VIRIDIS, HITS, ERRORS, (BELOW_CHANCE, BELOW_CHANCE)])
def test_text_can_be_read_on_every_colour(stops):
    for share in np.linspace(0, 1, 201):
        colour = colour_at(share, stops)
        assert contrast(colour, ink_on(colour)) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_every_category_of_the_theme(scheme):
    theme = tomllib.loads((PROJECT / ".streamlit/config.toml").read_text())["theme"]
    for colour in theme[scheme]["chartCategoricalColors"]:
        assert contrast(colour, ink_on(colour)) >= 4.5


def test_hits_and_errors_of_one_share_differ():
    for share in (0.1, 0.5, 1.0):
        hit, error = (lab(colour_at(share, stops)) for stops in (HITS, ERRORS))
        assert np.linalg.norm(hit - error) >= 8


def test_ends_are_the_first_and_the_last_colour():
    assert [colour_at(share, HITS) for share in (-1, 0, 1, 2)] == [
        HITS[0],
        HITS[0],
        HITS[1],
        HITS[1],
    ]
