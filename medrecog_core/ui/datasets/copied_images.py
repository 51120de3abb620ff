"""Images of a finding that are copies of each other, side by side, with a decision for each set."""

from dataclasses import replace

import streamlit as st

from medrecog_core.datasets import Dataset, Finding, ImageRecord, apply_remedy, library
from medrecog_core.datasets.health.finding import Remedy
from medrecog_core.errors import MedrecogError
from medrecog_core.ui.datasets.dataset_gallery import open_image, picture_of
from medrecog_core.ui.gallery import Picture, show_pictures
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted

_MOST_SETS = 6
_MOST_PICTURES = 8
_DECIDED = "images excluded last"


def is_of_copies(finding: Finding) -> bool:
    """Return whether a finding is about copies or near-copies of images."""
    return "duplicates" in finding.kind and bool(finding.sets)


def undecided(finding: Finding, dataset: Dataset) -> Finding:
    """Return a finding on copies with the sets of which two or more images are in use."""
    used = {image.path for image in dataset.images}
    sets = [tuple(path for path in each if path in used) for each in finding.sets]
    sets = [each for each in sets if len(each) > 1]
    left = {path for each in sets for path in each}
    remedy = finding.remedy
    if remedy is not None and not remedy.classes:
        # An image that was kept by a decision is not excluded with the rest.
        images = tuple(path for path in remedy.images if path in left)
        remedy = replace(remedy, images=images) if images else None
    return replace(
        finding,
        sets=tuple(sets),
        images=tuple(path for path in finding.images if path in left),
        notes=(),
        remedy=remedy,
    )


def show_sets(dataset: Dataset, finding: Finding) -> None:
    """Show each set of copies with its file names, and what to do about it."""
    image_of = {image.path: image for image in dataset.images}
    for number, paths in enumerate(finding.sets[:_MOST_SETS]):
        images = [image_of[path] for path in paths]
        _show_set(dataset, finding, images, f"{finding.kind}-{number}-{paths[0]}")
    if len(finding.sets) > _MOST_SETS:
        st.caption(
            f"Showing {_MOST_SETS} of {len(finding.sets):,} sets; the others follow as you decide."
        )


def show_last_decision(dataset: Dataset) -> None:
    """Say what was excluded last, with a button that restores it."""
    name, paths = st.session_state.get(_DECIDED, ("", ()))
    excluded = {exclusion.image.path for exclusion in dataset.excluded}
    if name != dataset.name or not excluded.issuperset(paths):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        files = ", ".join(path.rsplit("/", 1)[-1] for path in paths[:3])
        more = ", …" if len(paths) > 3 else ""
        st.markdown(f"Excluded {counted(len(paths), 'image')}: {literal(files)}{more}")
        st.button("Undo", icon=":material/undo:", on_click=_restore, args=(name, paths))


def _show_set(dataset: Dataset, finding: Finding, images: list[ImageRecord], key: str) -> None:
    paths = tuple(image.path for image in images)

    def show_choice(picture: Picture) -> None:
        (image,) = (image for image in images if image.path == picture.name)
        st.caption(literal(" · ".join(filter(None, (image.label, image.split, image.group)))))
        if library.is_changeable(dataset.name):
            others = tuple(path for path in paths if path != image.path)
            st.button(
                "Keep this",
                icon=":material/check:",
                key=f"keep-{key}-{image.path}",
                help=f"Excludes the other {counted(len(others), 'image')} of this set from runs.",
                on_click=_exclude,
                args=(dataset.name, finding, others),
            )

    with st.container():
        pictures = [
            replace(picture_of(dataset, image), caption=image.path.rsplit("/", 1)[-1])
            for image in images[:_MOST_PICTURES]
        ]
        show_pictures(pictures, key, lambda picture: open_image(picture.name), show_choice)
        if len(images) > _MOST_PICTURES:
            st.caption(f"and {len(images) - _MOST_PICTURES:,} more")
        if library.is_changeable(dataset.name):
            st.button(
                "Exclude both" if len(images) == 2 else f"Exclude all {len(images):,}",
                icon=":material/block:",
                key=f"none-{key}",
                on_click=_exclude,
                args=(dataset.name, finding, paths),
            )


def _exclude(name: str, finding: Finding, paths: tuple[str, ...]) -> None:
    try:
        apply_remedy(name, replace(finding, remedy=Remedy("Excludes copies.", paths)))
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
    else:
        st.session_state[_DECIDED] = (name, paths)


def _restore(name: str, paths: tuple[str, ...]) -> None:
    try:
        library.include(name, paths)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
    else:
        del st.session_state[_DECIDED]
