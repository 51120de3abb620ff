"""The data set, split, network and weights of a run, and warnings about leakage."""

import streamlit as st

from medrecog_core.images import PLAIN
from medrecog_core.runs import Run
from medrecog_core.runs.description import Reservation, reservations
from medrecog_core.runs.record import RunRecord
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted

_SHOWN = {
    Reservation.SYNTHETIC: (st.info, ":material/draw:"),
    Reservation.SAMPLE: (st.info, ":material/colorize:"),
    Reservation.LEAKAGE: (st.warning, ":material/water_drop:"),
    Reservation.SMALL_TEST: (st.warning, ":material/groups:"),
}


def show_warnings(run: Run, record: RunRecord) -> None:
    """Show what limits the results: sample, leakage, small classes, rendering, skipped images."""
    found = reservations(run)
    for kind, (show, icon) in _SHOWN.items():
        if kind in found:
            show(literal(found[kind]), icon=icon)
    if record.rendering != PLAIN:
        st.caption(literal(f"Rendering of the images: {record.rendering.title}."))
    if record.skipped:
        with st.expander(f"{counted(len(record.skipped), 'unreadable image')} skipped"):
            st.dataframe([each.model_dump() for each in record.skipped], hide_index=True)


def show_record(record: RunRecord, n_folds: int) -> None:
    """Show the data set, split, network and weights of a run."""
    dataset, split = record.dataset, record.split
    tested = (
        f"cross-validation with {n_folds} folds, each fold trained on the images of the others"
        if n_folds > 1
        else f"trained on {counted(split.n_train, 'image')}, tested on "
        f"{counted(split.n_test, 'image')}"
    )
    st.caption(
        f"{literal(dataset.name)}: {tested} ({literal(split.kind)}). "
        f"{literal(record.network)}, weights: {literal(record.weights.title)}, "
        f"{literal(record.precision)}."
    )
