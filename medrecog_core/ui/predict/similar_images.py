"""The training images most similar to an image."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from medrecog_core.images import UnreadableImageError, thumbnail
from medrecog_core.models import SimilarImage
from medrecog_core.ui.plain_text import literal

_WIDTH = 132


def show_similar_images(images: Sequence[SimilarImage]) -> None:
    """Show training images side by side with their labels and distances, the nearest first."""
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


def picture_of(image: SimilarImage) -> bytes | None:
    """Return a thumbnail of a training image, or None if it is not available."""
    try:
        # By its content alone: the path of a model from another machine may be another file here,
        # and exported models have no paths.
        path = Path(image.path or image.sha256)
        return thumbnail(path, sha256=image.sha256, rendering=image.rendering)
    except UnreadableImageError:
        return None
