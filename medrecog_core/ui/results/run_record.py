"""The data set, split, network and weights of a run, and warnings about leakage."""

import streamlit as st

from medrecog_core.images import PLAIN
from medrecog_core.runs.description import Reservation, reservations
from medrecog_core.runs.record import RunRecord
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted

_SHOWN = {
    Reservation.SYNTHETIC: (st.info, ":material/draw:"),
    Reservation.SAMPLE: (st.info, ":material/colorize:"),
    Reservation.LEAKAGE: (st.warning, ":material/water_drop:"),
}


def show_record(record: RunRecord) -> None:
    """Show the record of a run, with leakage and skipped images."""
    dataset, split = record.dataset, record.split
    found = reservations(record)
    for kind, (show, icon) in _SHOWN.items():
        if kind in found:
            show(literal(found[kind]), icon=icon)
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
