"""The predefined split of a data set, or what runs do without one."""

from collections import Counter, defaultdict

import streamlit as st

from medrecog_core.datasets import Dataset
from medrecog_core.datasets.small_test import find_small_test
from medrecog_core.datasets.splits import HOLD_OUT_FOLDS, PART_OF_FOLDS
from medrecog_core.mode import is_viewer
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted

_ALL = "all classes"


def show_splits(dataset: Dataset) -> None:
    """Show the images of each class in each split, and what makes the split unreliable."""
    if dataset.splits:
        _show_split(dataset)
        return
    folds = sorted({image.fold for image in dataset.images if image.fold})
    if folds:
        st.markdown(f"{counted(len(folds), 'predefined fold')}: {literal(', '.join(folds))}.")
    words = (
        "Runs test each fold with a classifier trained on the others."
        if folds
        else f"No predefined split. Runs test {PART_OF_FOLDS[HOLD_OUT_FOLDS]} of the images, or "
        "all of them by cross-validation."
    )
    if dataset.groups and not folds:
        words += " All images of a group go to the same side."
    st.info(words, icon=":material/call_split:")
    if not is_viewer():
        st.page_link(
            "pages/2_Experiments.py",
            label="Choose a split for a new experiment",
            icon=":material/play_circle:",
            query_params={"on": dataset.name},
        )


def _show_split(dataset: Dataset) -> None:
    counts = Counter((image.label, image.split) for image in dataset.images)
    title_of = {split: split for split in dataset.splits}
    if any(not image.split for image in dataset.images):
        title_of[""] = "no split"
    rows = [
        {"class": label, **{title: counts[label, each] for each, title in title_of.items()}}
        for label in dataset.classes
    ]
    n_in = Counter(image.split for image in dataset.images)
    totals = {title: n_in[each] for each, title in title_of.items()}
    st.dataframe(
        [*rows, {"class": _ALL, **totals}],
        hide_index=True,
        alt="Images of each class in each split",
    )
    if dataset.groups:
        _show_groups(dataset)
    tested = [image for image in dataset.images if image.split == "test"]
    small = find_small_test(tested, dataset.classes) if tested else None
    if small is not None:
        st.warning(literal(small.words), icon=":material/warning:")
    if "val" in dataset.splits:
        st.caption("Images in val are not used in runs.")


def _show_groups(dataset: Dataset) -> None:
    splits_of: dict[str, set[str]] = defaultdict(set)
    for image in dataset.images:
        if image.group:
            splits_of[image.group].add(image.split)
    n_in = {split: sum(split in each for each in splits_of.values()) for split in dataset.splits}
    st.caption(
        "Groups (patients, lesions): "
        + ", ".join(f"{n:,} in {split}" for split, n in n_in.items())
        + "."
    )
    n_leaking = sum(len(each) > 1 for each in splits_of.values())
    if n_leaking:
        st.warning(
            f"Leakage: {counted(n_leaking, 'group')} {'has' if n_leaking == 1 else 'have'} images "
            "in more than one split, so the results are too optimistic.",
            icon=":material/warning:",
        )
