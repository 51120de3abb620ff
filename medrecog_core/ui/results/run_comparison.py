"""A run beside others: the settings that differ, and the best cell of each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from medrecog_core.reports.figures.difference_map import (
    describe_difference_map,
    draw_difference_map,
)
from medrecog_core.runs import Run, all_runs
from medrecog_core.runs.comparison import (
    CommonCell,
    ComparedPair,
    ComparedRun,
    RunComparison,
)
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.results.kept_results import load_comparison

COMPARED = "compare"
"""Name of the other runs in the address."""

_BETWEEN = ","


def show_comparison(run: Run, measure: str, positive: str | None) -> None:
    """Show a choice of other runs, and the run beside them where some are chosen."""
    others = {other.id: other for other in all_runs() if other.id != run.id}
    chosen = _choose(list(others))
    if not chosen:
        return
    with shown_errors():
        found = load_comparison([run, *(others[name] for name in chosen)], measure, positive)
        titles = _titles(found.runs)
        _show_runs(found, titles)
        _show_leaks(found, titles)
        _show_pairs(found, titles)
        _show_cells(found, list(titles.values()))


def _choose(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    if COMPARED in st.session_state:
        asked = list(st.session_state[COMPARED])
    else:
        asked = [name for name in st.query_params.get(COMPARED, "").split(_BETWEEN) if name]
    known = [name for name in asked if name in names]
    if known != asked:
        gone = ", ".join(f"“{literal(name)}”" for name in asked if name not in names)
        st.warning(f"There is no other run {gone} here.", icon=":material/link_off:")
    st.session_state[COMPARED] = known
    chosen: list[str] = st.multiselect(
        "Compare with", names, key=COMPARED, placeholder="Other runs", width=640
    )
    # Streamlit itself would write a name for each run into the address.
    if chosen:
        st.query_params[COMPARED] = _BETWEEN.join(chosen)
    else:
        st.query_params.pop(COMPARED, None)
    return chosen


def _titles(runs: Sequence[ComparedRun]) -> dict[str, str]:
    """Return what to call each run: its title, or its identity where another is called so too."""
    given = Counter(run.title for run in runs)
    return {run.run: run.title if given[run.title] == 1 else run.run for run in runs}


def _show_leaks(found: RunComparison, titles: Mapping[str, str]) -> None:
    leaking = [
        f"{literal(titles[run.run])} ({counted(run.n_leaking_groups, 'group')})"
        for run in found.runs
        if run.n_leaking_groups
    ]
    if leaking:
        st.warning(
            "Groups stand in both the training and the test part, which flatters the figures, in "
            f"{', '.join(leaking)}.",
            icon=":material/water_drop:",
        )


def _show_runs(found: RunComparison, titles: Mapping[str, str]) -> None:
    st.markdown("**Runs side by side**" + ("" if found.settings else ": all settings are the same"))
    value = found.measure.replace("_", " ")
    st.dataframe(
        [
            {
                "run": titles[run.run],
                value: run.estimate.value,
                "95 % interval": f"{run.estimate.low:.3f} to {run.estimate.high:.3f}",
                "test images": run.estimate.n_images,
                "best cell": run.best.cell.name,
                **dict(zip(found.settings, run.settings, strict=True)),
                "independent": run.estimate.n_units,
                "of cells": run.n_cells,
            }
            for run in found.runs
        ],
        hide_index=True,
        column_config={
            value: st.column_config.NumberColumn(format="%.3f"),
            "independent": st.column_config.NumberColumn(
                help="Groups (patients, lesions) among the images that the measure is told from, "
                "images without one counting as one each."
            ),
            "of cells": st.column_config.NumberColumn(
                help="So many finished cells the best was chosen from."
            ),
        },
    )


def _show_pairs(found: RunComparison, titles: Mapping[str, str]) -> None:
    for pair in found.pairs:
        st.markdown(
            f"- **{literal(titles[pair.one])}** − **{literal(titles[pair.other])}**: {_told(pair)}"
        )
    if any(pair.comparison is not None for pair in found.pairs):
        st.caption(
            "The best cells, in pairs on the same test images, with Holm's correction. Each was "
            "chosen by these images, which favours runs of more cells."
        )


def _told(pair: ComparedPair) -> str:
    comparison = pair.comparison
    if comparison is None or pair.adjusted_p_value is None:
        return "not tested on the same images, so not compared in pairs."
    small = pair.adjusted_p_value < 0.001
    p_value = "p < 0.001" if small else f"p = {pair.adjusted_p_value:.3f}"
    verdict = "they differ" if pair.is_told_apart else "they cannot be told apart"
    return (
        f"{comparison.difference:+.3f} (95 % {comparison.low:+.3f} to {comparison.high:+.3f}); "
        f"{verdict} at 5 % ({p_value}, {comparison.method})."
    )


def _show_cells(found: RunComparison, titles: Sequence[str]) -> None:
    if not found.cells:
        st.caption("No cell is finished in all of them.")
        return
    # Titles can be anything, also the name of another column or of the index.
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
            st.altair_chart(
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
