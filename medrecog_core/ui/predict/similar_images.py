"""The training images most similar to an image."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from medrecog_core.images import UnreadableImageError, thumbnail
from medrecog_core.models import KnownCopy, SimilarImage
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted

_WIDTH = 132


def show_similar_images(images: Sequence[SimilarImage], copies: Sequence[KnownCopy]) -> None:
    """Show the most similar training images, and how many of them have which label.

    Copies of the image itself are marked and not counted, for they are no evidence.
    """
    own = {copy.sha256 for copy in copies}
    others = [image for image in images if image.sha256 not in own]
    n_copies = len(images) - len(others)
    st.markdown(f"**Most similar training images**{agreement(others, n_copies)}")
    with st.container(horizontal=True, gap="small"):
        for image in images:
            with st.container(width=_WIDTH, gap="xxsmall"):
                caption = f"{image.label}, {image.distance:.3f}"
                picture = picture_of(image)
                if picture is None:
                    st.caption(":material/hide_image: file not available")
                else:
                    st.image(picture, width="stretch", alt=f"Training image, {caption}")
                st.caption(literal(caption))
                if image.sha256 in own:
                    st.badge("copy, not counted", icon=":material/content_copy:", color="orange")
    st.caption(
        "Label and cosine distance between feature vectors (0 = identical direction). Similar to "
        "the network does not mean clinically similar."
    )


def agreement(others: Sequence[SimilarImage], n_copies: int) -> str:
    """Return how many training images have which label, as Markdown that goes on a heading."""
    labels = Counter(image.label for image in others).most_common()
    shares = ", ".join(f"{n} of {len(others)} labelled {literal(label)}" for label, n in labels)
    left_out = f" ({counted(n_copies, 'copy', 'copies')} not counted)" if n_copies else ""
    return f": {shares}{left_out}" if shares else left_out


def picture_of(image: SimilarImage) -> bytes | None:
    """Return a thumbnail of a training image, or None if it is not available."""
    try:
        # By its content alone: the path of a model from another machine may be another file here,
        # and exported models have no paths.
        path = Path(image.path or image.sha256)
        return thumbnail(path, sha256=image.sha256, rendering=image.rendering)
    except UnreadableImageError:
        return None
