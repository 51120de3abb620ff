"""The test images of a cell: its mistakes, or those in a square of its confusion matrix."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from medrecog_core.runs.run import CellImage
from medrecog_core.ui.gallery import Picture, show_gallery
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.results.square_choice import ANY, PAGE, choose_square

_PER_PAGE = 12


def show_cell_gallery(images: Sequence[CellImage], classes: Sequence[str]) -> None:
    """Show the images of the selected classes, the highest score first."""
    st.markdown("**Test images**")
    true, predicted = choose_square(classes)
    shown = [image for image in images if _is_in_square(image, true, predicted)]
    is_repeated = len({(image.path, image.rendering) for image in images}) < len(images)
    noun = "prediction" if is_repeated else "test image"
    st.caption(_caption(len(shown), len(images), noun, true, predicted))
    show_gallery(
        [
            Picture(Path(image.path), _words(image), image.sha256, image.rendering)
            for image in shown
        ],
        key=PAGE,
        per_page=_PER_PAGE,
    )


def _is_in_square(image: CellImage, true: str, predicted: str) -> bool:
    if true == predicted == ANY:
        return not image.is_right
    return true in (ANY, image.label) and predicted in (ANY, image.predicted)


def _caption(n: int, n_all: int, noun: str, true: str, predicted: str) -> str:
    if true == predicted == ANY:
        what = f"{counted(n, 'mistake')} in {counted(n_all, noun)}"
        if n:
            what += ", highest score first"
        return f"{what}. Click a square of the confusion matrix to see its images."
    what = counted(n, noun)
    if true != ANY:
        what += f" of {literal(true)}"
    if predicted != ANY:
        what += (
            f" predicted as {literal(predicted)}" if predicted != true else ", correctly classified"
        )
    return f"{what}, highest score first." if n > 1 else f"{what}."


def _words(image: CellImage) -> str:
    verdict = "" if image.is_right else f", predicted {image.predicted}"
    return f"{image.label}{verdict}; score {image.score:+.2f}"
