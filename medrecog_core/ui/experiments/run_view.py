"""The Experiments page in a read-only view: runs, their progress and settings."""

import time
from collections.abc import Iterable

import streamlit as st

from medrecog_core.features import POOLINGS
from medrecog_core.runs import Run
from medrecog_core.runs.description import engine_words
from medrecog_core.ui.choice import choose
from medrecog_core.ui.experiments.run_list import SEEN, show_runs
from medrecog_core.ui.experiments.run_progress import show_live
from medrecog_core.ui.jobs import show_status
from medrecog_core.ui.page import show_absence
from medrecog_core.ui.plain_text import literal


def view_runs(runs: list[Run]) -> None:
    """Show one run with its settings, and the list of runs."""
    if not runs:
        show_absence("runs")
        return
    by_id = {run.id: run for run in runs}
    run = by_id[choose("Run", list(by_id), key=SEEN, list_page="pages/2_Experiments.py")]
    with st.container(border=True):
        _show_state(run)
        st.table({name: literal(value) for name, value in run_settings(run).items()})
    st.subheader("Runs")
    show_runs(runs)


def run_settings(run: Run) -> dict[str, str]:
    """Return the settings of a run as text, by name."""
    asked, record = run.specification(), run.record()
    parameter = asked.trained_classifier.parameter
    settings = {
        "data set": asked.dataset,
        "images": (record.sample if record else "")
        or (f"a sample of {asked.sample:,}" if asked.sample else "all"),
        "network": record.network if record else asked.network,
        "weights": record.weights.title if record else "",
        "precision": record.precision if record else asked.precision,
        "engine": engine_words(record) if record else "",
        "layers": _list(asked.layers),
        "input sizes": _list(asked.scales),
        "poolings": _list(POOLINGS[pooling].title for pooling in asked.poolings),
        "fused": _list(asked.fuse),
        "resizing": asked.preprocessing,
        "protocol": record.split.kind if record else asked.protocol,
        "normalisation": asked.normalisation,
        "classifier": asked.trained_classifier.title,
        parameter.name: parameter.words(asked.parameter_values),
        "class weights": asked.class_weight,
        "seed": str(asked.seed),
        "processor": record.device.name if record and record.device else "",
        "medrecog": record.medrecog if record else "",
    }
    return {name: value for name, value in settings.items() if value}


def _show_state(run: Run) -> None:
    state = run.state()
    if not state.has_ended:
        show_live(run)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        show_status(state)
        st.markdown(f"**{literal(run.title)}**")
        st.caption(time.strftime("%Y-%m-%d %H:%M", time.localtime(state.created)))
    if state.error:
        st.error(literal(state.error), icon=":material/error:")
    st.page_link(
        "pages/3_Results.py",
        label="Open results",
        icon=":material/grid_on:",
        query_params={"run": run.id},
    )


def _list(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))
