"""The images of a run that are most similar to one of them."""

import streamlit as st

from medrecog_core.features import AnyCell
from medrecog_core.runs import Run, find_run
from medrecog_core.runs.neighbours import SimilarImage, similar_images
from medrecog_core.ui.choice import close_object, named
from medrecog_core.ui.gallery import Picture, show_pictures
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.results.kept_results import Version, version_of

N_SIMILAR = 12
_LONGEST_NUMBER = 8  # characters of a position in an address


def show_similar(run: Run, cell: AnyCell, key: str) -> None:
    """Show the image whose position the address names, and those that are most similar to it."""
    asked = named(key)
    if asked is None:
        return
    images = run.images()
    is_number = asked.isdecimal() and len(asked) < _LONGEST_NUMBER
    if not is_number or int(asked) >= len(images):
        st.warning(f"Image “{literal(asked)}” not found in this run.", icon=":material/link_off:")
        return
    image = images[int(asked)]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Images similar to {literal(image.file.name)}")
        st.button("Close", icon=":material/close:", on_click=close_object, args=(key,))
    with shown_errors():
        found = _similar(run.id, version_of(run), cell, int(asked))
        own = Picture(image.file, f"this image: {image.label}", image.sha256, image.rendering)
        others = [
            Picture(each.file, f"{each.label}, {each.distance:.3f}", each.sha256, each.rendering)
            for each in found
        ]
        show_pictures([own, *others], f"{key}-strip")
        n_same = sum(each.label == image.label for each in found)
        st.caption(
            f"{n_same} of these {len(found)} images have the same class. The number is the cosine "
            "distance between the features (0 = same direction). Images of the same group are "
            "included. Similar to the network does not mean clinically similar."
        )


@st.cache_data(max_entries=64, show_spinner="Looking for similar images …")
def _similar(
    run_id: str, version: Version, cell: AnyCell, position: int
) -> tuple[SimilarImage, ...]:
    (found,) = similar_images(find_run(run_id), cell, [position], N_SIMILAR, other_groups=False)
    return found
