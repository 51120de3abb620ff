"""A map of the images of a run, of which some can be selected, looked at and compared."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from medrecog_core.features import AnyCell, members
from medrecog_core.images import Image
from medrecog_core.mode import is_viewer
from medrecog_core.runs import CellResult, Run, find_run
from medrecog_core.runs.columns import Value, known_columns
from medrecog_core.runs.embedding import (
    METHODS,
    PCA,
    TSNE,
    Embedding,
    embed_images,
    kept_embedding,
    last_map_job,
    map_changed,
    start_map,
)
from medrecog_core.runs.run import CellImage, cell_images
from medrecog_core.ui.chart import category_colours, theme_colour
from medrecog_core.ui.choice import choose_setting, open_object
from medrecog_core.ui.explore.similar_images import show_similar
from medrecog_core.ui.gallery import Picture, show_gallery
from medrecog_core.ui.jobs import note_started, show_job
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.results.kept_results import Version, load_result, version_of

_PER_PAGE = 12
_NOT_TESTED = "not tested"
_OTHERS = "all others"
_MOST_COLOURS = 20
_FEWEST_NUMBERS = 12  # of different numbers that are shown as a scale of colours
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")


@dataclass(frozen=True)
class Keys:
    """Names of the settings in the address; every page that shows a map has its own.

    Attributes
    ----------
    method, colour, find, similar, page
        The method of the map, the column of the colours, the words of the search, the image whose
        similar ones are shown, and the page of the gallery.
    """

    method: str
    colour: str
    find: str
    similar: str
    page: str


ON_RESULTS = Keys("map", "colour", "find", "similar", "map-page")
ON_EXPLORE = Keys("method", "by", "search", "near", "images-page")


def show_embedding_map(run: Run, result: CellResult, keys: Keys) -> None:
    """Show the images of a run as points, and those that are selected as a gallery."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = st.segmented_control(
            "Map",
            list(METHODS),
            format_func=METHODS.__getitem__,
            default=PCA,
            required=True,
            key=keys.method,
            bind="query-params",
        )
        columns = _columns(run.id, version_of(run), result.cell.name)
        colour = choose_setting("Colour", list(columns), key=keys.colour, width=240)
    embedding = _shown_embedding(run, result.cell, method or PCA)
    if embedding is not None:
        selected = _show_figure(run, result, embedding, columns[colour], colour)
        st.caption(_caption(embedding))
    else:
        selected = []
    _show_images(run, result, selected, keys)


@st.cache_data(max_entries=16, show_spinner=False)
def _columns(run_id: str, version: Version, cell: str) -> dict[str, list[Value]]:
    """Return what points can be coloured by, a value for each image."""
    run = find_run(run_id)
    tested = {image.identity: image for image in cell_images(run, load_result(run, cell))}
    images = run.images()
    return {
        "Class": [image.label for image in images],
        "Predicted class": [_predicted(image, tested) for image in images],
        "Mistakes": [_verdict(image, tested) for image in images],
        "Tested": ["tested" if i.identity in tested else _NOT_TESTED for i in images],
        **{name[0].upper() + name[1:]: values for name, values in known_columns(run).items()},
    }


Tested = Mapping[tuple[str, str], CellImage]


def _verdict(image: Image, tested: Tested) -> str:
    found = tested.get(image.identity)
    if found is None:
        return _NOT_TESTED
    return "right" if found.is_right else "mistake"


def _predicted(image: Image, tested: Tested) -> str:
    found = tested.get(image.identity)
    return _NOT_TESTED if found is None else found.predicted


def _shown_embedding(run: Run, cell: AnyCell, method: str) -> Embedding | None:
    """Return the map, or show how it can be computed."""
    with shown_errors():
        if method == PCA and not is_viewer():
            return _embedding(run.id, version_of(run), cell)
        changed = map_changed(run, cell, method)
        kept = _kept(run.id, version_of(run), cell, method, changed) if changed else None
        if kept is not None:
            return kept
        if is_viewer():
            st.info(
                f"No {METHODS[method]} map of this cell was computed.",
                icon=":material/scatter_plot:",
            )
            return None
        job = last_map_job(run, cell, method)
        if job is not None and job.state().status != "finished":
            show_job(job)
        elif any(member.is_encoded for member in members(cell)):
            embed_images(run, cell, method)  # says why that is not possible
        if job is None or job.state().has_ended:
            st.button(
                f"Compute {METHODS[TSNE]} map",
                icon=":material/scatter_plot:",
                type="primary",
                on_click=_start,
                args=(run, cell, method),
            )
    return None


def _start(run: Run, cell: AnyCell, method: str) -> None:
    with shown_errors():
        note_started(start_map(run, cell, method))


def _show_figure(
    run: Run, result: CellResult, embedding: Embedding, values: Sequence[Value], colour: str
) -> list[int]:
    """Show the map; return the positions of the images that are selected in it."""
    event = st.plotly_chart(
        draw_map(embedding, values),
        width="stretch",
        key=f"map {run.id} {result.cell.name} {embedding.method} {colour}",
        on_select="rerun",
        selection_mode=("lasso", "box"),
        config={"displaylogo": False, "modeBarButtonsToRemove": ["toImage"]},
    )
    # Positions that the chart reports are those in a trace, and not reliable.
    return [int(point["customdata"][0]) for point in event.selection.points]


