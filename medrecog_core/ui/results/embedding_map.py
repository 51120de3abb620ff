"""A map of the images of a run, of which some can be selected and looked at."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from medrecog_core.features import AnyCell
from medrecog_core.images import Image
from medrecog_core.runs import CellResult, Run, find_run
from medrecog_core.runs.embedding import Embedding, embed_images
from medrecog_core.runs.run import CellImage, cell_images
from medrecog_core.ui.chart import category_colours, theme_colour
from medrecog_core.ui.gallery import Picture, show_gallery
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.results.kept_results import Version, version_of

_GALLERY = "map-page"
_PER_PAGE = 12
_NOT_TESTED = "not tested"
_DRAWN = "those drawn around"


def show_embedding_map(run: Run, result: CellResult) -> None:
    """Show the images of a run as points, and those that are selected as a gallery."""
    embedding = _embedding(run.id, version_of(run), result.cell)
    tested = {image.identity: image for image in cell_images(run, result)}
    chosen_colour = st.segmented_control(
        "Colour",
        list(_COLOURS),
        default="Class",
        required=True,
        key="colour",
        bind="query-params",
        wrap=True,
    )
    colours = _COLOURS[chosen_colour or "Class"]
    groups: dict[str, list[int]] = {}
    for i, image in enumerate(embedding.images):
        groups.setdefault(colours(image, tested), []).append(i)
    groups = dict(sorted(groups.items()))
    event = st.plotly_chart(
        _figure(embedding, groups),
        width="stretch",
        key=f"embedding map {run.id} {result.cell.name}",
        on_select="rerun",
        selection_mode=("lasso", "box"),
        config={"displaylogo": False, "modeBarButtonsToRemove": ["toImage"]},
    )
    first, second = (100 * share for share in embedding.explained)
    st.caption(
        f"The first two principal components of the features of all "
        f"{counted(len(embedding.images), 'image')} ({first:.0f} and {second:.0f} % of their "
        "variance). Images that are close here can be far apart in the other dimensions, which "
        "the classifier uses too: classes that overlap here are not necessarily confused. Draw "
        "around points to see their images, or select a colour below."
    )
    # Does by keyboard what needs a pointer in the chart.
    group = st.selectbox(
        "Images shown", [_DRAWN, *groups], key=f"{_GALLERY} {chosen_colour}", width=240
    )
    drawn = [int(point["customdata"][0]) for point in event.selection.points]
    chosen = [embedding.images[i] for i in (drawn if group == _DRAWN else groups[group])]
    if chosen:
        st.markdown(f"**{counted(len(chosen), 'selected image')}**")
        show_gallery(
            [
                Picture(
                    Path(image.path), _words(image, tested), image.sha256, image.rendering, str(i)
                )
                for i, image in enumerate(chosen)
            ],
            key=_GALLERY,
            per_page=_PER_PAGE,
        )


Tested = Mapping[tuple[str, str], CellImage]


def _verdict(image: Image, tested: Tested) -> str:
    found = tested.get(image.identity)
    if found is None:
        return _NOT_TESTED
    return "right" if found.is_right else "mistake"


def _predicted(image: Image, tested: Tested) -> str:
    found = tested.get(image.identity)
    return _NOT_TESTED if found is None else found.predicted


def _part(image: Image, tested: Tested) -> str:
    return "tested" if image.identity in tested else _NOT_TESTED


_COLOURS: dict[str, Callable[[Image, Tested], str]] = {
    "Class": lambda image, tested: image.label,
    "Predicted class": _predicted,
    "Mistakes": _verdict,
    "Tested": _part,
}


def _words(image: Image, tested: Tested) -> str:
    found = tested.get(image.identity)
    verdict = "" if found is None or found.is_right else f", predicted {found.predicted}"
    return f"{image.label}{verdict}"


def _figure(embedding: Embedding, groups: Mapping[str, list[int]]) -> Any:
    from plotly import graph_objects

    colours, ink = category_colours(), {"color": theme_colour("textColor")}
    figure = graph_objects.Figure()
    for place, (name, members) in enumerate(groups.items()):
        points = embedding.points[members]
        figure.add_trace(
            graph_objects.Scattergl(
                x=points[:, 0],
                y=points[:, 1],
                name=_plain_html(name),
                mode="markers",
                marker={"color": colours[place % len(colours)], "size": 7, "opacity": 0.8},
                # Positions that the chart reports are those in a trace, and not reliable.
                customdata=[[i] for i in members],
                text=[_plain_html(Path(embedding.images[i].path).name) for i in members],
                hovertemplate="%{text}<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_layout(
        height=520,
        margin={"l": 0, "r": 0, "t": 10, "b": 0},
        dragmode="lasso",
        legend={"orientation": "h", "y": -0.12, "font": ink},
        xaxis=_axis("first component", ink),
        yaxis=_axis("second component", ink),
    )
    return figure


def _axis(title: str, ink: Mapping[str, str]) -> dict[str, Any]:
    return {"title": {"text": title, "font": ink}, "tickfont": ink, "zeroline": False}


def _plain_html(text: str) -> str:
    """Return text with nothing in it that Plotly reads as HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@st.cache_data(max_entries=16, show_spinner="Computing the map …")
def _embedding(run_id: str, version: Version, cell: AnyCell) -> Embedding:
    return embed_images(find_run(run_id), cell)
