"""Data sets: browse images, check data quality, exclude images, add data sets."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.datasets import demo, library
from medrecog_core.jobs.job import last_job
from medrecog_core.jobs.kinds import DRAW_DEMO
from medrecog_core.jobs.state import RESUMABLE
from medrecog_core.mode import is_viewer
from medrecog_core.ui.choice import choose, close_object, named, open_object
from medrecog_core.ui.datasets.adding_dataset import ADDED, add_dataset_button, show_imports
from medrecog_core.ui.datasets.dataset_gallery import (
    HEALTH,
    IMAGES,
    PAGE,
    VIEW,
    ask_for_images,
    choose_filter,
    close_image,
    forget_filters,
    show_images,
)
from medrecog_core.ui.datasets.dataset_summary import show_summary
from medrecog_core.ui.datasets.dataset_table import show_datasets
from medrecog_core.ui.datasets.deletion import show_deletion
from medrecog_core.ui.datasets.health_report import images_of_findings, show_health
from medrecog_core.ui.datasets.image_detail import show_image
from medrecog_core.ui.datasets.kept_dataset import load_dataset, load_report
from medrecog_core.ui.datasets.split_table import show_splits
from medrecog_core.ui.jobs import show_job
from medrecog_core.ui.page import open_page, show_absence, shown_errors
from medrecog_core.ui.sign_in import fragment

open_page("Data sets")


# A click on a tab or in one computes the open one only.
@fragment
def show_dataset(name: str) -> None:
    with shown_errors():
        dataset, report = load_dataset(name), load_report(name)
        ask_for_images()
        tabs = st.tabs(
            ["Overview", IMAGES, HEALTH, "Splits"],
            on_change=close_image,
            key=VIEW,
            bind="query-params",
        )
        overview, images, health, _ = tabs
        with images:
            # On every tab, for the address forgets the filters that are not on the page.
            chosen = choose_filter(dataset, report)
        for tab in tabs:
            if not tab.open:
                continue
            with tab, shown_errors():
                if asked := named("image"):
                    among = (
                        images_of_findings(report)
                        if tab is health
                        else [image.path for image in chosen.of(dataset)]
                    )
                    show_image(dataset, report, asked, among)
                elif tab is overview:
                    show_summary(dataset)
                elif tab is images:
                    show_images(dataset, chosen.of(dataset))
                elif tab is health:
                    show_health(dataset, report)
                else:
                    show_splits(dataset)


def show_list(names: Sequence[str]) -> None:
    if not is_viewer():
        add_dataset_button()
        show_imports()
    show_datasets(names)


def show_opened(names: Sequence[str]) -> None:
    # A link to the page that is shown would keep the address.
    st.button(
        "All data sets",
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=close_object,
        args=("dataset", "image", PAGE),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = choose(
            "Data set",
            names,
            key="dataset",
            width=320,
            closes=["image", PAGE],
            on_change=forget_filters,
        )
        if not is_viewer():
            st.page_link(
                "pages/2_Experiments.py",
                label="New experiment with this data set",
                icon=":material/play_circle:",
                query_params={"on": name},
            )
            if name != demo.NAME:
                show_deletion(name)
    if name != demo.NAME or is_viewer() or demo.is_drawn():
        show_dataset(name)
    else:
        drawing = last_job(DRAW_DEMO, name)
        was_stopped = drawing is not None and drawing.state().status in RESUMABLE
        show_job(drawing if was_stopped else library.start_drawing())


with shown_errors():
    if ADDED in st.session_state:
        forget_filters()
        open_object("dataset", st.session_state.pop(ADDED))
    names = library.names()
    if not names:
        show_absence("data sets")  # only a read-only view has none
    elif named("dataset") is None:
        show_list(names)
    else:
        show_opened(names)
