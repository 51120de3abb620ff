"""One image of a data set, its properties, and related images."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.datasets import Dataset, HealthReport, ImageRecord, library
from medrecog_core.errors import MedrecogError
from medrecog_core.images import PLAIN, UnreadableImageError, thumbnail
from medrecog_core.mode import is_viewer
from medrecog_core.ui.datasets.dataset_gallery import (
    close_image,
    finding_name,
    open_image,
    picture_of,
)
from medrecog_core.ui.datasets.reviewed_labels import show_review_of
from medrecog_core.ui.gallery import show_pictures
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import size

_SIDE = 1280
_MOST_RELATED = 24


def show_image(
    dataset: Dataset, report: HealthReport | None, path: str, among: Sequence[str]
) -> None:
    """Show the image of a path, or a warning if it does not exist.

    The buttons for the previous and next one go through the paths in `among`.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Back to images", icon=":material/arrow_back:", on_click=close_image)
        _show_neighbours(path, among)
    image = next((each for each in dataset.every_image if each.path == path), None)
    if image is None:
        st.warning(
            f"Image “{literal(path)}” not found in “{literal(dataset.name)}”.",
            icon=":material/link_off:",
        )
        return
    st.subheader(literal(image.path.rsplit("/", 1)[-1]))
    left, right = st.columns([3, 2])
    with left:
        try:
            content, is_here = _picture(dataset, image)
            st.image(
                content,
                width="stretch" if is_here else "content",
                alt=f"{image.label}: {image.path}",
            )
            if not is_here:
                st.caption("Original file not available on this server; showing the thumbnail.")
        except UnreadableImageError as error:
            st.error(
                f"The image cannot be shown: {literal(error)}.", icon=":material/broken_image:"
            )
    with right:
        _show_row(dataset, image, report)
        show_review_of(dataset, image.path)
        _offer_exclusion(dataset, image)
    _show_related(dataset, report, image)


def _show_neighbours(path: str, among: Sequence[str]) -> None:
    """Show the buttons for the previous and the next image, and the place of this one."""
    if path not in among:
        return
    place = among.index(path)
    for label, icon, other in (
        ("Previous", "chevron_left", place - 1),
        ("Next", "chevron_right", place + 1),
    ):
        is_there = 0 <= other < len(among)
        st.button(
            label,
            icon=f":material/{icon}:",
            disabled=not is_there,
            on_click=open_image,
            args=(among[other] if is_there else "",),
        )
    st.caption(f"{place + 1:,} of {len(among):,}")


def _picture(dataset: Dataset, image: ImageRecord) -> tuple[bytes, bool]:
    """Return the image, and whether it comes from its file rather than a stored thumbnail."""
    path, rendering = dataset.absolute_path(image), dataset.rendering_of(image)
    try:
        return thumbnail(path, _SIDE, rendering=rendering), True
    except UnreadableImageError:
        if image.file is None or path.exists():
            raise
        return thumbnail(path, sha256=image.file.sha256, rendering=rendering), False


def _show_row(dataset: Dataset, image: ImageRecord, report: HealthReport | None) -> None:
    row = {"path": image.path, "class": image.label}
    if image.split:
        row["split"] = image.split
    if image.group:
        row["group"] = image.group
    if image.file is not None:
        state = image.file
        if state.width:
            row["pixels"] = f"{state.width} x {state.height}"
            row["mode"] = state.mode
        if state.n_frames > 1:
            row["frames"] = f"{state.n_frames:,}"
        if (rendering := dataset.rendering_of(image)) != PLAIN:
            row["rendering"] = rendering.title
        row["file size"] = size(state.n_bytes)
        row["SHA-256"] = f"{state.sha256[:16]} …"
    found = [
        finding_name(finding.kind)
        for finding in (report.findings if report else ())
        if image.path in finding.images
    ]
    if found:
        row["findings"] = ", ".join(found)
    st.table({name: literal(value) for name, value in row.items()})


def _offer_exclusion(dataset: Dataset, image: ImageRecord) -> None:
    exclusion = next((e for e in dataset.excluded if e.image.path == image.path), None)
    if exclusion is None:
        if not library.is_changeable(dataset.name):
            return
        st.button(
            "Exclude image from runs",
            icon=":material/block:",
            on_click=_exclude,
            args=(dataset.name, image.path),
            help="New runs will skip this image. You can restore it at any time.",
        )
        return
    st.warning(
        f"Excluded: {literal(exclusion.reason)}." if exclusion.reason else "Excluded manually.",
        icon=":material/block:",
    )
    if library.is_changeable(dataset.name):
        st.button(
            "Restore",
            icon=":material/undo:",
            on_click=_include,
            args=(dataset.name, image.path),
        )


def _show_related(dataset: Dataset, report: HealthReport | None, image: ImageRecord) -> None:
    others = [each for each in dataset.every_image if each.path != image.path]
    if image.group:
        of_group = [each for each in others if each.group == image.group]
        _show_strip(dataset, f"Same patient or lesion: {image.group}", of_group, "related")
    if image.file is not None:
        copies = [each for each in others if each.content == image.content]
        _show_strip(dataset, "Exact duplicates", copies, "copies")
    if report is None:
        if not is_viewer():
            st.caption("Check this data set on the Health tab to find near-duplicates.")
        return
    paths = {
        second if first == image.path else first
        for first, second in report.near_pairs
        if image.path in (first, second)
    }
    alike = [
        each
        for each in others
        if each.path in paths and not (each.content is not None and each.content == image.content)
    ]
    _show_strip(dataset, "Near-duplicates", alike, "alike", report.n_unlisted.get(image.path, 0))


def _show_strip(
    dataset: Dataset, title: str, images: list[ImageRecord], key: str, n_unlisted: int = 0
) -> None:
    if not images:
        return
    n = len(images) + n_unlisted
    st.markdown(f"**{literal(title)}** ({n:,})")
    shown = f"Showing {min(len(images), _MOST_RELATED):,} of {n:,}."
    if n_unlisted:
        st.caption(f"{shown} The health report does not list {n_unlisted:,} of them.")
    elif n > _MOST_RELATED:
        st.caption(shown)
    show_pictures(
        [picture_of(dataset, each, each.split) for each in images[:_MOST_RELATED]],
        key,
        lambda picture: open_image(picture.name),
    )


def _exclude(name: str, path: str) -> None:
    try:
        library.exclude(name, [path])
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")


def _include(name: str, path: str) -> None:
    try:
        library.include(name, [path])
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
