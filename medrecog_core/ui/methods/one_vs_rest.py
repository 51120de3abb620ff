"""The lesson on several classes: a border for each class against the rest, and the regions."""

import numpy as np
import pandas as pd
import streamlit as st

from medrecog_core.classification import LinearClassifier
from medrecog_core.ui.chart import category_colours, show_chart
from medrecog_core.ui.methods.lessons import show_sources
from medrecog_core.ui.methods.linear_svm import train_as_runs
from medrecog_core.ui.methods.plane import NEW, REACH, WIDTH, Border, Line, draw_plane, squares

CLASSES = ("circle", "square", "diamond")
ALL = "all classes"
_CENTRES = ((-2.5, 2.0), (2.5, 2.5), (0.0, -2.5))
_SPREAD, _PER_CLASS = 0.9, 12


def made_points() -> tuple[np.ndarray, list[str]]:
    """Return places, shape (n, 2), and labels of three classes."""
    rng = np.random.default_rng(3)
    places = [centre + _SPREAD * rng.standard_normal((_PER_CLASS, 2)) for centre in _CENTRES]
    return np.clip(np.concatenate(places), -REACH, REACH), [
        label for label in CLASSES for _ in range(_PER_CLASS)
    ]


def show_one_vs_rest() -> None:
    """Show the lesson."""
    st.markdown(
        "A border separates two classes. For more, an SVM is trained **for each class against all "
        "others**. A new image gets the class whose score is largest: it lies furthest on that "
        "class's side, in units of the margin. Where no score is positive, or several are, the "
        "largest still decides."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = st.segmented_control(
            "Borders of",
            [ALL, *CLASSES],
            default=ALL,
            required=True,
            key="ovr-class",
            bind="query-params",
            wrap=True,
        )
        C = st.select_slider(
            "C",
            (0.01, 0.1, 1.0, 10.0, 100.0),
            value=1.0,
            format_func="{:g}".format,
            key="ovr-C",
            bind="query-params",
            width=220,
        )
    classifier = train_as_runs(*made_points(), C)
    with st.container(horizontal=True, gap="medium"):
        drawn, beside = st.container(width=WIDTH), st.container(width=330)
    with beside:
        x = st.slider("Feature 1 of the new image", -REACH, REACH, 0.0, 0.1, key="ovr-x")
        y = st.slider("Feature 2 of the new image", -REACH, REACH, 0.5, 0.1, key="ovr-y")
        scores = classifier.scores(np.array([[x, y]]))[0]
        winner = classifier.classes[int(scores.argmax())]
        st.dataframe(
            {"class": classifier.classes, "score": scores},
            hide_index=True,
            column_config={"score": st.column_config.NumberColumn(format="%.2f")},
            alt="Score of the new image for each class",
        )
        st.markdown(f"The new image is a **{winner}**.")
    with drawn:
        _show(classifier, shown or ALL, x, y)
    show_sources("Rifkin and Klautau (2004), In defense of one-vs-all classification")


def _show(classifier: LinearClassifier, shown: str, x: float, y: float) -> None:
    colours = dict(zip(CLASSES, category_colours(), strict=False))
    places, labels = made_points()
    table = pd.DataFrame({"x": places[:, 0], "y": places[:, 1], "class": labels})
    table.loc[len(table)] = [x, y, NEW]
    table["words"] = table["class"]
    table["ringed"] = table["class"] == NEW
    scores = classifier.scores(squares())
    regions = [classifier.classes[k] for k in scores.argmax(axis=1)]
    if shown != ALL:
        own = scores[:, classifier.classes.index(shown)] > 0
        regions = [shown if positive else "" for positive in own]
    lines = [
        Line(
            Border(classifier.weights[k], float(classifier.biases[k])).ends(),
            label,
            colour=colours[label],
        )
        for k, label in enumerate(classifier.classes)
        if shown in (ALL, label)
    ]
    show_chart(
        draw_plane(table, regions, lines, colours),
        width="stretch",
        alt=f"Plane of two features with three classes, and the borders of {shown}",
    )
    st.caption(
        "Colour of the ground: the class with the largest score."
        if shown == ALL
        else f"Colour of the ground: where the score of {shown} is positive."
    )
