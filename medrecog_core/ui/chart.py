"""Charts whose text is in the colour of the theme."""

from typing import Any

import streamlit as st


def category_colours() -> list[str]:
    """Return the colours of the theme for the categories of a chart, in their order."""
    return list(theme_colour("chartCategoricalColors"))


def theme_colour(name: str) -> Any:
    """Return a colour of the visitor's theme, such as `primaryColor`."""
    return st.get_option(f"theme.{st.context.theme.type or 'light'}.{name}")


def show_chart(chart: Any, **options: Any) -> Any:
    """Show an Altair chart as `st.altair_chart` does, with text of the theme's contrast."""
    # Streamlit's own grey for labels has 3.7:1 on white, whatever the theme's text colour is.
    colour = theme_colour("textColor")
    text = {"labelColor": colour, "titleColor": colour}
    chart = chart.configure_axis(**text).configure_legend(**text).configure_header(**text)
    return st.altair_chart(chart, **options)
