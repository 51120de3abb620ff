"""What every page starts with, and how it shows errors."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import streamlit as st

from medrecog_core import __version__
from medrecog_core.errors import MedrecogError
from medrecog_core.images import decode_one_at_a_time
from medrecog_core.mode import is_viewer
from medrecog_core.ui.jobs import show_working
from medrecog_core.ui.plain_text import literal, literal_error
from medrecog_core.ui.shown_bundle import show_bundle
from medrecog_core.ui.sign_in import admit, show_account
from medrecog_core.wording import RESEARCH_ONLY


@dataclass(frozen=True)
class Page:
    """A page: its file, title, Material symbol, group in the side bar, and what Home says."""

    file: str
    title: str
    icon: str
    group: str = ""
    description: str = ""
    view_description: str = ""  # in a read-only view


HOME = Page("app.py", "Home", "biotech")
PAGES = (
    HOME,
    Page(
        "pages/1_Datasets.py",
        "Data sets",
        "photo_library",
        "Data",
        "Browse the demo images, or add your own.",
        "Browse images and data quality checks.",
    ),
    Page(
        "pages/2_Experiments.py",
        "Experiments",
        "play_circle",
        "Experiments",
        "Select layers, input sizes and poolings, and start a run.",
        "Browse runs and their settings.",
    ),
    Page(
        "pages/3_Results.py",
        "Results",
        "grid_on",
        "Results",
        "Compare settings in a heat map; click a cell for details.",
        "Compare settings in a heat map; click a cell for details.",
    ),
    Page(
        "pages/8_Explore.py",
        "Explore",
        "scatter_plot",
        "Results",
        "See the images of a run as a map, and find similar ones.",
        "See the images of a run as a map, and find similar ones.",
    ),
    Page(
        "pages/4_Predict.py",
        "Predict",
        "image_search",
        "Use",
        "Classify images with a saved model.",
        "Classify your own images with a saved model.",
    ),
    Page(
        "pages/6_Models.py",
        "Models",
        "model_training",
        "Use",
        "Compare saved models; export, import or delete them.",
        "Compare the saved models.",
    ),
    Page(
        "pages/5_Networks.py",
        "Networks",
        "account_tree",
        "Learn",
        "Inspect network layers, feature maps and weights.",
        "Inspect network layers and weights.",
    ),
    Page(
        "pages/7_Methods.py",
        "Methods",
        "school",
        "Learn",
        "Try out what an SVM, a convolution and a pooling do.",
        "Try out what an SVM, a convolution and a pooling do.",
    ),
)
"""Every page, in the order of the work; a new page needs a row here and a file."""

# A file of ours: a Material symbol in the tab would be fetched from the web.
_ICON = str(Path(__file__).with_name("icon.png"))


def open_page(title: str) -> None:
    """Set up a page and its side bar; the first call of every page."""
    decode_one_at_a_time()
    is_home = title == HOME.title
    heading = "medrecog" if is_home else title
    tab = heading if is_home else f"{title} · medrecog"
    st.set_page_config(page_title=tab, page_icon=_ICON, layout="wide")
    view = _is_view()
    with st.sidebar:
        _show_links()
        if view:
            st.badge("Read-only view", icon=":material/visibility:", color="blue")
        else:
            show_working(tab)
        show_account()
        st.markdown(f"**{RESEARCH_ONLY}**")
        st.caption(f"medrecog {__version__}")
    st.title(heading)


def show_absence(what: str) -> None:
    """Say in a read-only view that it has no data sets, runs, results or models."""
    st.info(
        f"No {what} have been shared here yet. Contact the person who sent you this link.",
        icon=":material/lightbulb:",
    )


def _show_links() -> None:
    for group, pages in groupby(PAGES, key=lambda page: page.group):
        with st.container(gap="xxsmall"):
            if group:
                st.caption(group)
            for page in pages:
                st.page_link(page.file, label=page.title, icon=f":material/{page.icon}:")


def _is_view() -> bool:
    try:
        admit()  # a wrong setting is an error before anything is opened
        show_bundle()
        return is_viewer()
    except MedrecogError as error:
        # Nothing is shown until it is known what this visitor may do.
        st.error(literal_error(error), icon=":material/error:")
        st.stop()


@contextlib.contextmanager
def shown_errors() -> Iterator[None]:
    """Show an expected error as its message instead of a traceback."""
    try:
        yield
    except MedrecogError as error:
        st.error(literal(error), icon=":material/error:")
