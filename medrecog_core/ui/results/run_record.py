"""The data set, split, network and weights of a run, and warnings about leakage."""

import streamlit as st

from medrecog_core.datasets.splits import describe_leak
from medrecog_core.images import PLAIN
from medrecog_core.runs.record import RunRecord
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted


def show_record(record: RunRecord) -> None:
    """Show the record of a run, with leakage and skipped images."""
    dataset, split = record.dataset, record.split
    if dataset.synthetic:
        st.info(
            f"The data set “{literal(dataset.name)}” is {literal(dataset.layout)}.",
            icon=":material/draw:",
        )
    if record.sample:
        st.info(f"Results are based on {literal(record.sample)}.", icon=":material/colorize:")
    if split.n_leaking_groups:
        st.warning(describe_leak(split.n_leaking_groups), icon=":material/water_drop:")
    st.caption(
        f"{literal(dataset.name)}: trained on {counted(split.n_train, 'image')}, tested on "
        f"{counted(split.n_test, 'image')} ({literal(split.kind)}). "
        f"{literal(record.network)}, weights: {literal(record.weights.title)}, "
        f"{literal(record.precision)}."
    )
    if record.rendering != PLAIN:
        st.caption(literal(f"Rendering of the images: {record.rendering.title}."))
    if record.skipped:
        with st.expander(f"{counted(len(record.skipped), 'unreadable image')} skipped"):
            st.dataframe([each.model_dump() for each in record.skipped], hide_index=True)
