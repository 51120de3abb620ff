"""A data set in a few numbers and one plot."""

from collections import Counter

import altair as alt
import pandas as pd
import streamlit as st

from medrecog_core.datasets import Dataset
from medrecog_core.images import PLAIN
from medrecog_core.mode import is_viewer
from medrecog_core.ui.quantities import counted

_ALL_CLASSES_SHOWN = 30
_LEFT_OUT_SHOWN = 1000
_LEAST_NUMBERED = 0.06  # of the longest bar, for a bar to have room for its number


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
    # Where the images lie on the server is nothing to those who only look.
    where = "" if is_viewer() else f", in {dataset.root}"
    st.caption(f"{dataset.layout[0].upper()}{dataset.layout[1:]}{where}")
    if dataset.rendering != PLAIN:
        st.caption(f"Rendering of the images: {dataset.rendering.title}.")
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
    splits = [*dataset.splits, "all"]
    counts = Counter((image.label, image.split or "all") for image in dataset.images)
    table = pd.DataFrame(
        [(label, split, n, splits.index(split)) for (label, split), n in counts.items()],
        columns=["class", "split", "images", "place"],
    )
    # Vega is a third of Plotly's size, which a browser reads before it shows the first picture.
    bars = alt.Chart(table).encode(
        y=alt.Y("class:N", sort=list(dataset.classes), title=None, axis=alt.Axis(labelLimit=160)),
        x=alt.X("images:Q", stack="zero", axis=alt.Axis(tickMinStep=1, tickCount=5)),
        order="place:O",
    )
    legend = alt.Legend(orient="top", title=None) if dataset.splits else None
    coloured = bars.mark_bar().encode(
        color=alt.Color("split:N", sort=splits, legend=legend),
        tooltip=["class:N", "split:N", alt.Tooltip("images:Q", format=",")],
    )
    on_bar = "#12191a" if st.context.theme.type == "dark" else "white"
    numbers = bars.mark_text(align="right", dx=-4, color=on_bar).encode(
        text=alt.Text("images:Q", format=","),
        opacity=alt.condition(
            f"datum.images > {_LEAST_NUMBERED * max(Counter(_labels(dataset)).values())}",
            alt.value(1),
            alt.value(0),
        ),
    )
    per_class = 34 if len(dataset.classes) <= _ALL_CLASSES_SHOWN else 18
    around = 110 if dataset.splits else 70  # pixels for the axis, and for the legend
    st.altair_chart(
        alt.layer(coloured, numbers).properties(height=around + per_class * len(dataset.classes)),
        width="stretch",
        alt="Images of each class: " + ", ".join(f"{k[0]} {k[1]} {n}" for k, n in counts.items()),
    )


def _labels(dataset: Dataset) -> list[str]:
    return [image.label for image in dataset.images]
