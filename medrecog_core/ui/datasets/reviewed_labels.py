"""Labels of a data set that people confirmed or replaced, how to undo that, and its history."""

import time
from collections.abc import Sequence

import streamlit as st

from medrecog_core.datasets import Dataset, library
from medrecog_core.datasets.dataset import ReviewedLabel
from medrecog_core.datasets.label_review import UNDO, LabelReview, read_review
from medrecog_core.errors import MedrecogError
from medrecog_core.mode import is_viewer
from medrecog_core.ui.datasets.dataset_gallery import open_image, picture_of
from medrecog_core.ui.gallery import show_pictures
from medrecog_core.ui.plain_text import literal, literal_error
from medrecog_core.ui.quantities import counted

_MOST_PICTURES = 8
_MOST_ENTRIES = 1000


def show_reviewed_labels(dataset: Dataset) -> None:
    """Show the replaced and the confirmed labels with buttons that undo them."""
    try:
        review = read_review(library.folder_of(dataset.name))
    except MedrecogError as error:
        st.error(literal_error(str(error)))
        return
    if not (dataset.reviewed or review.history):
        return
    st.subheader("Reviewed labels")
    pairs: dict[tuple[str, str], list[ReviewedLabel]] = {}
    for each in dataset.reviewed:
        pairs.setdefault((each.imported, each.label), []).append(each)
    for (imported, label), reviewed in sorted(pairs.items()):
        n = counted(len(reviewed), "image")
        words = (
            f"{n} confirmed as {literal(label)}"
            if imported == label
            else f"{n} relabelled: {literal(imported)} → {literal(label)}"
        )
        _show_pair(dataset, words, f"{imported} {label}", [each.path for each in reviewed])
    _show_history(review)


def show_review_of(dataset: Dataset, path: str) -> None:
    """Show what was decided about the label of one image, with a button that undoes it."""
    found = next((each for each in dataset.reviewed if each.path == path), None)
    if found is None:
        return
    words = f"Relabelled; imported as {literal(found.imported)}."
    st.info(words if found.is_changed else "The label was confirmed.", icon=":material/label:")
    if not is_viewer():
        _show_undo(dataset.name, "review", [path])


def _show_pair(dataset: Dataset, words: str, key: str, paths: Sequence[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(words)
        if not is_viewer():
            _show_undo(dataset.name, key, paths)
    images = {image.path: image for image in dataset.every_image}
    show_pictures(
        [picture_of(dataset, images[path], "") for path in paths[:_MOST_PICTURES]],
        f"reviewed {key}",
        lambda picture: open_image(picture.name),
    )


def _show_undo(name: str, key: str, paths: Sequence[str]) -> None:
    st.button(
        "Undo",
        icon=":material/undo:",
        key=f"undo review {key}",
        on_click=_undo,
        args=(name, tuple(paths)),
    )


def _show_history(review: LabelReview) -> None:
    if not review.history:
        return
    with st.expander("History of decisions"):
        st.dataframe(
            [
                {
                    "time": time.strftime("%Y-%m-%d %H:%M", time.localtime(each.when)),
                    "image": each.path,
                    "decision": each.decision,
                    "label": each.label,
                }
                for each in reversed(review.history[-_MOST_ENTRIES:])
            ],
            hide_index=True,
        )


def _undo(name: str, paths: tuple[str, ...]) -> None:
    try:
        library.review_labels(name, paths, UNDO)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