def _caption(embedding: Embedding) -> str:
    n = counted(len(embedding.images), "image")
    if embedding.explained is not None:
        first, second = (100 * share for share in embedding.explained)
        what = (
            f"The first two principal components of the features of all {n} ({first:.0f} and "
            f"{second:.0f} % of their variance). Images that are close here can be far apart in "
            "the other dimensions, which the classifier uses too: classes that overlap here are "
            "not necessarily confused."
        )
    else:
        what = (
            f"t-SNE of the features of all {n}: images that are similar to the network are close "
            "together. Distances between clusters, their sizes and their densities mean nothing, "
            "and clusters can appear where there are none. How well classes can be separated is "
            "what the accuracy says, not this map."
        )
    return f"{what} Draw around points to see their images."


def _show_images(run: Run, result: CellResult, selected: Sequence[int], keys: Keys) -> None:
    """Show the gallery of what is selected or searched for, and the images similar to one."""
    words = st.text_input(
        "Find images by name or group", key=keys.find, bind="query-params", width=420
    )
    images = run.images()
    if not selected and words:
        selected = [i for i, image in enumerate(images) if _matches(image, words)]
        if not selected:
            st.caption(f"No image matches “{literal(words)}”.")

    def open_similar(picture: Picture) -> None:
        open_object(keys.similar, picture.name)

    if selected:
        predicted = {image.identity: image for image in cell_images(run, result)}
        st.markdown(
            f"**{counted(len(selected), 'selected image')}**. Click one for similar images."
        )
        show_gallery(
            [
                Picture(
                    images[i].file,
                    _words(images[i], predicted),
                    images[i].sha256,
                    images[i].rendering,
                    str(i),
                )
                for i in selected
            ],
            key=keys.page,
            open_picture=open_similar,
            per_page=_PER_PAGE,
        )
    show_similar(run, result.cell, keys.similar)


def _matches(image: Image, words: str) -> bool:
    told = f"{Path(image.name).name} {image.group}".casefold()
    return all(word in told for word in words.casefold().split())


def _words(image: Image, tested: Tested) -> str:
    found = tested.get(image.identity)
    verdict = "" if found is None or found.is_right else f", predicted {found.predicted}"
    return f"{image.label}{verdict}"


# --- The figure ----------------------------------------------------------------------------------


def draw_map(embedding: Embedding, values: Sequence[Value]) -> Any:
    """Return the map, coloured by a value for each image: words, or numbers as a scale."""
    from plotly import graph_objects

    ink = {"color": theme_colour("textColor")}
    figure = graph_objects.Figure()
    if not any(isinstance(v, str) for v in values) and len(set(values)) > _FEWEST_NUMBERS:
        marker = {
            "color": np.array(values, dtype=np.float32),
            "colorscale": "Viridis",
            "colorbar": {"tickfont": ink, "thickness": 12},
        }
        figure.add_trace(_trace(embedding, np.arange(len(values)), "", marker))
    else:
        groups = list(enumerate(_groups(values).items()))
        # The rare ones are drawn last, on top of the others.
        for place, (name, positions) in sorted(groups, key=lambda each: -len(each[1][1])):
            trace = _trace(embedding, positions, name, _marker(place))
            figure.add_trace(trace.update(legendrank=place + 1))
    figure.update_layout(
        height=520,
        margin={"l": 0, "r": 0, "t": 10, "b": 0},
        dragmode="lasso",
        legend={"orientation": "h", "y": -0.12, "font": ink},
        xaxis=_axis("first component", embedding, ink),
        yaxis=_axis("second component", embedding, ink),
    )
    return figure


def _groups(values: Sequence[Value]) -> dict[str, np.ndarray]:
    """Return positions by value, sorted; if there are many values, the most frequent ones."""
    words = np.array([value if isinstance(value, str) else f"{value:g}" for value in values])
    counts = Counter(words.tolist())
    named = sorted(counts)
    if len(named) > _MOST_COLOURS:
        named = sorted(name for name, _ in counts.most_common(_MOST_COLOURS - 1))
    groups = {name: np.flatnonzero(words == name) for name in named}
    if len(named) < len(counts):
        groups[_OTHERS] = np.flatnonzero(~np.isin(words, named))
    return groups


def _marker(place: int) -> dict[str, Any]:
    colours = category_colours()
    return {
        "color": colours[place % len(colours)],
        "symbol": _SYMBOLS[place // len(colours) % len(_SYMBOLS)],
    }


def _trace(
    embedding: Embedding, positions: np.ndarray, name: str, marker: Mapping[str, Any]
) -> Any:
    from plotly import graph_objects

    points = embedding.points[positions]
    return graph_objects.Scattergl(
        x=points[:, 0],
        y=points[:, 1],
        name=_plain_html(name),
        mode="markers",
        marker={**marker, "size": 7, "opacity": 0.8},
        customdata=[[int(i)] for i in positions],
        text=[_plain_html(embedding.images[i].file.name) for i in positions],
        hovertemplate="%{text}<extra>%{fullData.name}</extra>",
    )


def _axis(title: str, embedding: Embedding, ink: Mapping[str, str]) -> dict[str, Any]:
    if embedding.explained is None:  # positions along an axis of t-SNE have no meaning
        return {"showticklabels": False, "zeroline": False}
    return {"title": {"text": title, "font": ink}, "tickfont": ink, "zeroline": False}


def _plain_html(text: str) -> str:
    """Return text with nothing in it that Plotly reads as HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@st.cache_data(max_entries=16, show_spinner="Computing the map …")
def _embedding(run_id: str, version: Version, cell: AnyCell) -> Embedding:
    return embed_images(find_run(run_id), cell)


@st.cache_data(max_entries=16, show_spinner=False)
def _kept(
    run_id: str, version: Version, cell: AnyCell, method: str, changed: int
) -> Embedding | None:
    return kept_embedding(find_run(run_id), cell, method)
