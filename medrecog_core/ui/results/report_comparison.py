"""The results of the 2018 report next to those of a run."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.features import Cell
from medrecog_core.runs import CellResult
from medrecog_core.runs.published import PublishedTable, beside_report
from medrecog_core.ui.plain_text import literal


def show_beside_report(table: PublishedTable, results: Sequence[CellResult]) -> None:
    """Show the cells that a run and a table of the 2018 report have in common."""
    st.markdown(f"**2018 report**: {literal(table.name)}, {literal(table.dataset)}")
    accuracies = {r.cell: r.metrics.accuracy for r in results if isinstance(r.cell, Cell)}
    rows = beside_report(accuracies, table)
    if not rows:
        st.caption("The report's table contains none of this run's cells.")
        return
    st.dataframe(
        [
            {
                "cell": row.cell.name,
                "this run": row.accuracy,
                "2018 report": row.published.accuracy,
                "difference": row.difference,
            }
            for row in rows
        ],
        hide_index=True,
        column_config={
            "this run": st.column_config.NumberColumn(format="%.3f"),
            "2018 report": st.column_config.NumberColumn(format="%.2f"),
            "difference": st.column_config.NumberColumn(format="%+.3f"),
        },
    )
    st.caption(f"{literal(table.source)}. {literal(table.note)}")
