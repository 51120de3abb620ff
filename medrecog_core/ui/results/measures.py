"""The choice of measure and positive class, and the measures of a cell."""

from collections.abc import Mapping, Sequence

import streamlit as st

from medrecog_core.classification import Estimate, Metrics, choose_positive_class
from medrecog_core.reports.measures import MEASURES, told_measures
from medrecog_core.runs import CellResult
from medrecog_core.ui.quantities import counted

MEASURE, POSITIVE = "measure", "positive"
"""Names of the choices in the address."""


def choose_measure(results: Sequence[CellResult]) -> str:
    """Show the measures available for every result; return the name of the selected one."""
    measures = told_measures(results)
    known = list(measures)
    _forget_unknown(MEASURE, known)
    chosen: str = st.segmented_control(
        "Measure",
        known,
        default=known[0],
        required=True,
        key=MEASURE,
        bind="query-params",
        wrap=True,
    )
    return measures[chosen]


def choose_positive(metrics: Metrics) -> str | None:
    """Show the choice of the positive class; None if there are more than two classes."""
    labels = [row.label for row in metrics.classes]
    usual = choose_positive_class(labels)
    if usual is None:
        return None
    _forget_unknown(POSITIVE, labels)
    # Not a segmented control, which renders Markdown in its options.
    chosen: str = st.selectbox(
        "Positive class",
        labels,
        index=labels.index(usual),
        key=POSITIVE,
        bind="query-params",
        width=240,
        help="The class to detect. Sensitivity is its recall; specificity is the recall of the "
        "other class.",
    )
    return chosen


def show_measures(estimates: Mapping[str, Estimate], n_test: int) -> None:
    """Show the measures of a cell with their 95 % confidence intervals."""
    accuracy = estimates["accuracy"]
    noun = "test image" if accuracy.n_images == n_test else "prediction"
    with st.container(horizontal=True, gap="medium"):
        for title, name in MEASURES.items():
            if name in estimates:
                _show_measure(title, estimates[name], noun)
    n = counted(n_test, "test image")
    if accuracy.n_images > n_test:
        n += f", {counted(accuracy.n_images, 'prediction')}"
    if accuracy.n_units < n_test:
        n += f"; intervals resample {counted(accuracy.n_units, 'group')}"
    st.caption(f"95 % confidence intervals below each value; n = {n}.")


def _show_measure(title: str, estimate: Estimate, noun: str) -> None:
    method = "Wilson score interval" if estimate.method == "wilson" else "BCa bootstrap interval"
    st.metric(
        title,
        f"{estimate.value:.3f}",
        delta=f"{estimate.low:.3f} to {estimate.high:.3f}",
        delta_color="off",
        delta_arrow="off",
        width="content",
        help=f"Based on {counted(estimate.n_images, noun)}; {method}.",
    )


def _forget_unknown(key: str, options: Sequence[str]) -> None:
    """Drop a selection made for another run."""
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]
