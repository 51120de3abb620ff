"""Numbers of a small map in squares, some of them marked."""

from collections.abc import Collection

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from medrecog_core.ui.chart import show_chart, theme_colour

_SIDE = 36  # pixels: three grids of three numbers fit on a phone


def show_numbers(
    title: str, numbers: np.ndarray, marked: Collection[tuple[int, int]] = (), side: int = _SIDE
) -> None:
    """Show a matrix below its title, in a container of its own.

    Parameters
    ----------
    title
        Above it.
    numbers
        Shape (rows, columns).
    marked
        Rows and columns of numbers with a thick border.
    side
        Of a square in pixels.
    """
    n_rows, n_columns = numbers.shape
    table = pd.DataFrame(
        [
            {"row": i, "column": j, "words": short(numbers[i, j]), "marked": (i, j) in marked}
            for i in range(n_rows)
            for j in range(n_columns)
        ]
    )
    base = alt.Chart(table).encode(
        x=alt.X("column:O", axis=None, scale=alt.Scale(paddingInner=0.08, paddingOuter=0.04)),
        y=alt.Y("row:O", axis=None, scale=alt.Scale(paddingInner=0.08, paddingOuter=0.04)),
    )
    stroke = alt.condition(
        "datum.marked",
        alt.value(theme_colour("linkColor")),
        alt.value(theme_colour("borderColor")),
    )
    thickness = alt.condition("datum.marked", alt.value(3), alt.value(1))
    squares = base.mark_rect(fill="transparent", cornerRadius=3, tooltip=None).encode(
        stroke=stroke, strokeWidth=thickness
    )
    words = base.mark_text(fontSize=12, color=theme_colour("textColor"), tooltip=None).encode(
        text="words:N"
    )
    lines = "; ".join(", ".join(map(short, row)) for row in numbers)
    with st.container(width=side * n_columns, gap="xxsmall"):
        st.caption(title)
        show_chart(
            (squares + words).properties(height=side * n_rows),
            width="stretch",
            alt=f"{title}: {lines}",
        )


def short(number: float) -> str:
    """Return a number in about four digits."""
    size = abs(number)
    if size >= 100 or float(number).is_integer():
        return f"{number:.0f}"
    return f"{number:.1f}" if size >= 10 else f"{number:.2f}"
