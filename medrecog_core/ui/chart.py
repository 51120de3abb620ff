"""Charts whose text is in the colour of the theme."""

from typing import Any

import streamlit as st

_MIDDLE = 0.179
"""Luminance at which black and white have the same contrast (WCAG 2.2)."""


def readable_on(colour: str) -> str:
    """Return black or white, whichever has the higher contrast on a colour such as `#0f6a73`."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return "white" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < _MIDDLE else "black"


def category_colours() -> list[str]:
    """Return the colours of the theme for the categories of a chart, in their order."""
    return list(st.get_option(f"theme.{_scheme()}.chartCategoricalColors"))


def text_colour() -> str:
    """Return the colour of the theme for text."""
    return str(st.get_option(f"theme.{_scheme()}.textColor"))


def _scheme() -> str:
    return st.context.theme.type or "light"


def show_chart(chart: Any, **options: Any) -> Any:
    """Show an Altair chart as `st.altair_chart` does, with text of the theme's contrast."""
    # Streamlit's own grey for labels has 3.7:1 on white, whatever the theme's text colour is.
    colour = text_colour()
    text = {"labelColor": colour, "titleColor": colour}
    chart = chart.configure_axis(**text).configure_legend(**text).configure_header(**text)
    return st.altair_chart(chart, **options)
