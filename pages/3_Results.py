"""Results: the heat map of a run, and every cell in detail."""

from pathlib import Path

import numpy as np
import streamlit as st

from medrecog_core.experiments import CellResult, RunFolder, all_runs, find_run
from medrecog_core.experiments.ranked_cells import RankedCell, rank_cells, score_images
from medrecog_core.mode import is_viewer
from medrecog_core.networks import find_network
from medrecog_core.reports.figures.heat_map import BEST_MARK, EQUAL_MARK
from medrecog_core.reports.measures import best_cell, told_measures
from medrecog_core.ui.cell_curves import show_curves, show_folds
from medrecog_core.ui.choice import choose
from medrecog_core.ui.confusion_matrix import show_confusion_matrix
from medrecog_core.ui.gallery import Picture, show_gallery
from medrecog_core.ui.heat_map import show_heat_map
from medrecog_core.ui.model_making import show_model_making
from medrecog_core.ui.page import RESEARCH_ONLY, open_page, show_absence, shown_errors
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.report_comparison import show_beside_report
from medrecog_core.ui.run_list import SEEN
from medrecog_core.ui.run_status import show_status

open_page("Results")


INTERVAL = (
    "Of the accuracy. Wilson's score interval; where images share groups (patients, lesions), "
    "a bootstrap that draws whole groups."
)


@st.cache_data(max_entries=64, show_spinner="Computing intervals by resampling the test images …")
def ranked_cells(run_id: str, version: tuple[int, int], measure: str) -> list[RankedCell]:
    """The run's cells with intervals; the version changes when a cell is added or trained anew."""
    return rank_cells(find_run(run_id), measure)


def version_of(run: RunFolder) -> tuple[int, int]:
    files = list((run.path / "cells").glob("*.npy"))
    return len(files), max((file.stat().st_mtime_ns for file in files), default=0)


def show_run(run: RunFolder) -> None:
    results, record = run.cells(), run.record()
    state = run.state()
    if run.title != run.id:
        st.subheader(run.title)
    if state.status != "finished":
        show_status(state)
        if state.error:
            st.error(state.error, icon=":material/error:")
    if not results:
        st.info("This run has no finished cell yet.", icon=":material/hourglass_empty:")
        if is_viewer():
            st.page_link(
                "pages/2_Experiments.py",
                label="See how it is doing",
                icon=":material/play_circle:",
                query_params={SEEN: run.id},
            )
            return
        if st.button("Follow it", icon=":material/play_circle:"):
            st.session_state["followed"] = run.id
            st.switch_page("pages/2_Experiments.py")
        return
    show_record(record)
    measures = told_measures(results)
    known = list(measures)
    measure = measures[
        st.segmented_control(
            "Measure", known, default=known[0], required=True, key="measure", bind="query-params"
        )
    ]
    specification = run.specification()
    ranked = ranked_cells(run.id, version_of(run), measure)
    clicked = show_heat_map(
        specification.cells,
        results,
        find_network(specification.network),
        measure,
        key=f"heat map {run.id}",
        ranked=ranked,
    )
    show_legend(ranked)
    asked = st.query_params.get("cell", "")
    if clicked is not None:
        asked = st.query_params["cell"] = clicked.name
    by_name = {result.cell.name: result for result in results}
    best = best_cell(results, measure).name
    show_beside_report(specification.dataset, list(record["dataset"]["classes"]), results)
    if asked and asked not in by_name:
        st.info(f"The cell {asked} is not finished: the best one is shown.")
    show_cell(run, by_name.get(asked, by_name[best]), chosen=asked in by_name)


def show_legend(ranked: list[RankedCell]) -> None:
    equal = sum(each.ranked.is_indistinguishable for each in ranked) - 1
    told = (
        f"{EQUAL_MARK} {counted(equal, 'cell')} that these test images cannot tell from it "
        "(5 %, paired tests with Holm's correction)"
        if equal
        else "every other cell can be told from it"
    )
    st.caption(f"{BEST_MARK} the best cell; {told}. Point at a cell for its 95 % interval.")


