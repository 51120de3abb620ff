"""What every page begins with, and how it tells what went wrong."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from medrecog_core import __version__
from medrecog_core.errors import MedrecogError

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

RESEARCH_ONLY = "For research, not for diagnosis."


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
    with st.sidebar:
        for file, page, symbol in PAGES:
            st.page_link(file, label=page, icon=f":material/{symbol}:")
        st.markdown(f"**{RESEARCH_ONLY}**")
        st.caption(f"medrecog {__version__}")
    st.title(title)


@contextlib.contextmanager
def shown_errors() -> Iterator[None]:
    """Show an error that is meant for people as one sentence, in place of a traceback."""
    try:
        yield
    except MedrecogError as error:
        st.error(str(error), icon=":material/error:")
