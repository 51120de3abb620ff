"""The report's own numbers beside those of a run."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.features import Cell
from medrecog_core.runs import CellResult
from medrecog_core.runs.published import beside_report, find_published_table
from medrecog_core.ui.plain_text import literal


def show_beside_report(dataset: str, classes: Sequence[str], results: Sequence[CellResult]) -> None:
    """Show the cells of a run that a table of the report has, with both numbers."""
    table = find_published_table(dataset, classes)
    if table is None:
        return
    with st.expander(f"Beside the report: {literal(table.name)}, {literal(table.dataset)}"):
        accuracies = {r.cell: r.metrics.accuracy for r in results if isinstance(r.cell, Cell)}
        rows = beside_report(accuracies, table)
        if not rows:
            st.caption("No cell of this run stands in the report's table.")
            return
        st.dataframe(
            [
                {
                    "cell": row.cell.name,
                    "this run": row.accuracy,
                    "report": row.published.accuracy,
                    "difference": row.difference,
                }
                for row in rows
            ],
            hide_index=True,
            column_config={
                "this run": st.column_config.NumberColumn(format="%.3f"),
                "report": st.column_config.NumberColumn(format="%.2f"),
                "difference": st.column_config.NumberColumn(format="%+.3f"),
            },
        )
        st.caption(f"{literal(table.source)}. {literal(table.note)}")
