"""A run beside others: the settings that differ, and the best cell of each."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.experiments import RunFolder, all_runs
from medrecog_core.experiments.run_comparison import CommonCell, ComparedPair, RunComparison
from medrecog_core.ui.kept_results import load_comparison
from medrecog_core.ui.page import shown_errors

COMPARED = "compare"
"""Name of the other runs in the address."""

_BETWEEN = ","


def show_comparison(run: RunFolder, measure: str, positive: str | None) -> None:
    """Show a choice of other runs, and the run beside them where some are chosen.

    Parameters
    ----------
    run
        The run that the page is about.
    measure, positive
        As for `compare_runs`.
    """
    others = {other.id: other for other in all_runs() if other.id != run.id}
    chosen = _choose(list(others))
    if not chosen:
        return
    with shown_errors():
        found = load_comparison([run, *(others[name] for name in chosen)], measure, positive)
        _show_runs(found)
        _show_pairs(found)
        _show_cells(found)


def _choose(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    if COMPARED in st.session_state:
        asked = list(st.session_state[COMPARED])
    else:
        written = st.query_params.get_all(COMPARED)
        asked = [name for part in written for name in part.split(_BETWEEN) if name]
    known = [name for name in asked if name in names]
    if known != asked:
        gone = ", ".join(f"“{name}”" for name in asked if name not in names)
        st.warning(f"There is no other run {gone} here.", icon=":material/link_off:")
    st.session_state[COMPARED] = known
    chosen: list[str] = st.multiselect(
        "Compare with",
        names,
        key=COMPARED,
        bind="query-params",
        placeholder="Other runs",
        width=640,
    )
    return chosen


def _show_runs(found: RunComparison) -> None:
    st.markdown("**Runs side by side**" + ("" if found.settings else ": all settings are the same"))
    value = found.measure.replace("_", " ")
    st.dataframe(
        [
            {
                "run": run.title,
                **dict(zip(found.settings, run.settings, strict=True)),
                "best cell": run.best.cell.name,
                value: run.estimate.value,
                "95 % interval": f"{run.estimate.low:.3f} to {run.estimate.high:.3f}",
                "test images": run.best.n_test,
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


def _show_pairs(found: RunComparison) -> None:
    titles = {run.run: run.title for run in found.runs}
    for pair in found.pairs:
        st.markdown(f"- **{titles[pair.one]}** and **{titles[pair.other]}**: {_told(pair)}")
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
        f"{verdict} at 5 %: {comparison.difference:+.3f}, 95 % {comparison.low:+.3f} to "
        f"{comparison.high:+.3f}; {p_value}, {comparison.method}."
    )


def _show_cells(found: RunComparison) -> None:
    if not found.cells:
        st.caption("No cell is finished in all of them.")
        return
    titles = [run.title for run in found.runs]
    config = {title: st.column_config.NumberColumn(format="%.3f") for title in titles}
    config["difference"] = st.column_config.NumberColumn(format="%+.3f")
    with st.expander(f"Cells in common: {len(found.cells):,}"):
        st.dataframe(
            [_row(cell, titles) for cell in found.cells], hide_index=True, column_config=config
        )


def _row(cell: CommonCell, titles: Sequence[str]) -> dict[str, str | float]:
    row: dict[str, str | float] = {"cell": cell.cell, **dict(zip(titles, cell.values, strict=True))}
    if len(titles) == 2:
        row["difference"] = cell.values[0] - cell.values[1]
    return row
