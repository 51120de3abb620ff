"""What an experiment will cost, in a line below the form."""

import json

import streamlit as st

from medrecog_core.datasets import demo_folder, library
from medrecog_core.errors import MedrecogError
from medrecog_core.locations import cache_folder
from medrecog_core.runs import Cost, RunSpecification, estimate_cost
from medrecog_core.ui.quantities import counted, duration, size


def show_cost(specification: RunSpecification) -> None:
    """Say what has to be extracted, how long that takes and whether the disk has room."""
    if specification.dataset == demo_folder.NAME and not demo_folder.is_drawn():
        st.caption("The demo's pictures are drawn first, once.")
        return
    document = json.dumps(specification.to_document())
    version = library.version(specification.dataset)
    cost = _cost(document, version, str(cache_folder().root))
    if isinstance(cost, str):
        raise MedrecogError(cost)
    st.caption(_in_words(cost))
    if not cost.fits_on_disk:
        st.warning(
            f"The descriptors take about {size(cost.n_bytes)}, and {size(cost.n_bytes_free)} are "
            "free: free the disk, or choose fewer layers or smaller scales.",
            icon=":material/hard_drive:",
        )


@st.cache_data(max_entries=32, ttl=20, show_spinner=False)
def _cost(document: str, version: tuple[int, ...], root: str) -> Cost | str:
    """Return the cost, or why it cannot be told, for so long that typing does not count anew."""
    try:
        return estimate_cost(RunSpecification.from_document(json.loads(document)))
    except MedrecogError as error:
        return str(error)


def _in_words(cost: Cost) -> str:
    todo = [each for each in cost.scales if each.n_images]
    if not todo:
        words = "Every descriptor is in the store: only the classifiers are to be trained"
        if cost.training_seconds is not None:
            words += f", about {duration(cost.training_seconds)}"
        return f"{words}."
    images = ", ".join(f"{each.n_images:,} at {each.scale}" for each in todo)
    words = f"To extract: {images} of {counted(cost.n_images, 'image')}; "
    if cost.seconds is None:
        words += "this machine's rate is not measured yet"
    else:
        words += f"about {duration(cost.seconds)} at the rate measured here"
    if cost.training_seconds is not None:
        words += f", and {duration(cost.training_seconds)} for training"
    words += f"; {size(cost.n_bytes)} on disk, of {size(cost.n_bytes_free)} free."
    if cost.n_unknown:
        words += f" {counted(cost.n_unknown, 'file')} not looked at yet count as new."
    return words
