"""A plane of two features: points, the regions of a classifier, and straight borders."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from medrecog_core.ui.chart import theme_colour

REACH = 5.0
"""Both features go from -REACH to REACH."""

STEP = 0.5
SQUARE = "place"
"""Name of the selection of a clicked square; its `x` and `y` are the square's centre."""

_HALF = STEP / 2
_FAR = 4 * REACH
NEW = "new image"
_HEIGHT = 400
WIDTH = 390
"""Pixels of a container in which both axes have about the same scale, also on a phone."""


@dataclass(frozen=True, eq=False)
class Border:
    """A straight border: the points whose value `weights @ point + bias` is 0.

    Attributes
    ----------
    weights
        float64, shape (2,).
    bias
        Added to the product.
    """

    weights: np.ndarray
    bias: float

    def values(self, points: np.ndarray) -> np.ndarray:
        """Return the value of each point, shape (n, 2) to (n,)."""
        values: np.ndarray = points @ self.weights + self.bias
        return values

    def distances(self, points: np.ndarray) -> np.ndarray:
        """Return the signed distance of each point, shape (n, 2) to (n,)."""
        return self.values(points) / float(np.linalg.norm(self.weights))

    @property
    def width(self) -> float:
        """The width of the margin, between the values -1 and 1."""
        return 2 / float(np.linalg.norm(self.weights))

    def ends(self, level: float = 0.0) -> np.ndarray:
        """Return two points, far outside the plane, of the line that has a value, shape (2, 2)."""
        square = float(self.weights @ self.weights)
        nearest = self.weights * (level - self.bias) / square
        along = np.array([-self.weights[1], self.weights[0]]) / math.sqrt(square)
        return np.stack([nearest - _FAR * along, nearest + _FAR * along])


@dataclass(frozen=True)
class Line:
    """A line to draw: its two ends, its name in the legend, and how it is dashed."""

    ends: np.ndarray
    name: str
    dash: Sequence[int] = (1, 0)
    colour: str | None = None


def squares() -> np.ndarray:
    """Return the centres of the squares that cover the plane, shape (n, 2)."""
    side = np.arange(-REACH, REACH + _HALF, STEP)
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def draw_plane(
    points: pd.DataFrame,
    regions: Sequence[str],
    lines: Sequence[Line],
    colours: dict[str, str],
    is_clickable: bool = False,
) -> Any:
    """Draw points over the regions of a classifier, with borders; classes are named as shapes.

    Parameters
    ----------
    points
        Columns `x`, `y`, `class`, `words` for the tooltip, and whether each is `ringed`.
    regions
        The class of each of `squares`; empty: of none.
    lines
        Borders and margins.
    colours
        From class to colour.
    is_clickable
        Whether a click selects one of `squares`.
    """
    ink = theme_colour("textColor")
    scale = alt.Scale(domain=[-REACH - _HALF, REACH + _HALF], nice=False)
    x = alt.X("x:Q", scale=scale, title="feature 1", axis=alt.Axis(grid=False))
    y = alt.Y("y:Q", scale=scale, title="feature 2", axis=alt.Axis(grid=False))
    covered = squares()
    ground = pd.DataFrame(
        {
            "x": covered[:, 0],
            "y": covered[:, 1],
            "left": covered[:, 0] - _HALF,
            "right": covered[:, 0] + _HALF,
            "low": covered[:, 1] - _HALF,
            "high": covered[:, 1] + _HALF,
            "fill": [colours.get(label, "transparent") for label in regions],
        }
    )
    tiles = (
        alt.Chart(ground)
        .mark_rect(opacity=0.2, cursor="crosshair" if is_clickable else "default", aria=False)
        .encode(
            x=alt.X("left:Q", scale=scale, title="feature 1", axis=alt.Axis(grid=False)),
            x2="right:Q",
            y=alt.Y("low:Q", scale=scale, title="feature 2", axis=alt.Axis(grid=False)),
            y2="high:Q",
            color=alt.Color("fill:N", scale=None),
        )
    )
    if is_clickable:
        tiles = tiles.add_params(
            alt.selection_point(
                name=SQUARE, fields=["x", "y"], empty=False, toggle=False, on="click"
            )
        )
    layers: list[Any] = [tiles]
    for line in lines:
        table = pd.DataFrame(line.ends, columns=["x", "y"])
        layers.append(
            alt.Chart(table)
            .mark_line(
                clip=True,
                color=line.colour or ink,
                strokeDash=list(line.dash),
                strokeWidth=2,
                aria=False,
            )
            .encode(x=x, y=y)
        )
    marks = alt.Chart(
        points.assign(
            fill=[colours.get(label, ink) for label in points["class"]],
            shape=["triangle-up" if label == NEW else label for label in points["class"]],
        )
    ).encode(
        x=x,
        y=y,
        tooltip=alt.Tooltip("words:N", title="point"),
        description=alt.Description("words:N"),
    )
    layers.append(
        marks.transform_filter("datum.ringed").mark_point(
            size=330, stroke=ink, strokeWidth=2, filled=False, aria=False
        )
    )
    layers.append(
        marks.mark_point(size=110, filled=True, opacity=1).encode(
            color=alt.Color("fill:N", scale=None), shape=alt.Shape("shape:N", scale=None)
        )
    )
    return alt.layer(*layers).properties(height=_HEIGHT)
