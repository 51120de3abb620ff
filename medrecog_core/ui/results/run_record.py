"""The data set, split, network and weights of a run, and warnings about leakage."""

import streamlit as st

from medrecog_core.images import PLAIN
from medrecog_core.runs import Run
from medrecog_core.runs.description import Reservation, reservations, used_settings
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


def show_settings(run: Run, record: RunRecord, n_folds: int) -> None:
    """Show how a run trained and tested, and every setting that had an effect."""
    split = record.split
    tested = (
        f"Cross-validation with {n_folds} folds, each fold trained on the images of the others"
        if n_folds > 1
        else f"Trained on {counted(split.n_train, 'image')}, tested on "
        f"{counted(split.n_test, 'image')}"
    )
    st.caption(f"{tested} ({literal(split.kind)}).")
    settings = used_settings(run)
    st.table({"setting": list(settings), "value": [literal(each) for each in settings.values()]})
