"""Data sets: browse images, check data quality, exclude images, add data sets."""

import streamlit as st

from medrecog_core.datasets import demo, library
from medrecog_core.jobs.job import last_job
from medrecog_core.jobs.kinds import DRAW_DEMO
from medrecog_core.jobs.state import RESUMABLE
from medrecog_core.mode import is_viewer
from medrecog_core.ui.choice import choose, open_object
from medrecog_core.ui.datasets.adding_dataset import ADDED, add_dataset_button, show_imports
from medrecog_core.ui.datasets.dataset_gallery import forget_filters, show_images
from medrecog_core.ui.datasets.dataset_summary import show_summary
from medrecog_core.ui.datasets.health_report import show_health
from medrecog_core.ui.datasets.image_detail import show_image
from medrecog_core.ui.datasets.kept_dataset import load_dataset, load_report
from medrecog_core.ui.jobs import show_job
from medrecog_core.ui.page import open_page, show_absence, shown_errors

open_page("Data sets")

VIEWS = ["Images", "Health"]


def show_dataset(name: str) -> None:
    dataset, report = load_dataset(name), load_report(name)
    if asked := st.query_params.get("image"):
        show_image(dataset, report, asked)
        return
    show_summary(dataset)
    if st.session_state.get("view") not in VIEWS:
        asked = st.query_params.get("view")
        st.session_state["view"] = asked if asked in VIEWS else VIEWS[0]
    view = st.segmented_control(
        "View",
        VIEWS,
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == "Health":
        show_health(dataset, report)
    else:
        show_images(dataset, report)


with shown_errors():
    if ADDED in st.session_state:
        forget_filters()
        open_object("dataset", st.session_state.pop(ADDED))
    names = library.names()
    if not names:
        show_absence("data sets")
        st.stop()  # only a read-only view has none
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = choose(
            "Data set",
            names,
            key="dataset",
            list_page="pages/1_Datasets.py",
            width=320,
            closes=["image"],
            on_change=forget_filters,
        )
        if not is_viewer():
            add_dataset_button()
            st.page_link(
                "pages/2_Experiments.py",
                label="New experiment with this data set",
                icon=":material/play_circle:",
                query_params={"on": name},
            )
    if not is_viewer():
        show_imports()
    if name != demo.NAME or is_viewer() or demo.is_drawn():
        show_dataset(name)
    else:
        drawing = last_job(DRAW_DEMO, name)
        was_stopped = drawing is not None and drawing.state().status in RESUMABLE
        show_job(drawing if was_stopped else library.start_drawing())
