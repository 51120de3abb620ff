"""The learning curve of a cell, beside those of other cells."""

import streamlit as st

from medrecog_core.mode import is_viewer
from medrecog_core.reports.figures.learning_curve import draw_learning_curves
from medrecog_core.runs import CellResult, Run
from medrecog_core.runs.learning_curve import (
    gain_words,
    kept_learning_curves,
    last_curve_job,
    start_learning_curve,
    unit_noun,
)
from medrecog_core.ui.chart import show_chart
from medrecog_core.ui.jobs import note_started, show_job
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal


def show_learning_curve(run: Run, result: CellResult) -> None:
    """Show the learning curves that were computed, and how to compute that of the cell."""
    kept = {cell.name: curve for cell, curve in kept_learning_curves(run).items()}
    name = result.cell.name
    if name not in kept:
        st.caption(
            "A learning curve shows how the accuracy grows with the number of training groups "
            "(patients, lesions), and what more of them would bring."
        )
        if not is_viewer():
            _offer(run, result)
    if not kept:
        if is_viewer():
            st.info("No learning curve was computed for this run.", icon=":material/show_chart:")
        return
    others = st.multiselect(
        "Cells",
        list(kept),
        default=[name] if name in kept else list(kept)[:1],
        key=f"curves {name}",
    )
    shown = {each: kept[each] for each in others}
    if not shown:
        return
    noun = unit_noun(run)
    show_chart(draw_learning_curves(shown, noun), width="stretch")
    st.caption(
        f"Accuracy with 95 % confidence intervals over the number of training {noun}, which are "
        "drawn several times for each number. Line: fitted power law; dashed: extrapolation."
    )
    for cell, curve in shown.items():
        st.markdown(f"**{literal(cell)}**: {literal(gain_words(run, curve))}")
    st.dataframe(
        [
            {
                "cell": cell,
                f"training {noun}": point.n_groups,
                "accuracy": round(point.accuracy, 4),
                "95 % CI": f"{point.low:.3f} to {point.high:.3f}",
            }
            for cell, curve in shown.items()
            for point in curve.points
        ],
        hide_index=True,
    )


def _offer(run: Run, result: CellResult) -> None:
    job = last_curve_job(run, result.cell)
    if job is not None and job.state().status != "finished":
        show_job(job)
    if job is None or job.state().has_ended:
        st.button(
            "Compute learning curve",
            icon=":material/show_chart:",
            type="primary",
            on_click=_start,
            args=(run, result),
        )


def _start(run: Run, result: CellResult) -> None:
    with shown_errors():
        note_started(start_learning_curve(run, result.cell))
