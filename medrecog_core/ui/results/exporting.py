"""Export of results: files that are made only when they are downloaded."""

import functools
import re
import tempfile
from pathlib import Path, PurePath

import streamlit as st

from medrecog_core.bundles import write_bundle
from medrecog_core.bundles.contents import NO_PICTURES, THUMBNAILS, Pictures
from medrecog_core.reports.exporting import REPORT, Choice, exported
from medrecog_core.reports.run_figures import (
    CONFUSION,
    DECISION,
    FOLDS,
    HEAT_MAP,
    PRECISION_RECALL,
    RELIABILITY,
    ROC,
)
from medrecog_core.runs import CellResult, Run
from medrecog_core.runs.extracted_dataset import dataset_of_run
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.sign_in import at_click

_FIGURES = {
    "Heat map": HEAT_MAP,
    "Confusion matrix": CONFUSION,
    "ROC": ROC,
    "Precision and recall": PRECISION_RECALL,
    "Calibration": RELIABILITY,
    "Decision curve": DECISION,
    "Folds": FOLDS,
}


def offer_exports(
    run: Run, result: CellResult, measure: str, positive: str | None, curve: str = ""
) -> None:
    """Show the downloads."""
    choice = Choice(measure=measure, cell=result.cell.name, label=curve, positive=positive)
    st.markdown("**Report**")
    with st.container(horizontal=True):
        _button(run, "HTML report", "report.html", Choice(), "description")
    st.caption("Self-contained HTML file, ready to print (A4).")
    st.markdown("**Tables**")
    with st.container(horizontal=True):
        _button(run, "CSV", "cells.csv", Choice(), "table")
        _button(run, "LaTeX", "cells.tex", Choice(), "function")
        _button(run, "JSON", "run.json", Choice(), "data_object")
    with st.container(horizontal=True):
        table = Choice(table=REPORT, measure=measure, positive=positive)
        _button(run, "2018 report layout (LaTeX)", f"table-{measure}.tex", table, "function")
        _button(run, "2018 report layout (CSV)", f"table-{measure}.csv", table, "table")
    _offer_figures(run, choice, result)
    _offer_bundle(run)


def _offer_figures(run: Run, choice: Choice, result: CellResult) -> None:
    st.markdown("**Figures**")
    unavailable = {
        *([FOLDS] if len(result.folds) < 2 else []),
        *([DECISION] if result.metrics.positive is None else []),
    }
    titles = [title for title, name in _FIGURES.items() if name not in unavailable]
    title = st.selectbox("Figure", titles, label_visibility="collapsed")
    figure = _FIGURES[title]
    of_cell = "" if figure == HEAT_MAP else choice.cell
    of_class = choice.label if figure in (ROC, PRECISION_RECALL) else ""
    drawn = Choice("", figure, choice.measure, of_cell, of_class, choice.positive)
    about = of_cell or choice.measure
    if of_class:
        about += "-" + re.sub(r"[^\w-]+", "-", of_class)
    with st.container(horizontal=True):
        _button(run, "PNG", f"{figure}-{about}.png", drawn, "image")
        _button(run, "SVG", f"{figure}-{about}.svg", drawn, "shapes")


def _offer_bundle(run: Run) -> None:
    st.markdown("**Share as bundle** (open it in another medrecog installation)")
    if not run.state().has_ended:
        st.caption("Available when the run has ended.")
        return
    has_pictures = st.checkbox("Include thumbnails", value=True)
    kept = dataset_of_run(run)
    if kept is not None and kept.metadata:
        columns = ", ".join(kept.metadata)
        st.caption(f"Contains the columns {literal(columns)} of the data set's images.")
    st.download_button(
        "Bundle",
        at_click(functools.partial(_bundle, run, THUMBNAILS if has_pictures else NO_PICTURES)),
        file_name=f"{run.id}.zip",
        mime="application/zip",
        on_click="ignore",
        icon=":material/folder_zip:",
    )


def _bundle(run: Run, pictures: Pictures) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bundle.zip"
        write_bundle([run], file, pictures)
        return file.read_bytes()


def _button(run: Run, label: str, name: str, choice: Choice, symbol: str) -> None:
    st.download_button(
        label,
        at_click(functools.partial(exported, run, PurePath(name), choice)),
        file_name=f"{run.id}-{name}",
        on_click="ignore",
        icon=f":material/{symbol}:",
    )
