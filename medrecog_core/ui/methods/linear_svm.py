"""The lesson on the linear SVM: points to place, the margin, C, and a border beside the best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from medrecog_core.classification import LinearClassifier, Normalisation, train_svms
from medrecog_core.ui.chart import category_colours, show_chart
from medrecog_core.ui.choice import choose_setting
from medrecog_core.ui.methods.lessons import show_sources
from medrecog_core.ui.methods.plane import (
    NEW,
    REACH,
    SQUARE,
    STEP,
    WIDTH,
    Border,
    Line,
    draw_plane,
    squares,
)
from medrecog_core.ui.quantities import counted

CLASSES = ("circle", "square")
APART, OVERLAPPING, OUTLIER = "two separate classes", "overlapping classes", "one outlier"
OF_RUNS, TEXTBOOK = "as in runs", "textbook"
Cs = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
MOST_POINTS = 60

_POINTS, _PRESET, _VERSION, _CHOSEN = (f"methods {n}" for n in ("points", "preset", "n", "chosen"))
# On the margin up to the precision of the solvers.
_ON_MARGIN = 1e-3


@dataclass(frozen=True)
class Point:
    """A point of the plane, of one of `CLASSES` or of none yet."""

    x: float
    y: float
    label: str

    @property
    def words(self) -> str:
        """The point for tooltips and select boxes."""
        return f"{self.label} at ({self.x:g}, {self.y:g})"


def _points(label: str, *places: tuple[float, float]) -> list[Point]:
    return [Point(x, y, label) for x, y in places]


_CIRCLES = ((-4.0, 1.0), (-3.5, 3.0), (-3.0, -0.5), (-2.5, 2.0), (-2.0, 4.0), (-1.5, 1.0))
_SQUARES = ((1.0, -1.0), (1.5, 1.5), (2.0, -3.0), (2.5, 0.0), (3.5, -1.5), (4.0, 2.0))
PRESETS = {
    APART: [
        *_points("circle", *_CIRCLES),
        *_points("square", *_SQUARES),
        *_points(NEW, (0.5, -2.5), (-0.5, 2.5)),
    ],
    OVERLAPPING: [
        *_points("circle", *_CIRCLES, (1.0, 0.5), (0.5, 3.0)),
        *_points("square", *_SQUARES, (-1.0, -1.5), (-0.5, 0.5)),
    ],
    OUTLIER: [*_points("circle", *_CIRCLES, (0.5, 0.0)), *_points("square", *_SQUARES)],
}


# --- Borders -------------------------------------------------------------------------------------


def train_as_runs(places: np.ndarray, labels: Sequence[str], C: float) -> LinearClassifier:
    """Return the linear SVM that experiments train, of places in the plane, shape (n, 2)."""
    folds = [(range(len(labels)), ())]
    (path,) = train_svms(places, labels, folds, [C], normalisation=Normalisation("none"))
    return path.svms[0]


def train_border(points: Sequence[Point], C: float, kind: str) -> Border:
    """Return the border between circles and squares; squares have positive values.

    Parameters
    ----------
    points
        At least one of each class.
    C
        Inverse strength of the regularisation.
    kind
        `OF_RUNS`: the linear SVM that experiments train; `TEXTBOOK`: that of Cortes and Vapnik.
    """
    known = [point for point in points if point.label != NEW]
    places, labels = places_of(known), [point.label for point in known]
    if kind == OF_RUNS:
        trained = train_as_runs(places, labels, C)
        return Border(trained.weights[1], float(trained.biases[1]))
    from sklearn.svm import SVC

    svc = SVC(kernel="linear", C=C, tol=1e-6).fit(places, labels)
    return Border(svc.coef_[0], float(svc.intercept_[0]))


def turned(border: Border, points: np.ndarray, degrees: float, shift: float) -> Border:
    """Return a border turned about its point nearest to the middle of points, then moved."""
    normal = border.weights / np.linalg.norm(border.weights)
    middle = points.mean(axis=0)
    pivot = middle - normal * border.distances(middle[None])[0]
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    other = turn @ normal
    return Border(other, float(-other @ (pivot + shift * other)))


def places_of(points: Sequence[Point]) -> np.ndarray:
    """Return the coordinates, shape (n, 2)."""
    return np.array([(point.x, point.y) for point in points])


def margins(border: Border, points: Sequence[Point]) -> np.ndarray:
    """Return how far each labelled point is on its own side, in values of the border."""
    known = [point for point in points if point.label != NEW]
    signs = np.where([point.label == CLASSES[1] for point in known], 1, -1)
    values: np.ndarray = signs * border.values(places_of(known))
    return values


def is_support(border: Border, point: Point) -> bool:
    """Return whether a point of the training set is on or inside the margin."""
    return point.label != NEW and bool(margins(border, [point])[0] <= 1 + _ON_MARGIN)


# --- What is placed ------------------------------------------------------------------------------


def _placed(preset: str) -> list[Point]:
    if st.session_state.get(_PRESET) != preset:
        st.session_state[_PRESET] = preset
        _place(list(PRESETS[preset]), None)
    placed: list[Point] = st.session_state[_POINTS]
    return placed


def _place(points: list[Point], chosen: int | None) -> None:
    """Take over other points; widgets that belong to a place in the list begin anew."""
    st.session_state[_POINTS] = points
    st.session_state[_CHOSEN] = chosen
    st.session_state[_VERSION] = st.session_state.get(_VERSION, 0) + 1


def _add(x: float, y: float) -> None:
    """Add a point of the chosen class, or choose the one that is there."""
    points: list[Point] = st.session_state[_POINTS]
    for i, point in enumerate(points):
        if abs(point.x - x) <= STEP / 2 and abs(point.y - y) <= STEP / 2:
            st.session_state[_CHOSEN] = i
            return
    if len(points) < MOST_POINTS:
        label = st.session_state.get("methods class") or CLASSES[0]
        _place([*points, Point(x, y, label)], len(points))


def _add_entered() -> None:
    _add(st.session_state["methods x"], st.session_state["methods y"])


def _move(i: int, name: str, key: str) -> None:
    points: list[Point] = st.session_state[_POINTS]
    points[i] = replace(points[i], **{name: st.session_state[key]})


def _delete(i: int) -> None:
    points: list[Point] = st.session_state[_POINTS]
    _place([*points[:i], *points[i + 1 :]], None)


# --- The lesson ----------------------------------------------------------------------------------


def show_linear_svm() -> None:
    """Show the lesson."""
    st.markdown(
        "An image becomes a vector of features, which is a point. A **linear SVM** learns a "
        "straight border between the points of two classes. Many borders separate them; the SVM "
        "takes the one with the widest **margin**, because a new image near the border is then "
        "more often on the right side. Only the points on or inside the margin, the **support "
        "vectors** (with a ring), decide where the border is."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        preset = choose_setting("Points", list(PRESETS), key="points", width=220)
        C = st.select_slider(
            "C",
            Cs,
            value=100.0,
            format_func="{:g}".format,
            key="svm-C",
            bind="query-params",
            width=220,
            help="The price of a point inside the margin or on the wrong side. A small C gives a "
            "wide margin that ignores some points; a large C follows every point.",
        )
        kind = st.segmented_control(
            "SVM",
            [OF_RUNS, TEXTBOOK],
            default=OF_RUNS,
            required=True,
            key="svm-kind",
            bind="query-params",
            wrap=True,
            help="Runs train scikit-learn's LinearSVC: violations of the margin count squared, and "
            "the offset is kept small too. The textbook SVM counts them once (hinge loss).",
        )
    points = _placed(preset)
    with st.container(horizontal=True, gap="medium"):
        drawn, beside = st.container(width=WIDTH), st.container(width=WIDTH)
    with beside:
        _show_placing(points)
    if len({point.label for point in points} - {NEW}) < 2:
        st.info("Add a point of the other class to train an SVM.", icon=":material/lightbulb:")
        with drawn:
            _show(points, None, None)
        return
    border = train_border(points, C, kind or OF_RUNS)
    with beside:
        own = _own_border(border, points)
    with drawn:
        _show(points, border, own)
        _show_words(points, border, own)
    show_sources(
        "Cortes and Vapnik (1995), Support-vector networks",
        "Fan et al. (2008), LIBLINEAR: a library for large linear classification",
    )


def _show_placing(points: Sequence[Point]) -> None:
    with st.container(border=True, gap="small"):
        st.segmented_control(
            "Class of the next point",
            [*CLASSES, NEW],
            default=CLASSES[0],
            required=True,
            key="methods class",
            wrap=True,
            help="Click the figure to add a point, or enter its place here. Click a point to "
            "select it.",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            for name in ("x", "y"):
                st.number_input(
                    f"Feature {'xy'.index(name) + 1}",
                    -REACH,
                    REACH,
                    0.0,
                    STEP,
                    format="%.1f",
                    key=f"methods {name}",
                    width=130,
                )
        st.button(
            "Add point",
            icon=":material/add:",
            on_click=_add_entered,
            disabled=len(points) >= MOST_POINTS,
        )
    i = st.selectbox(
        "Selected point",
        range(len(points)),
        index=None,
        format_func=lambda i: f"{i + 1}: {points[i].words}",
        key=_CHOSEN,
        placeholder="Select a point to move",
    )
    if i is None:
        return
    for name, words in (("x", "Move along feature 1"), ("y", "Move along feature 2")):
        key = f"methods {name} of {i}, {st.session_state[_VERSION]}"
        st.session_state.setdefault(key, getattr(points[i], name))
        st.slider(
            words, -REACH, REACH, step=STEP / 5, key=key, on_change=_move, args=(i, name, key)
        )
    st.button("Delete point", icon=":material/delete:", on_click=_delete, args=(i,))


def _own_border(border: Border, points: Sequence[Point]) -> Border | None:
    if not st.toggle("Compare with a border of your own", value=True, key="own-border"):
        return None
    degrees = st.slider("Turn it (degrees)", -80, 80, 30, key="own-turn")
    shift = st.slider("Move it", -3.0, 3.0, 0.0, 0.1, key="own-shift")
    known = [point for point in points if point.label != NEW]
    return turned(border, places_of(known), degrees, shift)


def _show(points: Sequence[Point], border: Border | None, own: Border | None) -> None:
    colours = dict(zip(CLASSES, category_colours(), strict=False))
    chosen = st.session_state[_CHOSEN]
    table = pd.DataFrame(
        [
            {
                "x": point.x,
                "y": point.y,
                "class": point.label,
                "words": point.words + (", selected" if i == chosen else ""),
                "ringed": border is not None and is_support(border, point),
            }
            for i, point in enumerate(points)
        ],
        columns=["x", "y", "class", "words", "ringed"],
    )
    lines, regions = [], [""] * len(squares())
    if border is not None:
        regions = [CLASSES[int(value > 0)] for value in border.values(squares())]
        lines = [Line(border.ends(), "border")]
        lines += [Line(border.ends(level), "margin", (5, 4)) for level in (-1, 1)]
    if own is not None:
        lines.append(Line(own.ends(), "own border", (2, 3), category_colours()[2]))
    key = f"plane {st.session_state[_VERSION]}"

    def take_clicked() -> None:
        for square in st.session_state[key].selection.get(SQUARE, []):
            _add(square["x"], square["y"])

    show_chart(
        draw_plane(table, regions, lines, colours, is_clickable=True),
        width="stretch",
        key=key,
        on_select=take_clicked,
        alt="Plane of two features with " + ", ".join(point.words for point in points),
    )
    st.caption("Solid: border of the SVM. Dashed: its margin. Dotted: your border.")


def _show_words(points: Sequence[Point], border: Border, own: Border | None) -> None:
    reached = margins(border, points)
    n_supports = sum(is_support(border, point) for point in points)
    nearest = reached.min() / np.linalg.norm(border.weights)
    st.markdown(
        f"**SVM**: margin {border.width:.2f} wide (2/‖w‖), "
        f"{counted(n_supports, 'support vector')}, {_wrong(reached)}; nearest point at "
        f"{nearest:.2f}."
    )
    if own is not None:
        of_own = margins(own, points)
        st.markdown(
            f"**Your border**: {_wrong(of_own)}; nearest point at {of_own.min():.2f}. "
            "(Negative: on the wrong side.)"
        )
    for point in points:
        if point.label == NEW:
            here = places_of([point])
            words = f"The {point.words} is a {_side(border, here)} for the SVM"
            if own is not None:
                words += f", and a {_side(own, here)} for your border"
            st.markdown(f"{words}.")


def _side(border: Border, place: np.ndarray) -> str:
    return CLASSES[int(border.values(place)[0] > 0)]


def _wrong(reached: np.ndarray) -> str:
    return f"{int((reached < 0).sum())} of {len(reached)} points on the wrong side"
