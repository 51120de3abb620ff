"""Images as a grid of thumbnails, a page at a time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from medrecog_core.images import UnreadableImageError, thumbnail

PER_PAGE = 24
_COLUMN_WIDTH = 150


@dataclass(frozen=True)
class Picture:
    """An image file and the words under it."""

    path: Path
    caption: str


def show_gallery(pictures: Sequence[Picture], key: str) -> None:
    """Show one page of pictures, with a choice of page where there are several.

    Parameters
    ----------
    pictures
        All pictures; only those of the chosen page are read.
    key
        Name of the page number in the address.
    """
    n_pages = math.ceil(len(pictures) / PER_PAGE)
    page = 1
    if n_pages > 1:
        page = st.number_input(
            f"Page, of {n_pages}", 1, n_pages, key=key, bind="query-params", width=160
        )
    with st.container(horizontal=True, gap="small"):
        for picture in pictures[(page - 1) * PER_PAGE : page * PER_PAGE]:
            with st.container(width=_COLUMN_WIDTH, gap="xxsmall"):
                try:
                    st.image(thumbnail(picture.path), width="stretch", alt=picture.caption)
                    st.caption(picture.caption)
                except UnreadableImageError as error:
                    st.caption(f":material/broken_image: {picture.path.name}: {error}")
