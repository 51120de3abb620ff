"""Small matrices of numbers in squares, some of them marked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from medrecog_core.ui.chart import show_chart, theme_colour

_SIDE = 35  # pixels: three matrices of three columns fit on a phone
_GAP, _TITLE, _INSET = 0.5, 0.8, 0.04  # of the side


@dataclass(frozen=True, eq=False)
class Matrix:
    """A matrix with its title; `marked` are rows and columns with a thick border."""

    title: str
    numbers: np.ndarray
    marked: Collection[tuple[int, int]] = ()

    @property
    def words(self) -> str:
        """The matrix for screen readers."""
        return f"{self.title}: " + "; ".join(", ".join(map(short, row)) for row in self.numbers)


def show_matrices(lines: Sequence[Sequence[Matrix]]) -> None:
    """Show lines of matrices of one size, as one chart: many charts take many times as long."""
    n_rows, n_columns = lines[0][0].numbers.shape
    squares, titles = [], []
    for k, line in enumerate(lines):
        top = k * (n_rows + _TITLE + _GAP) + _TITLE
        for m, matrix in enumerate(line):
            left = m * (n_columns + _GAP)
            titles.append({"x": left, "y": top - _TITLE / 2, "words": matrix.title})
            squares += [
                {
                    "left": left + j + _INSET,
                    "right": left + j + 1 - _INSET,
                    "top": top + i + _INSET,
                    "bottom": top + i + 1 - _INSET,
                    "x": left + j + 0.5,
                    "y": top + i + 0.5,
                    "words": short(matrix.numbers[i, j]),
                    "stroke": theme_colour(
                        "linkColor" if (i, j) in matrix.marked else "borderColor"
                    ),
                    "thickness": 3 if (i, j) in matrix.marked else 1,
                }
                for i in range(n_rows)
                for j in range(n_columns)
            ]
    width = len(lines[0]) * (n_columns + _GAP) - _GAP
    height = len(lines) * (n_rows + _TITLE + _GAP) - _GAP
    across = alt.Scale(domain=[0, width], nice=False)
    down = alt.Scale(domain=[height, 0], nice=False)
    ink = theme_colour("textColor")

    def at(table: list[dict[str, object]], x: str, y: str) -> alt.Chart:
        return alt.Chart(pd.DataFrame(table)).encode(
            x=alt.X(f"{x}:Q", axis=None, scale=across), y=alt.Y(f"{y}:Q", axis=None, scale=down)
        )

    chart = alt.layer(
        at(squares, "left", "top")
        .mark_rect(fill="transparent", cornerRadius=3, aria=False)
        .encode(
            x2="right:Q",
            y2="bottom:Q",
            stroke=alt.Stroke("stroke:N", scale=None),
            strokeWidth=alt.StrokeWidth("thickness:Q", scale=None),
        ),
        at(squares, "x", "y").mark_text(fontSize=12, color=ink).encode(text="words:N"),
        at(titles, "x", "y").mark_text(fontSize=12, color=ink, align="left").encode(text="words:N"),
    )
    with st.container(width=round(_SIDE * width)):
        show_chart(
            chart.properties(height=round(_SIDE * height)),
            width="stretch",
            alt=". ".join(matrix.words for line in lines for matrix in line),
        )


def short(number: float) -> str:
    """Return a number in about four digits."""
    size = abs(number)
    if size >= 100 or float(number).is_integer():
        return f"{number:.0f}"
    return f"{number:.1f}" if size >= 10 else f"{number:.2f}"