def show_record(record: dict) -> None:
    dataset, split = record["dataset"], record["split"]
    if dataset["synthetic"]:
        st.info(f"The data set “{dataset['name']}” is {dataset['layout']}.", icon=":material/draw:")
    if record.get("sample"):
        st.info(f"These results stand on {record['sample']}.", icon=":material/colorize:")
    if split["n_leaking_groups"]:
        st.warning(
            f"This split leaks: {counted(split['n_leaking_groups'], 'group')} of images stand in "
            "both the training and the test part, so the figures are flattered.",
            icon=":material/water_drop:",
        )
    st.caption(
        f"{dataset['name']}: trained on {counted(split['n_train'], 'image')}, tested on "
        f"{counted(split['n_test'], 'image')} ({split['kind']}). {record['network']}, weights: "
        f"{record['weights']['title']}, {record['precision']}."
    )
    if record["skipped"]:
        with st.expander(f"{counted(len(record['skipped']), 'image')} could not be read"):
            st.dataframe(record["skipped"], hide_index=True)


def show_cell(run: RunFolder, result: CellResult, chosen: bool) -> None:
    cell, metrics = result.cell, result.metrics
    st.subheader(f"{cell.layer}, {cell.scale} pixels, {cell.pooling} pooling")
    if not chosen:
        st.caption("The best cell. Click another in the heat map to see it here.")
    with st.container(horizontal=True, gap="medium"):
        low, high = metrics.accuracy_interval
        st.metric("Accuracy", f"{metrics.accuracy:.3f}", width="content")
        st.metric("95 % interval", f"{low:.3f} to {high:.3f}", width="content", help=INTERVAL)
        st.metric("Balanced accuracy", f"{metrics.balanced_accuracy:.3f}", width="content")
        if metrics.auc is not None:
            st.metric("AUC", f"{metrics.auc:.3f}", width="content")
        st.metric("Test images", f"{result.n_test:,}", width="content")
    left, right = st.columns(2)
    with left:
        st.markdown("**Confusion matrix**, true classes in rows")
        show_confusion_matrix(metrics)
    with right:
        st.markdown("**Classes**")
        number = st.column_config.NumberColumn(format="%.3f")
        st.dataframe(
            [
                {
                    "class": c.label,
                    "precision": c.precision,
                    "recall": c.recall,
                    "F1": c.f1,
                    "test images": c.support,
                }
                for c in metrics.classes
            ],
            hide_index=True,
            column_config={"precision": number, "recall": number, "F1": number},
        )
        if not is_viewer():
            show_model_making(run, cell)
    show_folds(result.folds)
    show_curves(score_images(run, result))
    show_mistakes(run, result)


def show_mistakes(run: RunFolder, result: CellResult) -> None:
    images = run.tested_images()
    scores = run.scores(result.cell)
    classes = [c.label for c in result.metrics.classes]
    predicted = [classes[i] for i in scores.argmax(axis=1)]
    ordered = np.argsort(-scores.max(axis=1))
    mistakes = [
        Picture(Path(images[i].path), f"{images[i].label}, taken for {predicted[i]}")
        for i in ordered
        if predicted[i] != images[i].label
    ]
    st.subheader(f"Mistakes: {len(mistakes):,} of {counted(len(images), 'test image')}")
    if mistakes:
        st.caption("The most confident first.")
        show_gallery(mistakes, key="mistakes")


with shown_errors():
    runs = {run.id: run for run in all_runs()}
    if not runs and is_viewer():
        show_absence("results")
    elif not runs:
        st.info("There are no results yet: start an experiment first.", icon=":material/lightbulb:")
        st.page_link(
            "pages/2_Experiments.py", label="Start an experiment", icon=":material/play_circle:"
        )
    else:
        chosen = choose("Run", list(runs), key="run")
        show_run(runs[chosen])
    st.caption(RESEARCH_ONLY)
