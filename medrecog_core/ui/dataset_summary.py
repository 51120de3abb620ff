"""A data set in a few numbers and one plot."""

from collections import Counter

import pandas as pd
import plotly.express as px
import streamlit as st

from medrecog_core.datasets import Dataset
from medrecog_core.ui.quantities import counted

_ALL_CLASSES_SHOWN = 30
_LEFT_OUT_SHOWN = 1000


def show_summary(dataset: Dataset) -> None:
    """Show how many images, classes and groups a data set has, and how they are split."""
    if dataset.synthetic:
        st.info(f"These are {dataset.layout}.", icon=":material/draw:")
    with st.container(horizontal=True, gap="medium"):
        st.metric("Images", f"{len(dataset.images):,}", width="content")
        if dataset.excluded:
            st.metric("Excluded", f"{len(dataset.excluded):,}", width="content")
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
            reasons = Counter(entry.reason for entry in dataset.left_out).most_common()
            st.markdown("  \n".join(f"{n:,} x {reason}" for reason, n in reasons[:20]))
            st.dataframe(
                [
                    {"file or row": e.path, "reason": e.reason}
                    for e in dataset.left_out[:_LEFT_OUT_SHOWN]
                ],
                hide_index=True,
            )


def show_class_counts(dataset: Dataset) -> None:
    """Show how many images in use each class has, by split, as bars."""
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
        category_orders={"class": list(dataset.classes), "split": [*dataset.splits, "all"]},
        text_auto=True,
    )
    per_class = 34 if len(dataset.classes) <= _ALL_CLASSES_SHOWN else 18
    top = 30 if dataset.splits else 0  # pixels for the legend, above the bars however many
    figure.update_layout(
        height=70 + top + per_class * len(dataset.classes),
        margin={"l": 10, "r": 10, "t": 10 + top, "b": 10},
        showlegend=bool(dataset.splits),
        yaxis_title=None,
        legend={"orientation": "h", "title": None, "y": 1, "yanchor": "bottom"},
    )
    figure.update_yaxes(type="category")
    st.plotly_chart(
        figure,
        width="stretch",
        alt="Images of each class: " + ", ".join(f"{k[0]} {k[1]} {n}" for k, n in counts.items()),
    )
