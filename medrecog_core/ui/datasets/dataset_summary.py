"""Counts and a chart of a data set, and the warnings of its import."""

from collections import Counter
from collections.abc import Callable, Sequence

import altair as alt
import pandas as pd
import streamlit as st

from medrecog_core.csv_text import csv_text
from medrecog_core.datasets import Dataset, DatasetWarning, LeftOut, library
from medrecog_core.mode import is_viewer
from medrecog_core.reports.figures.colours import ink_on
from medrecog_core.ui.chart import category_colours, show_chart
from medrecog_core.ui.datasets.class_choice import show_class_choice, show_move
from medrecog_core.ui.datasets.decision_widgets import on_page
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.sign_in import at_click

_CLASSES_SHOWN = 30
_ROWS_SHOWN = 1000
_CHART_HEIGHT = 520  # pixels in which the chart of many classes scrolls
_LEAST_NUMBERED = 0.06  # of the longest bar, for a bar to have room for its number


def show_summary(dataset: Dataset) -> None:
    """Show the counts, folder, rendering, classes and warnings of a data set."""
    if dataset.synthetic:
        st.info(f"This data set contains {literal(dataset.layout)}.", icon=":material/draw:")
    show_numbers(dataset)
    # The folder on the server is not shown in a read-only view.
    where = "" if is_viewer() else f", in {dataset.root}"
    st.caption(literal(f"{dataset.layout[0].upper()}{dataset.layout[1:]}{where}"))
    show_rendering(dataset)
    if dataset.metadata:
        st.caption(f"Columns for sub-groups: {literal(', '.join(dataset.metadata))}.")
    show_class_counts(dataset)
    if library.is_changeable(dataset.name):
        with st.container(horizontal=True):
            show_class_choice(dataset)
            show_move(dataset)
    if dataset.warnings:
        with st.expander(
            counted(len(dataset.warnings), "import warning"),
            icon=":material/warning:",
        ):
            show_warnings(dataset.warnings)
    show_left_out(dataset.left_out)


def show_numbers(dataset: Dataset) -> None:
    """Show the number of images, classes and groups, and the splits."""
    with st.container(horizontal=True, gap="medium"):
        st.metric("Images", f"{len(dataset.images):,}", width="content")
        if dataset.excluded:
            st.metric("Excluded", f"{len(dataset.excluded):,}", width="content")
        if dataset.unlabelled:
            st.metric(
                "Unlabeled",
                f"{len(dataset.unlabelled):,}",
                width="content",
                help="Images without a label. They are not used in runs; classify them with a "
                "model on the Predict page.",
            )
        st.metric("Classes", len(dataset.classes), width="content")
        if dataset.groups:
            st.metric("Groups", f"{len(dataset.groups):,}", width="content")
    if not dataset.groups:
        st.caption("No groups.")
    splits = f"Split: {', '.join(dataset.splits)}." if dataset.splits else "No predefined split."
    st.caption(literal(splits))


def show_rendering(dataset: Dataset) -> None:
    """Show how stored values are converted to 8-bit images, if that is not the default."""
    if dataset.rendering.identity:
        st.caption(
            literal(f"Rendering of the images: {dataset.rendering.title}."),
            help="How stored pixel values are converted to 8-bit images. Set at import; runs and "
            "models of this data set use it too.",
        )


def show_warnings(
    warnings: Sequence[DatasetWarning], remedy: Callable[[str], None] = lambda message: None
) -> None:
    """Show the warnings of an import with the affected files."""
    for warning in warnings:
        st.warning(literal(on_page(warning.message)), icon=":material/warning:")
        remedy(warning.message)
        if warning.paths:
            n = counted(len(warning.paths), "file or row", "files or rows")
            with st.popover(f"Show {n}", type="tertiary"):
                rows = [{"file or row": path} for path in warning.paths[:_ROWS_SHOWN]]
                st.dataframe(rows, hide_index=True)
                _say_if_cut(len(warning.paths))


