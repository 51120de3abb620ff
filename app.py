"""Home: what medrecog does, where to continue, and the system."""

import streamlit as st

from medrecog_core.datasets import library
from medrecog_core.mode import is_viewer
from medrecog_core.models import model_names
from medrecog_core.ui.home.latest import show_continue, show_pinned, show_shared
from medrecog_core.ui.home.system import show_system
from medrecog_core.ui.listed_runs import listed_runs
from medrecog_core.ui.page import HOME, PAGES, open_page, shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.shown_bundle import sharer

open_page(HOME.title)

QUESTION = (
    "Find out how well your images can be classified from the features of a **frozen, pre-trained "
    "network**, and which layer, input size and pooling work best."
)

_CARDS_A_ROW = 4


def show_pages(is_view: bool) -> None:
    pages = [page for page in PAGES if page != HOME]
    for first in range(0, len(pages), _CARDS_A_ROW):
        row = pages[first : first + _CARDS_A_ROW]
        for column, page in zip(st.columns(_CARDS_A_ROW), row, strict=False):
            with column.container(border=True, height="stretch"):
                st.page_link(page.file, label=f"**{page.title}**", icon=f":material/{page.icon}:")
                st.caption(page.view_description if is_view else page.description)


def show_view() -> None:
    """Home in a read-only view."""
    st.markdown(
        "This is a **read-only view** of results: you can browse everything and classify your own "
        "images, which are not stored."
    )
    with shown_errors():
        runs = listed_runs()
        shared = (
            f"{counted(len(library.names()), 'data set')}, {counted(len(runs), 'run')} and "
            f"{counted(len(model_names()), 'model')}"
        )
        by = sharer()
        st.subheader(f"Shared by {literal(by)}" if by else "Shared results")
        st.caption(f"Available: {shared}.")
        show_shared(runs)
    st.subheader("Pages")
    show_pages(is_view=True)


def show_start() -> None:
    """Home where runs can be started."""
    st.markdown(QUESTION)
    with shown_errors():
        runs = listed_runs()
        if runs:
            label, icon, asked = "New experiment", ":material/play_circle:", {}
        else:
            label, icon, asked = "Start with the demo", ":material/rocket_launch:", {"on": "demo"}
        if st.button(label, type="primary", icon=icon):
            st.switch_page("pages/2_Experiments.py", query_params=asked)
        show_continue(runs)
        show_pinned(runs)
        if not runs:
            show_pages(is_view=False)
    show_system()


if is_viewer():
    show_view()
else:
    show_start()
