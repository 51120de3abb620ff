"""Results: the heat map of a run, its cells in detail, and a comparison of runs."""

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from medrecog_core.errors import MedrecogError
from medrecog_core.mode import is_viewer
from medrecog_core.networks import find_network
from medrecog_core.reports.measures import best_cell, chance
from medrecog_core.runs import CellResult, ListedRun, Run
from medrecog_core.runs.comparison import score_images, with_positive
from medrecog_core.runs.published import beside_study, find_published_table
from medrecog_core.runs.record import RunRecord
from medrecog_core.runs.run import cell_images
from medrecog_core.ui.experiments.followed import SEEN, follow
from medrecog_core.ui.explore.embedding_map import ON_RESULTS, show_embedding_map
from medrecog_core.ui.heat_map import choose_range, show_heat_map, show_legend
from medrecog_core.ui.jobs import show_status
from medrecog_core.ui.listed_runs import choose_run, listed_runs, show_no_runs
from medrecog_core.ui.models.outside_tests import show_tests_of_cell
from medrecog_core.ui.page import RESEARCH_ONLY, open_page, shown_errors
from medrecog_core.ui.plain_text import literal, literal_error
from medrecog_core.ui.results.baselines import show_baselines
from medrecog_core.ui.results.cell_calibration import show_calibration
from medrecog_core.ui.results.cell_choice import CELL, choose_cell, take_cell
from medrecog_core.ui.results.cell_curves import asked_curve, forget_curve, show_curves, show_folds
from medrecog_core.ui.results.cell_decision import show_decision
from medrecog_core.ui.results.cell_gallery import show_cell_gallery
from medrecog_core.ui.results.class_table import show_class_table
from medrecog_core.ui.results.confusion_matrix import show_confusion_matrix
from medrecog_core.ui.results.exporting import offer_exports
from medrecog_core.ui.results.group_answers import show_group_answers
from medrecog_core.ui.results.headline import comparisons, describe_errors, headline
from medrecog_core.ui.results.kept_results import (
    load_baselines,
    load_calibration,
    load_class_estimates,
    load_estimates,
    load_ranked_cells,
)
from medrecog_core.ui.results.label_errors import show_label_errors
from medrecog_core.ui.results.learning_curve import show_learning_curve
from medrecog_core.ui.results.measures import choose_measure, choose_positive, show_measures
from medrecog_core.ui.results.model_making import show_model_making
from medrecog_core.ui.results.published_figures import show_published_figures
from medrecog_core.ui.results.run_comparison import choose_compared, show_comparison
from medrecog_core.ui.results.run_record import show_settings, show_warnings
from medrecog_core.ui.results.square_choice import PAGE, PREDICTED, TRUE, forget_square
from medrecog_core.ui.results.subgroups import show_subgroups
from medrecog_core.ui.sign_in import fragment

open_page("Results")


def show_run(shown: ListedRun, rows: Sequence[ListedRun], selects: DeltaGenerator) -> None:
    run, state = shown.run, shown.state
    finished, record = run.cells(), run.record()
    if state.status != "finished":
        show_status(state)
        if state.error:
            st.error(literal_error(state.error), icon=":material/error:")
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
    with selects:
        chosen = choose_compared(run, rows)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = choose_measure(finished)
        positive = choose_positive(finished[0].metrics)
        is_stretched = not chosen and choose_range()
    if chosen:
        show_comparison(run, chosen, rows, measure, positive)
        return
    show_results(run, record, measure, positive, is_stretched)


# A click on a cell computes this part of the page only.
@fragment
def show_results(
    run: Run, record: RunRecord, measure: str, positive: str | None, is_stretched: bool
) -> None:
    with shown_errors():
        results = with_positive(run.cells(), positive)
        ranked = load_ranked_cells(run, measure, positive)
        compared = comparisons(run, ranked, measure)
        sentence = f"{headline(run, measure, positive)}{compared and '; ' + compared}."
        by_name = {result.cell.name: result for result in results}
        best = best_cell(results, measure).name
        st.markdown(f"**{literal(sentence)}** {literal(describe_errors(by_name[best].metrics))}")
        show_warnings(run, record)
        specification = run.specification()
        baselines = load_baselines(run, measure, positive)
        show_heat_map(
            specification.cells,
            results,
            find_network(specification.network),
            measure,
            ranked,
            key=f"heat map {run.id}",
            take_cell=take_cell,
            is_stretched=is_stretched,
            unbeaten=baselines.unbeaten if baselines else (),
        )
        show_legend(ranked, chance(results[0].metrics, measure))
        show_baselines(baselines, run.id)
        chosen = choose_cell(list(by_name))
        shown = by_name[chosen or best]
        show_cell_title(run, shown, is_best=not chosen)
        show_tabs(run, record, shown, results, measure)


