"""A cell with one answer a group (patient, lesion), beside its answers for single images."""

import streamlit as st

from medrecog_core.classification import measure
from medrecog_core.classification.scored_groups import MAXIMUM, MEAN
from medrecog_core.reports.figures.confusion_matrix import (
    describe_confusion_matrix,
    draw_confusion_matrix,
)
from medrecog_core.reports.measures import MEASURES
from medrecog_core.runs import CellResult, Run
from medrecog_core.ui.chart import show_chart
from medrecog_core.ui.results.class_table import interval_words
from medrecog_core.ui.results.kept_results import load_estimates, load_group_scores

_WAYS = {"Mean score": MEAN, "Maximum score": MAXIMUM}


def show_group_answers(run: Run, result: CellResult) -> None:
    """Show the measures of a cell by image and by group, and the confusion matrix of groups."""
    st.markdown("**One answer per group** (patient, lesion), with 95 % confidence intervals")
    chosen = st.segmented_control(
        "Score of a group",
        list(_WAYS),
        default="Mean score",
        required=True,
        key="group-score",
        bind="query-params",
        wrap=True,
        help="Mean: the mean of the scores of its images. Maximum: with two classes, the scores of "
        "the image with the highest score of the positive class; otherwise the highest score of "
        "each class.",
    )
    found = load_group_scores(run, result, _WAYS[chosen or "Mean score"])
    by_image = load_estimates(run, result)
    st.dataframe(
        [
            {
                "measure": title,
                "images": interval_words(by_image.get(name)),
                "groups": interval_words(found.estimates.get(name)),
            }
            for title, name in MEASURES.items()
            if name in by_image or name in found.estimates
        ],
        hide_index=True,
        alt="Measures by image and by group",
    )
    st.caption(
        f"{found.images.n_images:,} groups; a test image without a group counts as one. A group "
        "counts once here, however many images it has."
    )
    images = found.images
    labels = [images.classes[i] for i in images.truth]
    metrics = measure(labels, images.scores, images.classes, images.positive)
    st.markdown("**Confusion matrix of groups**, true classes in rows; teal: hits, orange: errors")
    show_chart(
        draw_confusion_matrix(metrics), width="stretch", alt=describe_confusion_matrix(metrics)
    )
