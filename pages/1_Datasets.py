"""Datasets: look at images, check their health, exclude what spoils results, add sets."""

from pathlib import Path

import streamlit as st

from medrecog_core.datasets import guess_columns, library, read_rows
from medrecog_core.errors import MedrecogError
from medrecog_core.ui.choice import choose
from medrecog_core.ui.dataset_gallery import forget_filters, show_images
from medrecog_core.ui.dataset_summary import show_summary
from medrecog_core.ui.demo_drawing import wait_for_demo
from medrecog_core.ui.health_report import show_health
from medrecog_core.ui.image_detail import show_image
from medrecog_core.ui.kept_dataset import load_dataset, load_report
from medrecog_core.ui.page import open_page, shown_errors

open_page("Datasets")

VIEWS = ["Images", "Health"]


@st.dialog("Add a data set", width="large")
def add_dataset() -> None:
    st.caption(
        "The images stay where they are on the machine that runs this page; only their list is "
        "kept. Put the images of each class into a folder of its own, perhaps below folders "
        "named train and test, or give a table of labels."
    )
    name = st.text_input(
        "Name", placeholder="kvasir-v2", help="Lower-case letters, digits, - and _"
    )
    folder = st.text_input("Folder of images", placeholder="/data/kvasir-dataset-v2")
    table = st.text_input("Table of labels (optional)", placeholder="/data/labels.csv")
    columns = {}
    if table:
        with shown_errors():
            columns = choose_columns(Path(table))
    if not (name and folder):
        st.info("Give a name and a folder to see what would be added.", icon=":material/edit:")
        return
    if name in library.names():
        st.error(f"There is a data set “{name}” already: choose another name.")
        return
    try:
        dataset = (
            library.read_table(name, Path(folder), Path(table), **columns)
            if table
            else library.read_folder(name, Path(folder))
        )
    except MedrecogError as error:
        st.error(str(error), icon=":material/error:")
        return
    show_summary(dataset)
    if st.button("Add this data set", type="primary"):
        with shown_errors():
            library.save(dataset)
            st.session_state["just added"] = name
            st.rerun()


def choose_columns(table: Path) -> dict[str, str]:
    header, rows = read_rows(table)
    guessed = guess_columns(header)
    st.dataframe(rows[:5], hide_index=True)
    columns = {}
    choices = st.columns(4)
    for column, (part, guess) in zip(choices, guessed.items(), strict=True):
        options = header if part in ("image", "label") else ["", *header]
        columns[part] = column.selectbox(
            f"{part.capitalize()} column",
            options,
            index=options.index(guess) if guess in options else 0,
            format_func=lambda option: option or "none",
        )
    return columns


with shown_errors():
    if "just added" in st.session_state:
        forget_filters()
        st.session_state["dataset"] = st.session_state.pop("just added")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = choose(
            "Data set", library.names(), key="dataset", width=320, on_change=forget_filters
        )
        if st.button("Add a data set", icon=":material/add:"):
            add_dataset()
        st.page_link(
            "pages/2_Experiments.py",
            label="Run an experiment on it",
            icon=":material/play_circle:",
            query_params={"on": name},
        )
    if name != "demo" or wait_for_demo():
        dataset, report = load_dataset(name), load_report(name)
        if asked := st.query_params.get("image"):
            show_image(dataset, report, asked)
        else:
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
