"""Images as a grid of thumbnails, a page at a time."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from medrecog_core.images import PLAIN, Rendering, UnreadableImageError, thumbnail
from medrecog_core.ui.plain_text import literal

PER_PAGE = 24
_COLUMN_WIDTH = 150


@dataclass(frozen=True)
class Picture:
    """An image file and its caption."""

    path: Path
    caption: str
    sha256: str = ""
    rendering: Rendering = PLAIN
    name: str = ""


def show_gallery(
    pictures: Sequence[Picture],
    key: str,
    open_picture: Callable[[Picture], None] | None = None,
    per_page: int = PER_PAGE,
) -> None:
    """Show one page of images, with a page number if there are several."""
    n_pages = math.ceil(len(pictures) / per_page)
    page = 1
    if n_pages > 1:
        if st.session_state.get(key, 1) > n_pages:
            st.session_state[key] = n_pages  # fewer images are shown than before
        page = st.number_input(
            f"Page (1–{n_pages})", 1, n_pages, key=key, bind="query-params", width=160
        )
    show_pictures(pictures[(page - 1) * per_page : page * per_page], key, open_picture)


def show_pictures(
    pictures: Sequence[Picture],
    key: str,
    open_picture: Callable[[Picture], None] | None = None,
) -> None:
    """Show images side by side; see `show_gallery`."""
    with st.container(horizontal=True, gap="small"):
        for picture in pictures:
            with st.container(width=_COLUMN_WIDTH, gap="xxsmall"):
                try:
                    content = thumbnail(
                        picture.path, sha256=picture.sha256, rendering=picture.rendering
                    )
                    st.image(content, width="stretch", alt=picture.caption)
                    if not picture.path.exists():
                        st.caption(":material/cloud_off: file not available")
                except UnreadableImageError as error:
                    st.caption(
                        f":material/broken_image: {literal(picture.path.name)}: {literal(error)}"
                    )
                if open_picture is None:
                    st.caption(literal(picture.caption))
                else:
                    st.button(
                        literal(picture.caption),
                        key=f"{key}-{picture.name or picture.path}",
                        type="tertiary",
                        help="Open image",
                        on_click=open_picture,
                        args=(picture,),
                    )
