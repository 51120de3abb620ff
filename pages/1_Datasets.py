"""Datasets: look at images and their classes, and add sets from disk."""

from collections import Counter

import pandas as pd
import plotly.express as px
import streamlit as st

from medrecog_core.datasets import Dataset, ImageRecord, library
from medrecog_core.ui.adding_dataset import ADDED, add_dataset_button
from medrecog_core.ui.choice import choose
from medrecog_core.ui.demo_drawing import wait_for_demo
from medrecog_core.ui.gallery import Picture, show_gallery
from medrecog_core.ui.page import open_page, shown_errors
from medrecog_core.ui.quantities import counted

open_page("Datasets")


def show_dataset(dataset: Dataset) -> None:
    if dataset.synthetic:
        st.info(f"These are {dataset.layout}.", icon=":material/draw:")
    with st.container(horizontal=True, gap="medium"):
        st.metric("Images", f"{len(dataset.images):,}", width="content")
        st.metric("Classes", len(dataset.classes), width="content")
        st.metric(
            "Groups", f"{len(dataset.groups):,}" if dataset.groups else "none", width="content"
        )
        st.metric("Split", " + ".join(dataset.splits) or "none given", width="content")
    st.caption(f"{dataset.layout[0].upper()}{dataset.layout[1:]}, in {dataset.root}")
    show_class_counts(dataset)
    if dataset.left_out:
        with st.expander(
            f"{counted(len(dataset.left_out), 'file or row', 'files or rows')} left out"
        ):
            st.dataframe(
                [{"file or row": e.path, "reason": e.reason} for e in dataset.left_out[:1000]],
                hide_index=True,
            )


def show_class_counts(dataset: Dataset) -> None:
    counts = Counter((image.label, image.split or "all") for image in dataset.images)
    table = pd.DataFrame(
        [(label, split, n) for (label, split), n in counts.items()],
        columns=["class", "split", "images"],
    )
    figure = px.bar(
        table,
        y="class",
        x="images",
        color="split",
        orientation="h",
        category_orders={"class": list(dataset.classes), "split": ["all", "train", "test", "val"]},
        text_auto=True,
    )
    figure.update_layout(
        height=70 + 34 * len(dataset.classes),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        showlegend=bool(dataset.splits),
        yaxis_title=None,
        legend={"orientation": "h", "title": None, "y": 1.15},
    )
    figure.update_yaxes(type="category")
    st.plotly_chart(
        figure,
        width="stretch",
        alt="Images of each class: " + ", ".join(f"{k[0]} {k[1]} {n}" for k, n in counts.items()),
    )


def show_images(dataset: Dataset) -> None:
    st.subheader("Images")
    with st.container(horizontal=True):
        label = st.selectbox(
            "Class",
            ["all classes", *dataset.classes],
            key="class",
            bind="query-params",
            width=240,
            on_change=first_page,
        )
        split = "all"
        if dataset.splits:
            split = st.selectbox(
                "Split",
                ["all", *dataset.splits],
                key="split",
                bind="query-params",
                width=160,
                on_change=first_page,
            )
    shown = [
        image
        for image in dataset.images
        if label in ("all classes", image.label) and split in ("all", image.split)
    ]
    if not shown:
        st.info("No image has this class and split: choose another.")
        return
    if label == "all classes":
        shown = interleave_classes(shown)
    show_gallery(
        [Picture(dataset.absolute_path(image), caption(image)) for image in shown],
        key="page",
    )


def forget_filters() -> None:
    """Take back the class, split and page that were chosen for another data set."""
    for key, everything in (("class", "all classes"), ("split", "all")):
        if key in st.session_state:
            st.session_state[key] = everything
    first_page()


def first_page() -> None:
    if "page" in st.session_state:
        st.session_state["page"] = 1


def caption(image: ImageRecord) -> str:
    if not image.group or image.group.startswith(image.label):
        return image.group or image.label
    return f"{image.label} · {image.group}"


def interleave_classes(images: list[ImageRecord]) -> list[ImageRecord]:
    """Return the images so that each page of the gallery shows something of every class."""
    seen: Counter[str] = Counter()
    ranked = []
    for image in images:
        ranked.append((seen[image.label], image.label, image))
        seen[image.label] += 1
    return [image for _, _, image in sorted(ranked, key=lambda entry: entry[:2])]


with shown_errors():
    if ADDED in st.session_state:
        forget_filters()
        st.session_state["dataset"] = st.session_state.pop(ADDED)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = choose(
            "Data set", library.names(), key="dataset", width=320, on_change=forget_filters
        )
        add_dataset_button()
        st.page_link(
            "pages/2_Experiments.py",
            label="Run an experiment on it",
            icon=":material/play_circle:",
            query_params={"on": name},
        )
    if name != "demo" or wait_for_demo():
        chosen = library.load(name)
        show_dataset(chosen)
        show_images(chosen)