def show_left_out(left_out: Sequence[LeftOut]) -> None:
    """Show which files were skipped, and why."""
    if not left_out:
        return
    with st.expander(f"{counted(len(left_out), 'file or row', 'files or rows')} skipped"):
        reasons = Counter(entry.kind for entry in left_out).most_common()
        st.markdown("  \n".join(f"{n:,} x {literal(reason)}" for reason, n in reasons[:20]))
        rows = [{"file or row": e.path, "reason": e.reason} for e in left_out[:_ROWS_SHOWN]]
        st.dataframe(rows, hide_index=True)
        _say_if_cut(len(left_out))
        st.download_button(
            "Download list",
            at_click(lambda: _as_csv(left_out)),
            "skipped-files.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


def show_class_counts(dataset: Dataset, key: str = "") -> None:
    """Show the images of each class and split as bars; the largest ones of many classes."""
    splits = [*dataset.splits, "all"]
    counts = Counter((image.label, image.split or "all") for image in dataset.images)
    order = list(dataset.classes)
    if len(order) > _CLASSES_SHOWN and not st.toggle(
        f"Show all {len(order):,} classes", key=f"all classes {key}"
    ):
        # The others are a sentence: one bar for all of them would dwarf the rest.
        by_size = Counter(image.label for image in dataset.images).most_common()
        order = [label for label, _ in by_size[:_CLASSES_SHOWN]]
        st.caption(_others(by_size[_CLASSES_SHOWN:]))
    shown = set(order)
    drawn = {place: n for place, n in counts.items() if place[0] in shown}
    on_colour = [ink_on(colour) for colour in category_colours()]
    rows = []
    for (label, split), n in drawn.items():
        place = splits.index(split)
        rows.append((label, split, n, place, on_colour[place]))
    table = pd.DataFrame(rows, columns=["class", "split", "images", "place", "on colour"])
    bars = alt.Chart(table).encode(
        y=alt.Y(
            "class:N", sort=order, title=None, axis=alt.Axis(labelLimit=160, labelOverlap=False)
        ),
        x=alt.X("images:Q", stack="zero", axis=alt.Axis(tickMinStep=1, tickCount=5)),
        order="place:O",
    )
    legend = alt.Legend(orient="top", title=None) if dataset.splits else None
    coloured = bars.mark_bar().encode(
        color=alt.Color("split:N", sort=splits, legend=legend),
        tooltip=["class:N", "split:N", alt.Tooltip("images:Q", format=",")],
    )
    longest = table.groupby("class")["images"].sum().max()
    numbers = bars.mark_text(align="right", dx=-4).encode(
        color=alt.Color("on colour:N", scale=None, legend=None),
        text=alt.Text("images:Q", format=","),
        opacity=alt.condition(
            f"datum.images > {_LEAST_NUMBERED * longest}", alt.value(1), alt.value(0)
        ),
    )
    per_class = 34 if len(order) <= _CLASSES_SHOWN else 18
    height = (110 if dataset.splits else 70) + per_class * len(order)  # with axis and legend
    with st.container(height=_CHART_HEIGHT if height > 2 * _CHART_HEIGHT else "content"):
        show_chart(
            alt.layer(coloured, numbers)
            .resolve_scale(color="independent")
            .properties(height=height),
            width="stretch",
            alt="Images of each class: "
            + ", ".join(f"{label} {split} {n}" for (label, split), n in drawn.items()),
        )


def _others(classes: Sequence[tuple[str, int]]) -> str:
    """Return a sentence on the classes that are not drawn, the largest of them first."""
    (_, most), (_, least) = classes[0], classes[-1]
    sizes = f"{least:,} to {most:,}" if least < most else f"{most:,}"
    return (
        f"The {_CLASSES_SHOWN} largest classes. The "
        f"{counted(len(classes), 'smaller class has', 'smaller classes have')} "
        f"{sizes} {'image' if most == 1 else 'images'} each, "
        f"{sum(n for _, n in classes):,} in total."
    )


def _say_if_cut(n: int) -> None:
    if n > _ROWS_SHOWN:
        st.caption(f"Showing the first {_ROWS_SHOWN:,} of {n:,}.")


def _as_csv(left_out: Sequence[LeftOut]) -> bytes:
    text = csv_text(("file or row", "reason"), ((each.path, each.reason) for each in left_out))
    # Excel needs the byte order mark to read UTF-8.
    return text.encode("utf-8-sig", "surrogateescape")
