"""What every page begins with, and how it tells what went wrong."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from medrecog_core import __version__
from medrecog_core.errors import MedrecogError
from medrecog_core.intended_use import RESEARCH_ONLY
from medrecog_core.mode import is_viewer
from medrecog_core.ui.jobs import show_working
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.shown_bundle import show_bundle

PAGES = (
    ("app.py", "Home", "biotech"),
    ("pages/1_Datasets.py", "Datasets", "photo_library"),
    ("pages/2_Experiments.py", "Experiments", "play_circle"),
    ("pages/3_Results.py", "Results", "grid_on"),
    ("pages/4_Predict.py", "Predict", "image_search"),
    ("pages/5_Networks.py", "Networks", "account_tree"),
)
"""File, name and Material symbol of every page, in the order of the work."""

# A file of ours: a Material symbol in the tab would be fetched from the web.
_ICON = str(Path(__file__).with_name("icon.png"))


def open_page(name: str) -> None:
    """Set up a page and its side bar; the first call of every page.

    Parameters
    ----------
    name
        One of the names in `PAGES`.
    """
    title = "medrecog" if name == "Home" else name
    tab = title if name == "Home" else f"{name} · medrecog"
    st.set_page_config(page_title=tab, page_icon=_ICON, layout="wide")
    view = _is_view()
    with st.sidebar:
        for file, page, symbol in PAGES:
            st.page_link(file, label=page, icon=f":material/{symbol}:")
        if view:
            st.badge("Read-only view", icon=":material/visibility:", color="blue")
        else:
            show_working()
        st.markdown(f"**{RESEARCH_ONLY}**")
        st.caption(f"medrecog {__version__}")
    st.title(title)


def show_absence(what: str) -> None:
    """Say in a read-only view that there is nothing to see, of which only its keeper has more.

    Parameters
    ----------
    what
        In the plural: `runs`.
    """
    st.info(
        f"There are no {what} here: whoever keeps this view has not put any into it yet.",
        icon=":material/lightbulb:",
    )


def _is_view() -> bool:
    try:
        is_viewer()  # a mode that there is not is told before anything is opened
        show_bundle()
        return is_viewer()
    except MedrecogError as error:
        # Nothing is shown before it is known what may be done.
        st.error(literal(error), icon=":material/error:")
        st.stop()


@contextlib.contextmanager
def shown_errors() -> Iterator[None]:
    """Show an error that is meant for people as one sentence, in place of a traceback."""
    try:
        yield
    except MedrecogError as error:
        st.error(literal(error), icon=":material/error:")
