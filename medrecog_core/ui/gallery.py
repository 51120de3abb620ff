"""Images as a grid of thumbnails, a page at a time."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from medrecog_core.images import PLAIN, Rendering, UnreadableImageError, thumbnail
from medrecog_core.ui.choice import named, open_object
from medrecog_core.ui.clickable_picture import show_clickable
from medrecog_core.ui.plain_text import literal

PER_PAGE = 24
_COLUMN_WIDTH = 150
_LONGEST_NUMBER = 8  # characters of a page number in an address


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
    page = choose_page(key, n_pages) if n_pages > 1 else 1
    show_pictures(pictures[(page - 1) * per_page : page * per_page], key, open_picture)


def choose_page(key: str, n_pages: int) -> int:
    """Show the page number; a page is opened with one Back step."""
    asked = named(key) or ""
    is_number = asked.isdecimal() and len(asked) < _LONGEST_NUMBER
    st.session_state[key] = min(max(int(asked) if is_number else 1, 1), n_pages)

    def open_page() -> None:
        open_object(key, str(st.session_state[key]))

    page: int = st.number_input(
        f"Page (1–{n_pages})", 1, n_pages, key=key, width=160, on_change=open_page
    )
    return page


def show_pictures(
    pictures: Sequence[Picture],
    key: str,
    open_picture: Callable[[Picture], None] | None = None,
    show_below: Callable[[Picture], None] = lambda picture: None,
) -> None:
    """Show images side by side; see `show_gallery`. What belongs to each can be shown below it."""
    with st.container(horizontal=True, gap="small"):
        for picture in pictures:
            with st.container(width=_COLUMN_WIDTH, gap="xxsmall"):
                try:
                    content = thumbnail(
                        picture.path, sha256=picture.sha256, rendering=picture.rendering
                    )
                    if open_picture is None:
                        st.image(content, width="stretch", alt=picture.caption)
                    else:
                        show_clickable(
                            content,
                            picture.caption,
                            f"{key}-picture-{picture.name or picture.path}",
                            partial(open_picture, picture),
                        )
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
                show_below(picture)
