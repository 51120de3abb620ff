"""The data set, split, network and weights of a run, and warnings about leakage."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from medrecog_core.datasets.small_test import SmallTest
from medrecog_core.datasets.splits import describe_leak
from medrecog_core.images import PLAIN, Rendering
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted


def show_warnings(record: Mapping[str, Any], small_test: SmallTest | None) -> None:
    """Show what limits the results: sample, leakage, small classes, rendering, skipped images."""
    dataset, split = record["dataset"], record["split"]
    if dataset["synthetic"]:
        st.info(
            f"The data set “{literal(dataset['name'])}” is {literal(dataset['layout'])}.",
            icon=":material/draw:",
        )
    if record.get("sample"):
        st.info(f"Results are based on {literal(record['sample'])}.", icon=":material/colorize:")
    if split["n_leaking_groups"]:
        st.warning(describe_leak(split["n_leaking_groups"]), icon=":material/water_drop:")
    if small_test is not None:
        st.warning(literal(small_test.words), icon=":material/groups:")
    if (rendering := Rendering.from_document(record.get("rendering"))) != PLAIN:
        st.caption(literal(f"Rendering of the images: {rendering.title}."))
    if record["skipped"]:
        with st.expander(f"{counted(len(record['skipped']), 'unreadable image')} skipped"):
            st.dataframe(record["skipped"], hide_index=True)


def show_record(record: Mapping[str, Any], n_folds: int) -> None:
    """Show the data set, split, network and weights of a run."""
    dataset, split = record["dataset"], record["split"]
    tested = (
        f"cross-validation with {n_folds} folds, each fold trained on the images of the others"
        if n_folds > 1
        else f"trained on {counted(split['n_train'], 'image')}, tested on "
        f"{counted(split['n_test'], 'image')}"
    )
    st.caption(
        f"{literal(dataset['name'])}: {tested} ({literal(split['kind'])}). "
        f"{literal(record['network'])}, weights: {literal(record['weights']['title'])}, "
        f"{literal(record['precision'])}."
    )
