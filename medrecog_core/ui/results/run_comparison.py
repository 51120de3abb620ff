"""A comparison of runs: the settings that differ, and the best cell of each."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from medrecog_core.reports.figures.comparison import (
    describe_difference_map,
    describe_forest,
    draw_difference_map,
    draw_forest,
)
from medrecog_core.runs import ListedRun, Run, find_run
from medrecog_core.runs.comparison import (
    CommonCell,
    ComparedPair,
    RunComparison,
)
from medrecog_core.ui.chart import show_chart
from medrecog_core.ui.listed_runs import SELECT_WIDTH, run_names
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.results.changed_images import show_changed_images
from medrecog_core.ui.results.kept_results import load_comparison

COMPARED = "compare"
"""Name of the other runs in the address."""

_BETWEEN = ","


def choose_compared(run: Run, rows: Sequence[ListedRun]) -> list[str]:
    """Show the choice of the runs to compare with, and return those selected."""
    return _choose(run_names([row for row in rows if row.run.id != run.id]))


def show_comparison(
    run: Run,
    others: Sequence[str],
    rows: Sequence[ListedRun],
    measure: str,
    positive: str | None,
) -> None:
    """Show a run and others: settings that differ, best cells, paired tests, changed images."""
    with shown_errors():
        compared = [run, *map(find_run, others)]
        found = load_comparison(compared, measure, positive)
        names = {row.run.id: row.name for row in rows}
        titles = {each.run: names[each.run] for each in found.runs}
        _show_runs(found, titles)
        _show_leaks(found, titles)
        _show_pairs(found, titles)
        show_changed_images(compared, found, titles)
        _show_cells(found, list(titles.values()))


def _choose(names: Mapping[str, str]) -> list[str]:
    if not names:
        return []
    if COMPARED in st.session_state:
        asked = list(st.session_state[COMPARED])
    else:
        asked = [name for name in st.query_params.get(COMPARED, "").split(_BETWEEN) if name]
    known = [name for name in asked if name in names]
    if known != asked:
        gone = ", ".join(f"“{literal(name)}”" for name in asked if name not in names)
        st.warning(
            f"Run {gone} not found. It may have been deleted or belong to another server.",
            icon=":material/link_off:",
        )
    st.session_state[COMPARED] = known
    chosen: list[str] = st.multiselect(
        "Compare with",
        list(names),
        key=COMPARED,
        format_func=lambda run_id: names.get(run_id, run_id),
        placeholder="Other runs",
        width=SELECT_WIDTH,
    )
    # Streamlit itself would write one parameter for each run.
    if chosen:
        st.query_params[COMPARED] = _BETWEEN.join(chosen)
    else:
        st.query_params.pop(COMPARED, None)
    return chosen


def _show_leaks(found: RunComparison, titles: Mapping[str, str]) -> None:
    leaking = [
        f"{literal(titles[run.run])} ({counted(run.n_leaking_groups, 'group')})"
        for run in found.runs
        if run.n_leaking_groups
    ]
    if leaking:
        st.warning(
            f"Leakage in {', '.join(leaking)}. These groups have images in both training and test "
            "sets, so the results are too optimistic.",
            icon=":material/water_drop:",
        )


def _show_runs(found: RunComparison, titles: Mapping[str, str]) -> None:
    st.markdown("**Best cells**, with 95 % confidence intervals")
    values = [(titles[run.run], run.best.cell.name, run.estimate) for run in found.runs]
    show_chart(draw_forest(values, found.measure), width="stretch", alt=describe_forest(values))
    st.markdown("**Settings that differ**" if found.settings else "**Identical settings**")
    rows = {
        "best cell": [run.best.cell.name for run in found.runs],
        found.measure.replace("_", " "): [
            f"{run.estimate.value:.3f} ({run.estimate.low:.3f}–{run.estimate.high:.3f})"
            for run in found.runs
        ],
        "test images": [f"{run.estimate.n_images:,}" for run in found.runs],
        "independent": [f"{run.estimate.n_units:,}" for run in found.runs],
        "finished cells": [f"{run.n_cells:,}" for run in found.runs],
        **{
            name: [str(run.settings[i]) for run in found.runs]
            for i, name in enumerate(found.settings)
        },
    }
    # A title can be the same as that of another column.
    st.dataframe(
        [
            {"setting": name} | {_column(i): v for i, v in enumerate(row)}
            for name, row in rows.items()
        ],
        hide_index=True,
        height="content",
        column_config={_column(i): titles[run.run] for i, run in enumerate(found.runs)},
    )
    st.caption(
        "Independent: number of groups (patients, lesions) among the test images; an image "
        "without a group counts as one. Finished cells: number that the best one was chosen from."
    )


def _show_pairs(found: RunComparison, titles: Mapping[str, str]) -> None:
    for pair in found.pairs:
        one, other = literal(titles[pair.one]), literal(titles[pair.other])
        st.markdown(f"- **{one}** − **{other}**: {_verdict(pair)}")
    if any(pair.comparison is not None for pair in found.pairs):
        st.caption(
            "Paired tests of the best cells on the same test images, Holm-corrected. Each best "
            "cell was selected on these test images, which favours runs with more cells."
        )


def _verdict(pair: ComparedPair) -> str:
    comparison = pair.comparison
    if comparison is None or pair.adjusted_p_value is None:
        return "not comparable, because the runs used different test images."
    small = pair.adjusted_p_value < 0.001
    p_value = "p < 0.001" if small else f"p = {pair.adjusted_p_value:.3f}"
    verdict = "significant difference" if pair.is_told_apart else "no significant difference"
    return (
        f"{comparison.difference:+.3f} (95 % CI {comparison.low:+.3f} to {comparison.high:+.3f}); "
        f"{verdict} at α = 5 % ({p_value}, {comparison.method})."
    )


def _show_cells(found: RunComparison, titles: Sequence[str]) -> None:
    if not found.cells:
        st.caption("The runs have no finished cells in common.")
        return
    # A title can be the same as the name of another column or of the index.
    config: dict[str, Any] = {
        _column(i): st.column_config.NumberColumn(title, format="%.3f")
        for i, title in enumerate(titles)
    }
    config["difference"] = st.column_config.NumberColumn(format="%+.3f")
    with st.expander(f"Cells in common: {len(found.cells):,}"):
        if len(titles) == 2:
            st.markdown(
                f"**{literal(titles[0])}** − **{literal(titles[1])}**, "
                f"{found.measure.replace('_', ' ')}"
            )
            show_chart(
                draw_difference_map(found.cells, titles),
                width="stretch",
                alt=describe_difference_map(found.cells, titles),
            )
        st.dataframe([_row(cell) for cell in found.cells], hide_index=True, column_config=config)


def _column(i: int) -> str:
    return f"run {i}"


def _row(cell: CommonCell) -> dict[str, str | float]:
    row: dict[str, str | float] = {
        "cell": cell.cell.name,
        **{_column(i): value for i, value in enumerate(cell.values)},
    }
    if len(cell.values) == 2:
        row["difference"] = cell.difference
    return row
