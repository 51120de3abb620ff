"""The first rows of a label file, and the choice of its columns."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from medrecog_core.datasets import Decisions
from medrecog_core.datasets.intake.columns import Columns, choose_columns
from medrecog_core.datasets.intake.table import Table, no_image, read_table
from medrecog_core.errors import MedrecogError
from medrecog_core.ui.datasets.decision_widgets import show_decision
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted

_ROWS_SHOWN = 5
_COLUMN_DECISIONS = ("image_column", "label_columns", "group_column", "split_column")


@dataclass(frozen=True)
class ShownTable:
    """A label file and its columns, if they are known."""

    table: Table
    columns: Columns | None


def find_table(decisions: Decisions, found: Decisions, folder: Path) -> ShownTable | None:
    """Return the first label file, or None if labels come from folders or tags."""
    for path in (*decisions.tables, *found.tables):
        try:
            table = read_table(folder / path, decisions)
        except MedrecogError:
            return None  # the preview shows the error
        try:
            return ShownTable(table, choose_columns(table, decisions, no_image))
        except MedrecogError:
            return ShownTable(table, None)
    return None


def show_table(shown: ShownTable) -> set[str]:
    """Show the first rows and a choice of columns; return the decisions that it covers."""
    table, columns = shown.table, shown.columns
    st.dataframe(
        [dict(zip(table.header, row, strict=False)) for row in table.rows[:_ROWS_SHOWN]],
        hide_index=True,
    )
    n_shown, n_rows = min(_ROWS_SHOWN, len(table.rows)), counted(len(table.rows), "row")
    st.caption(f"First {n_shown} of {n_rows} in {literal(table.name)}. Match the columns:")
    with st.container(horizontal=True):
        for name in _COLUMN_DECISIONS:
            with st.container(width=220):
                show_decision(name, table.header, placeholders=_placeholders(columns))
    return set(_COLUMN_DECISIONS)


def _placeholders(columns: Columns | None) -> dict[str, str]:
    """Return the placeholders of the boxes: the detected columns."""
    label = "Select the label column"
    if columns is None:
        return {"image_column": "Select the image column", "label_columns": label}
    return {
        "image_column": columns.image,
        "label_columns": ", ".join(columns.labels) or label,
        "group_column": ", ".join(columns.groups) or "no group column",
        "split_column": columns.split or "no split column",
    }
