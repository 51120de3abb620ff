"""Published figures next to those of a run: the 2018 report, and studies of frozen features."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.features import Cell
from medrecog_core.reports.measures import MEASURES
from medrecog_core.runs import CellResult
from medrecog_core.runs.published import BesideStudy, PublishedTable, beside_report
from medrecog_core.ui.plain_text import literal


def show_published_figures(
    table: PublishedTable | None, study: BesideStudy | None, results: Sequence[CellResult]
) -> None:
    """Show what was published on the images of a run."""
    if study is not None:
        _show_study(study)
    if table is not None:
        _show_report(table, results)


def _show_study(beside: BesideStudy) -> None:
    study = beside.study
    st.markdown(f"**{literal(study.name)}**: {literal(study.dataset)}")
    title_of = {name: title for title, name in MEASURES.items()}
    rows: list[dict[str, str | float | None]] = []
    if beside.result is not None:
        own = {title_of[name]: beside.value(name) for name in study.measures}
        rows.append({"method": f"this run, {beside.result.cell.name}", **own})
    rows += [
        {"method": figure.method}
        | {title_of[name]: figure.values.get(name) for name in study.measures}
        for figure in study.figures
    ]
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            title_of[name]: st.column_config.NumberColumn(format="%.3f") for name in study.measures
        },
    )
    st.markdown("\n".join(f"- {literal(sentence)}" for sentence in beside.differences))
    st.caption(f"{literal(study.protocol)}. {literal(study.source)}.")


def _show_report(table: PublishedTable, results: Sequence[CellResult]) -> None:
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
