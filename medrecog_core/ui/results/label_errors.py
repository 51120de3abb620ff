"""Test images whose label the scores of a cell contradict, and the buttons to decide about them."""

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from medrecog_core.classification.label_errors import BY_CLASS, SELF_CONFIDENCE
from medrecog_core.datasets import library
from medrecog_core.datasets.label_review import EXCLUDE, RELABEL, RIGHT, UNDO
from medrecog_core.errors import MedrecogError
from medrecog_core.mode import is_viewer
from medrecog_core.runs import CellResult, Run, find_run
from medrecog_core.runs.label_errors import (
    DoubtfulImage,
    DoubtfulLabels,
    Reviewed,
    find_doubtful_labels,
    reviewed_images,
)
from medrecog_core.ui.gallery import Picture, choose_page, show_pictures
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.results.kept_results import Version, load_result, version_of

_PER_PAGE = 6
_MOST_NEIGHBOURS = 4
_PAGE = "doubtful-page"
_HIDDEN = "hide-reviewed"


def show_label_errors(run: Run, result: CellResult) -> None:
    """Show the doubtful labels of a cell, the most doubtful first, a page at a time."""
    found = _doubtful_labels(run.id, version_of(run), result.cell.name)
    reviewed = reviewed_images(run)
    st.caption(
        f"{counted(len(found.images), 'doubtful label')} among "
        f"{counted(found.n_images, 'tested image')}: the classifiers that were not trained on the "
        "image give its label a low probability (confident learning). A doubtful label is not "
        "necessarily wrong: look at the image, and ask an expert."
    )
    if found.n_untested:
        st.info(
            f"{counted(found.n_untested, 'image')} used only for training were not examined. "
            "Cross-validation tests every image.",
            icon=":material/info:",
        )
    if not found.is_calibrated:
        st.caption("There are too few test images to calibrate the probabilities.")
    if found.no_neighbours:
        st.caption(f"The most similar images are not known. {literal(found.no_neighbours)}")
    shown = found.images
    if any(each.decision for each in reviewed.values()) and st.toggle(
        "Hide reviewed images", key=_HIDDEN, bind="query-params"
    ):
        shown = tuple(i for i in shown if not _decision(reviewed, i))
    if not shown:
        st.success("No doubtful labels to review.", icon=":material/check_circle:")
        return
    n_pages = math.ceil(len(shown) / _PER_PAGE)
    page = choose_page(_PAGE, n_pages) if n_pages > 1 else 1
    dataset = run.specification().dataset
    classes = [row.label for row in result.metrics.classes]
    for image in shown[(page - 1) * _PER_PAGE : page * _PER_PAGE]:
        with st.container(border=True):
            _show_image(image, reviewed.get(image.position), dataset, classes)


def _decision(reviewed: Mapping[int, Reviewed], image: DoubtfulImage) -> str:
    known = reviewed.get(image.position)
    return known.decision if known else ""


def _show_image(
    image: DoubtfulImage, reviewed: Reviewed | None, dataset: str, classes: Sequence[str]
) -> None:
    with st.container(horizontal=True):
        show_pictures(
            [Picture(image.file, image.file.name, image.sha256, image.rendering)],
            key=f"doubtful-{image.position}",
        )
        with st.container(width=300, gap="small"):
            st.markdown(
                f"**{literal(image.label)}** (probability {image.own_probability:.3f}); "
                f"suggested: **{literal(image.suggested)}** ({image.probability:.3f})"
            )
            if image.neighbours:
                st.caption(
                    f"Of the {len(image.neighbours)} most similar images of other groups, "
                    f"{len(image.supporters)} are labelled {literal(image.suggested)} and "
                    f"{image.n_of_own_label} {literal(image.label)}."
                )
            if reviewed is None:
                st.caption("This image is not in the data set any more, or has changed.")
            elif not is_viewer():
                _show_decision(image, reviewed, dataset, classes)
            elif reviewed.decision:
                st.caption(f":material/edit: {literal(reviewed.words)}")
        show_pictures(
            [
                Picture(
                    each.file, f"{each.label}, {each.distance:.3f}", each.sha256, each.rendering
                )
                for each in image.supporters[:_MOST_NEIGHBOURS]
            ],
            key=f"supporters-{image.position}",
        )


def _show_decision(
    image: DoubtfulImage, reviewed: Reviewed, dataset: str, classes: Sequence[str]
) -> None:
    key = f"{image.position}"
    if reviewed.decision:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(literal(reviewed.words.capitalize()), icon=":material/edit:", color="blue")
            if reviewed.decision in (RIGHT, RELABEL, EXCLUDE):
                st.button(
                    "Undo",
                    icon=":material/undo:",
                    key=f"undo-{key}",
                    type="tertiary",
                    on_click=_decide,
                    args=(dataset, reviewed.path, UNDO),
                )
        return
    st.button(
        f"Relabel as {literal(image.suggested)}",
        icon=":material/new_label:",
        key=f"relabel-{key}",
        on_click=_decide,
        args=(dataset, reviewed.path, RELABEL, image.suggested),
    )
    with st.container(horizontal=True):
        st.button(
            "Label is right",
            icon=":material/check:",
            key=f"right-{key}",
            on_click=_decide,
            args=(dataset, reviewed.path, RIGHT),
        )
        st.button(
            "Exclude",
            icon=":material/block:",
            key=f"exclude-{key}",
            on_click=_decide,
            args=(dataset, reviewed.path, EXCLUDE),
        )
        others = [label for label in classes if label not in (image.label, image.suggested)]
        if others:
            with st.popover("Another class", type="tertiary"):
                label = st.selectbox("Right label", others, key=f"class-{key}", index=None)
                st.button(
                    "Relabel",
                    key=f"relabel-other-{key}",
                    disabled=label is None,
                    on_click=_decide,
                    args=(dataset, reviewed.path, RELABEL, label),
                )


def _decide(dataset: str, path: str, decision: str, label: str = "") -> None:
    try:
        library.review_labels(dataset, [path], decision, label)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")


@st.cache_data(max_entries=16, show_spinner="Looking for doubtful labels …")
def _doubtful_labels(run_id: str, version: Version, cell: str) -> DoubtfulLabels:
    run = find_run(run_id)
    return find_doubtful_labels(run, load_result(run, cell), BY_CLASS, SELF_CONFIDENCE)
