"""The lesson on cross-validation with groups: what leaks when patients are not kept whole."""

from string import ascii_uppercase

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from medrecog_core.classification import train_svms
from medrecog_core.datasets import ImageRecord, Protocol, Split, split_images
from medrecog_core.datasets.splits import describe_leak
from medrecog_core.ui.chart import category_colours, show_chart, theme_colour
from medrecog_core.ui.methods.lessons import show_sources

CLASSES = ("benign", "malignant")
N_PATIENTS, IMAGES_PER_PATIENT = 12, 4
N_DRAWS = 20
_CHANNELS = 32


def made_images() -> list[ImageRecord]:
    """Return images of patients; every other patient is of the second class."""
    return [
        ImageRecord(f"{patient}{k}.png", CLASSES[i % 2], group=patient)
        for i, patient in enumerate(ascii_uppercase[:N_PATIENTS])
        for k in range(1, IMAGES_PER_PATIENT + 1)
    ]


def split(n_folds: int, keep_groups: bool, seed: int) -> Split:
    """Return the folds as an experiment would choose them."""
    protocol = Protocol("k-fold", n_folds, keep_groups=keep_groups, seed=seed)
    return split_images(made_images(), protocol)


def made_features(seed: int) -> np.ndarray:
    """Return features that depend on the patient and not on the class, shape (n, channels)."""
    rng = np.random.default_rng(seed)
    of_patient = rng.standard_normal((N_PATIENTS, _CHANNELS))
    noise = rng.standard_normal((N_PATIENTS * IMAGES_PER_PATIENT, _CHANNELS))
    return np.repeat(of_patient, IMAGES_PER_PATIENT, axis=0) + 0.5 * noise


@st.cache_data(max_entries=32, show_spinner=False)
def mean_accuracy(n_folds: int, keep_groups: bool, seed: int) -> float:
    """Return the accuracy of a run's linear SVM, on average over draws of the features."""
    chosen = split(n_folds, keep_groups, seed)
    labels = np.array([image.label for image in made_images()])
    folds = [(fold.train, fold.test) for fold in chosen.folds]
    hits = []
    for draw in range(N_DRAWS):
        scored = train_svms(made_features(draw), labels.tolist(), folds, [1.0])
        for fold, each in zip(chosen.folds, scored, strict=True):
            predicted = np.take(each.classes, each.at(1.0).argmax(axis=1))
            hits += list(predicted == labels[list(fold.test)])
    return float(np.mean(hits))


def show_cross_validation() -> None:
    """Show the lesson."""
    st.markdown(
        "In **cross-validation**, each image is tested once, by a classifier that was trained on "
        "the other folds. Images of one patient (or of one lesion) resemble each other. If some of "
        "them are used for training and others for the test, the classifier can recognise the "
        "patient instead of the disease, and the result is too good: this is **leakage**. All "
        "images of a group therefore belong to the same fold."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n_folds = st.slider("Folds", 2, 6, 4, key="cv-folds", bind="query-params", width=220)
        seed = st.number_input("Seed", 0, 1000, 0, key="cv-seed", bind="query-params", width=140)
        keep = st.toggle("Keep groups together", True, key="cv-groups", bind="query-params")
    chosen = split(n_folds, keep, seed)
    _show(chosen)
    st.caption(
        "Each column is an image, below the letter of its patient. A block is in the row of the "
        "fold that tests the image; the other folds train on it."
    )
    if chosen.leaks:
        st.warning(describe_leak(chosen.n_leaking_groups), icon=":material/warning:")
    else:
        st.success(
            "No leakage: no patient has images in both training and test sets.",
            icon=":material/check_circle:",
        )
    kept, mixed = (mean_accuracy(n_folds, each, seed) for each in (True, False))
    st.markdown(
        f"**What it does to the result.** Random features that depend on the patient alone, and "
        f"not on the disease, get an accuracy of **{kept:.2f}** with groups kept together, and "
        f"**{mixed:.2f}** with groups divided (linear SVM, {len(made_images())} images, mean of "
        f"{N_DRAWS} draws; chance is 0.50). Only the first figure says what to expect of a new "
        "patient."
    )
    show_sources(
        "Kohavi (1995), A study of cross-validation and bootstrap for accuracy estimation and "
        "model selection",
        "Kaufman et al. (2012), Leakage in data mining",
    )


def _show(chosen: Split) -> None:
    images = made_images()
    tested = {i: f"fold {k}" for k, fold in enumerate(chosen.folds, 1) for i in fold.test}
    colours = category_colours()
    patients = sorted({image.group for image in images})
    table = pd.DataFrame(
        [
            {
                "image": i,
                "fold": tested[i],
                "patient": image.group,
                "class": image.label,
                "fill": colours[patients.index(image.group) % len(colours)],
            }
            for i, image in enumerate(images)
        ]
    )
    middle = (IMAGES_PER_PATIENT - 1) / 2
    names = pd.DataFrame(
        {"patient": patients, "image": [i * IMAGES_PER_PATIENT + middle for i in range(N_PATIENTS)]}
    )
    x = alt.X(
        "left:Q",
        axis=None,
        scale=alt.Scale(domain=[-0.5, len(images) - 0.5], nice=False),
    )
    rows = [f"fold {k}" for k in range(1, len(chosen.folds) + 1)]
    y = alt.Y("fold:N", sort=["", *rows], scale=alt.Scale(domain=["", *rows]), title=None)
    blocks = (
        alt.Chart(table)
        .transform_calculate(left="datum.image - 0.44", right="datum.image + 0.44")
        .mark_rect(cornerRadius=2, height={"band": 0.8})
        .encode(
            x=x,
            x2="right:Q",
            y=y,
            color=alt.Color("fill:N", scale=None),
            tooltip=["patient:N", "class:N", "fold:N"],
        )
    )
    letters = (
        alt.Chart(names.assign(fold="", left=names["image"]))
        .mark_text(fontWeight="bold", color=theme_colour("textColor"), tooltip=None)
        .encode(x=x, y=y, text="patient:N")
    )
    words = (
        f"{row} tests {', '.join(sorted({images[i].group for i in fold.test}))}"
        for row, fold in zip(rows, chosen.folds, strict=True)
    )
    show_chart(
        (blocks + letters).properties(height=34 * (len(rows) + 1)),
        width="stretch",
        alt="Patients of each fold: " + "; ".join(words),
    )
