"""The cost estimate of a run, in one line below the form."""

import json

import streamlit as st

from medrecog_core.datasets import demo, library
from medrecog_core.errors import MedrecogError
from medrecog_core.locations import cache_folder
from medrecog_core.runs import Cost, RunSpecification, estimate_cost
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import about, counted, size


def show_cost(specification: RunSpecification) -> None:
    """Show the images to extract, the time, and whether the disk has room."""
    if specification.dataset == demo.NAME and not demo.is_drawn():
        st.caption("The demo images are generated first (first run only).")
        return
    cost = _cost_of(specification)
    if isinstance(cost, str):
        raise MedrecogError(cost)
    st.caption(_in_words(cost))
    if cost.small_test is not None:
        st.warning(literal(cost.small_test.words), icon=":material/groups:")
    if not cost.fits_on_disk:
        st.warning(
            f"The features need about {size(cost.n_bytes)}, but only {size(cost.n_bytes_free)} are "
            "free. Free disk space, or select fewer layers or smaller input sizes.",
            icon=":material/hard_drive:",
        )


def expected_seconds(specification: RunSpecification) -> float | None:
    """Return how long the run takes on this machine, or None before it was measured."""
    if specification.dataset == demo.NAME and not demo.is_drawn():
        return None
    cost = _cost_of(specification)
    if isinstance(cost, str) or cost.seconds is None:
        return None
    return cost.seconds + (cost.training_seconds or 0)


def _cost_of(specification: RunSpecification) -> Cost | str:
    document = json.dumps(specification.to_document())
    version = library.version(specification.dataset)
    return _cost(document, version, str(cache_folder().root))


@st.cache_data(max_entries=32, ttl=20, show_spinner=False)
def _cost(document: str, version: tuple[int, ...], root: str) -> Cost | str:
    """Return the cost, or the error message; cached while the form is edited."""
    try:
        return estimate_cost(RunSpecification.from_document(json.loads(document)))
    except MedrecogError as error:
        return str(error)


def _in_words(cost: Cost) -> str:
    todo = [each for each in cost.scales if each.n_images]
    if not todo:
        words = "All features are cached; only the classifiers need training"
        if cost.training_seconds is not None:
            words += f" ({about(cost.training_seconds)})"
        return f"{words}."
    images = ", ".join(f"{each.n_images:,} at {each.scale} px" for each in todo)
    parts = [f"Feature extraction for {images} ({counted(cost.n_images, 'image')} in total)"]
    if cost.seconds is None:
        parts.append("time unknown until the first images have been processed")
    else:
        parts.append(f"{about(cost.seconds)} on this machine")
    if cost.training_seconds is not None:
        parts.append(f"{about(cost.training_seconds)} for training")
    parts.append(f"{size(cost.n_bytes)} on disk ({size(cost.n_bytes_free)} free)")
    if cost.n_unknown:
        are = "is" if cost.n_unknown == 1 else "are"
        parts.append(f"{counted(cost.n_unknown, 'file')} not scanned yet {are} counted as new")
    return " · ".join(parts)
