"""Results: the heat map of a run, its cells in detail, and a comparison of runs."""

import streamlit as st

from medrecog_core.errors import MedrecogError
from medrecog_core.mode import is_viewer
from medrecog_core.networks import find_network
from medrecog_core.reports.measures import best_cell
from medrecog_core.runs import CellResult, Run, all_runs
from medrecog_core.runs.ranked_cells import score_images, with_positive
from medrecog_core.runs.run import cell_images
from medrecog_core.ui.choice import choose
from medrecog_core.ui.experiments.run_list import SEEN, follow
from medrecog_core.ui.heat_map import show_heat_map, show_legend
from medrecog_core.ui.jobs import show_status
from medrecog_core.ui.page import RESEARCH_ONLY, open_page, show_absence, shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.results.cell_calibration import show_calibration
from medrecog_core.ui.results.cell_choice import CELL, choose_cell, take_cell
from medrecog_core.ui.results.cell_curves import forget_curve, show_curves, show_folds
from medrecog_core.ui.results.cell_gallery import show_cell_gallery
from medrecog_core.ui.results.class_table import show_class_table
from medrecog_core.ui.results.confusion_matrix import show_confusion_matrix
from medrecog_core.ui.results.exporting import offer_exports
from medrecog_core.ui.results.kept_results import (
    load_calibration,
    load_class_estimates,
    load_estimates,
    load_ranked_cells,
)
from medrecog_core.ui.results.measures import choose_measure, choose_positive, show_measures
from medrecog_core.ui.results.model_making import show_model_making
from medrecog_core.ui.results.report_comparison import show_beside_report
from medrecog_core.ui.results.run_comparison import show_comparison
from medrecog_core.ui.results.run_record import show_record
from medrecog_core.ui.results.square_choice import forget_square

open_page("Results")


def show_run(run: Run) -> None:
    finished, record = run.cells(), run.record()
    state = run.state()
    if run.title != run.id:
        st.subheader(literal(run.title))
    if state.status != "finished":
        show_status(state)
        if state.error:
            st.error(literal(state.error), icon=":material/error:")
    if not finished:
        st.info("This run has no finished cell yet.", icon=":material/hourglass_empty:")
        if is_viewer():
            st.page_link(
                "pages/2_Experiments.py",
                label="View progress",
                icon=":material/play_circle:",
                query_params={SEEN: run.id},
            )
            return
        if st.button("View progress", icon=":material/play_circle:"):
            follow(run.id)
            st.switch_page("pages/2_Experiments.py")
        return
    if record is None:
        raise MedrecogError(
            f"The settings record of run {run.id} is missing. Resume the run or delete it."
        )
    show_record(record)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = choose_measure(finished)
        positive = choose_positive(finished[0].metrics)
        exports = st.container(width="content")
    show_comparison(run, measure, positive)
    results = with_positive(finished, positive)
    specification = run.specification()
    ranked = load_ranked_cells(run, measure, positive)
    show_heat_map(
        specification.cells,
        results,
        find_network(specification.network),
        measure,
        ranked,
        key=f"heat map {run.id}",
        take_cell=take_cell,
    )
    show_legend(ranked)
    show_beside_report(specification.dataset, list(record.dataset.classes), results)
    by_name = {result.cell.name: result for result in results}
    chosen = choose_cell(list(by_name))
    shown = by_name[chosen or best_cell(results, measure).name]
    curve = show_cell(run, shown, is_best=not chosen)
    with exports:
        offer_exports(run, shown, measure, positive, curve)


def show_cell(run: Run, result: CellResult, is_best: bool) -> str:
    """Show a cell in detail and return the class of its curves."""
    cell, metrics = result.cell, result.metrics
    st.subheader(f"{literal(cell.layer)}, {cell.scale} pixels, {literal(cell.pooling)} pooling")
    if is_best:
        st.caption("Best cell. Click another cell in the heat map to see its details.")
    show_measures(load_estimates(run, result), result.n_test)
    # In a read-only view the matrix has the full width.
    left, *right = st.columns(1 if is_viewer() else 2)
    with left:
        st.markdown("**Confusion matrix**, true classes in rows")
        show_confusion_matrix(metrics, f"{run.id} {cell.name}")
    for column in right:
        with column:
            show_model_making(run, cell)
    st.markdown("**Classes**, with 95 % confidence intervals")
    show_class_table(load_class_estimates(run, result), metrics.positive)
    show_cell_gallery(cell_images(run, result), [row.label for row in metrics.classes])
    show_folds(result.folds)
    curve = show_curves(score_images(run, result))
    # Only on demand: it loads scikit-learn, which the rest of the page does not need.
    if st.toggle("Show calibration", key="calibration", bind="query-params"):
        try:
            show_calibration(load_calibration(run, result), metrics.positive)
        except MedrecogError as error:
            st.caption(f"Calibration is not available. {literal(error)}")
    return curve


def forget_choices() -> None:
    """Show no square and curve of the run before, because another run was selected."""
    forget_square()
    forget_curve()


with shown_errors():
    runs = {run.id: run for run in all_runs()}
    if not runs and is_viewer():
        show_absence("results")
    elif not runs:
        st.info("No results yet. Start an experiment first.", icon=":material/lightbulb:")
        st.page_link(
            "pages/2_Experiments.py", label="Start an experiment", icon=":material/play_circle:"
        )
    else:
        run_id = choose(
            "Run",
            list(runs),
            key="run",
            list_page="pages/2_Experiments.py",
            closes=[CELL],
            on_change=forget_choices,
        )
        show_run(runs[run_id])
    st.caption(RESEARCH_ONLY)
