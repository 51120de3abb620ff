"""The runs under names that people can read, as every page lists them."""

from collections.abc import Callable, Collection, Sequence

import streamlit as st

from medrecog_core.mode import is_viewer
from medrecog_core.runs import ListedRun, list_runs
from medrecog_core.ui.choice import choose
from medrecog_core.ui.page import show_absence

SELECT_WIDTH = 400  # pixels, so that two are side by side


def listed_runs() -> list[ListedRun]:
    """Return every run; a spinner says so when this takes a moment, as after an upgrade."""
    with st.spinner("Reading runs. This takes longer the first time after an update."):
        return list_runs()


def show_no_runs() -> None:
    """Say that there are no results, and where to start."""
    if is_viewer():
        show_absence("results")
        return
    st.info("No results yet. Start an experiment first.", icon=":material/lightbulb:")
    st.page_link(
        "pages/2_Experiments.py", label="Start an experiment", icon=":material/play_circle:"
    )


def run_names(rows: Sequence[ListedRun]) -> dict[str, str]:
    """Return the name of each run by its identity, archived runs last."""
    ordered = sorted(rows, key=lambda row: row.labels.archived)
    return {
        row.run.id: f"{row.name} (archived)" if row.labels.archived else row.name for row in ordered
    }


def choose_run(
    rows: Sequence[ListedRun],
    key: str,
    closes: Collection[str] = (),
    on_change: Callable[[], None] | None = None,
) -> ListedRun:
    """Show a select box of runs and return the opened one; stop the page if it is gone."""
    chosen = choose(
        "Run",
        run_names(rows),
        key=key,
        list_page="pages/2_Experiments.py",
        width=SELECT_WIDTH,
        closes=closes,
        on_change=on_change,
    )
    return next(row for row in rows if row.run.id == chosen)