def show_cell_title(run: Run, result: CellResult, is_best: bool) -> None:
    cell = result.cell
    st.subheader(f"{literal(cell.layer)}, {cell.scale} pixels, {literal(cell.pooling)} pooling")
    if is_best:
        st.caption("Best cell. Click another cell in the heat map to see its details.")
    show_measures(load_estimates(run, result), result.n_test)


# A click on a tab or in one computes the open one only.
@fragment
def show_tabs(
    run: Run,
    record: RunRecord,
    result: CellResult,
    results: Sequence[CellResult],
    measure: str,
) -> None:
    table = find_published_table(run.specification().dataset, list(record.dataset.classes))
    study = beside_study(run.specification(), record, results)
    shows: dict[str, Callable[[], object]] = {
        "Errors": lambda: show_errors(run, result),
        "Classes": lambda: show_classes(run, result),
        "Curves and calibration": lambda: show_scores(run, result),
        "Label errors": lambda: show_label_errors(run, result),
    }
    shows["Learning curve"] = lambda: show_learning_curve(run, result)
    shows["Map"] = lambda: show_embedding_map(run, result, ON_RESULTS)
    if len(result.folds) > 1:
        shows["Folds"] = lambda: show_folds(result.folds)
    shows["By group"] = lambda: show_group_answers(run, result)
    shows["Sub-groups"] = lambda: show_subgroups(run, result, measure)
    shows["Other data sets"] = lambda: show_tests_of_cell(run, result.cell)
    if table is not None or study is not None:
        shows["Published figures"] = lambda: show_published_figures(table, study, results)
    shows["Settings"] = lambda: show_settings(run, record, len(result.folds))
    shows["Export"] = lambda: offer_exports(
        run, result, measure, result.metrics.positive, asked_curve(result.metrics)
    )
    tabs = st.tabs(list(shows), on_change="rerun", key="tab", bind="query-params")
    for tab, show in zip(tabs, shows.values(), strict=True):
        if tab.open:
            with tab, shown_errors():
                show()


def show_errors(run: Run, result: CellResult) -> None:
    metrics = result.metrics
    # In a read-only view the matrix has the full width.
    left, *right = st.columns(1 if is_viewer() else 2)
    with left:
        st.markdown("**Confusion matrix**, true classes in rows; teal: hits, orange: errors")
        show_confusion_matrix(metrics, f"{run.id} {result.cell.name}")
    for column in right:
        with column:
            show_model_making(run, result.cell)
    show_cell_gallery(cell_images(run, result), [row.label for row in metrics.classes])


def show_classes(run: Run, result: CellResult) -> None:
    st.markdown("**Classes**, with 95 % confidence intervals")
    show_class_table(load_class_estimates(run, result), result.metrics.positive)


def show_scores(run: Run, result: CellResult) -> None:
    show_curves(score_images(run, result))
    try:
        calibration = load_calibration(run, result)
        show_calibration(calibration, result.metrics.positive)
        if calibration.decision is not None and result.metrics.positive is not None:
            show_decision(calibration.decision, result.metrics.positive)
    except MedrecogError as error:
        st.caption(f"Calibration is not available. {literal(error)}")


def forget_choices() -> None:
    """Show no square and curve of the run before, because another run was selected."""
    forget_square()
    forget_curve()


with shown_errors():
    runs = listed_runs()
    if not runs:
        show_no_runs()
    else:
        selects = st.container(horizontal=True)
        with selects:
            chosen = choose_run(
                runs,
                "run",
                closes=[CELL, TRUE, PREDICTED, PAGE, ON_RESULTS.similar],
                on_change=forget_choices,
            )
        show_run(chosen, runs, selects)
    st.caption(RESEARCH_ONLY)
