"""The measures of a run: which is looked at, for which class, and those of a cell."""

from collections.abc import Mapping, Sequence

import streamlit as st

from medrecog_core.classification import Estimate, Metrics, choose_positive_class
from medrecog_core.reports.measures import MEASURES, told_measures
from medrecog_core.runs import CellResult
from medrecog_core.ui.quantities import counted

MEASURE, POSITIVE = "measure", "positive"
"""Names of the choices in the address."""


def choose_measure(results: Sequence[CellResult]) -> str:
    """Show the measures that can be told of every result; return the name of the chosen one."""
    measures = told_measures(results)
    known = list(measures)
    _forget_unknown(MEASURE, known)
    chosen: str = st.segmented_control(
        "Measure", known, default=known[0], required=True, key=MEASURE, bind="query-params"
    )
    return measures[chosen]


def choose_positive(metrics: Metrics) -> str | None:
    """Show a choice of the positive one of two classes; None where there are more."""
    labels = [row.label for row in metrics.classes]
    usual = choose_positive_class(labels)
    if usual is None:
        return None
    _forget_unknown(POSITIVE, labels)
    # Not a segmented control, which reads Markdown in its options and names them so in the address.
    chosen: str = st.selectbox(
        "Positive class",
        labels,
        index=labels.index(usual),
        key=POSITIVE,
        bind="query-params",
        width=240,
        help="What is looked for: sensitivity is the share of it that is found, specificity the "
        "share of the other class that is left alone. The curves are about it too.",
    )
    return chosen


def show_measures(estimates: Mapping[str, Estimate], n_test: int) -> None:
    """Show measures of a cell, each with its 95 % interval."""
    accuracy = estimates["accuracy"]
    noun = "test image" if accuracy.n_images == n_test else "prediction"
    with st.container(horizontal=True, gap="medium"):
        for title, name in MEASURES.items():
            if name in estimates:
                _show_measure(title, estimates[name], noun)
    told = f"{counted(n_test, 'test image')}"
    if accuracy.n_images > n_test:
        told += f", {counted(accuracy.n_images, 'prediction')}"
    if accuracy.n_units < n_test:
        told += f", {counted(accuracy.n_units, 'group')}, which the intervals resample"
    st.caption(f"Below each measure its 95 % interval; {told}.")


def _show_measure(title: str, estimate: Estimate, noun: str) -> None:
    method = (
        "Wilson's score interval" if estimate.method == "wilson" else "interval by BCa bootstrap"
    )
    st.metric(
        title,
        f"{estimate.value:.3f}",
        delta=f"{estimate.low:.3f} to {estimate.high:.3f}",
        delta_color="off",
        delta_arrow="off",
        width="content",
        help=f"Told from {counted(estimate.n_images, noun)}; {method}.",
    )


def _forget_unknown(key: str, options: Sequence[str]) -> None:
    """Drop a choice that was made for another run."""
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]
