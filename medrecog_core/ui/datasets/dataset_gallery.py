"""The images of a data set: filters and a page of thumbnails."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import streamlit as st

from medrecog_core.datasets import Dataset, HealthReport, ImageRecord
from medrecog_core.datasets.files import is_untouched
from medrecog_core.ui.choice import close_object, named, open_object
from medrecog_core.ui.gallery import Picture, show_gallery
from medrecog_core.ui.quantities import counted

EVERYTHING = {
    "class": "all classes",
    "split": "all splits",
    "group": "",
    "finding": "any finding",
}
"""Name of each filter in the address, and its value if it filters nothing."""
EXCLUDED = "excluded"
VIEW, IMAGES, HEALTH = "view", "Images", "Health"
"""Name in the address of the tab of a data set, and two of the tabs."""
PAGE = "page"
"""Name in the address of the page of the gallery."""


def forget_filters() -> None:
    """Reset the filters, the page and the image, because another data set was selected."""
    for key, value in EVERYTHING.items():
        if key not in st.session_state:
            st.query_params.pop(key, None)
        elif st.session_state[key] != value:
            st.session_state[key] = value
    close_object(PAGE, "image")


def ask_for_images() -> None:
    """Open the tab of the gallery if a link names a filter, a page or an image and no tab."""
    is_asked = any(named(key) for key in (*EVERYTHING, PAGE, "image"))
    if VIEW not in st.session_state and named(VIEW) is None and is_asked:
        st.session_state[VIEW] = IMAGES


def first_page() -> None:
    """Go back to the first page of the gallery, because its images changed."""
    close_object(PAGE)


def open_image(path: str) -> None:
    """Open one image and put it into the address."""
    open_object("image", path)


def close_image() -> None:
    """Show the gallery again."""
    close_object("image")


def finding_name(kind: str) -> str:
    """Return a finding's kind as shown on the page and in the address."""
    return kind.replace("-", " ")


def show_images(dataset: Dataset, shown: Sequence[ImageRecord]) -> None:
    """Show a page of the images that match the filters."""
    if not shown:
        st.info("No images match these filters.", icon=":material/filter_alt_off:")
        st.button("Clear filters", on_click=forget_filters)
        return
    n_excluded = len({e.image.path for e in dataset.excluded} & {i.path for i in shown})
    words = counted(len(shown), "image")
    if n_excluded:
        words += f", {n_excluded:,} of them excluded"
    st.caption(f"{words}. Click an image to open it.")
    show_gallery(
        _Pictures(dataset, shown),
        key=PAGE,
        open_picture=lambda picture: open_image(picture.name),
    )


def picture_of(dataset: Dataset, image: ImageRecord, note: str = "") -> Picture:
    """Return an image with its caption: class, group, whether it is excluded, and a note."""
    path = dataset.absolute_path(image)
    untouched = image.file is not None and (not path.exists() or is_untouched(path, image.file))
    parts = [image.label]
    if image.group:
        parts = [image.group] if image.group.startswith(image.label) else [image.label, image.group]
    if image.path in excluded_paths(dataset):
        parts.append(EXCLUDED)
    if note:
        parts.append(note)
    sha256 = image.file.sha256 if untouched and image.file else ""
    return Picture(path, " · ".join(parts), sha256, dataset.rendering_of(image), image.path)


def excluded_paths(dataset: Dataset) -> frozenset[str]:
    """Return the paths of the excluded images."""
    return frozenset(exclusion.image.path for exclusion in dataset.excluded)


class _Pictures(Sequence[Picture]):
    """Images of a data set, prepared only for the page that is shown."""

    def __init__(self, dataset: Dataset, images: Sequence[ImageRecord]) -> None:
        self._dataset, self._images = dataset, images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        if isinstance(index, slice):
            return [picture_of(self._dataset, image) for image in self._images[index]]
        return picture_of(self._dataset, self._images[index])


@dataclass(frozen=True)
class ImageFilter:
    """What the filters of the gallery let through."""

    label: str
    split: str
    group: str
    among: frozenset[str] | None

    def of(self, dataset: Dataset) -> list[ImageRecord]:
        """Return the images that match, of all classes in turn if all are shown."""
        found = [
            image
            for image in dataset.every_image
            if self.label in (EVERYTHING["class"], image.label)
            and self.split in (EVERYTHING["split"], image.split)
            and self.group.casefold() in image.group.casefold()
            and (self.among is None or image.path in self.among)
        ]
        return _interleave_classes(found) if self.label == EVERYTHING["class"] else found


def choose_filter(dataset: Dataset, report: HealthReport | None) -> ImageFilter:
    """Show the filters of the gallery; they stay in the address as long as they are shown."""
    with st.container(horizontal=True):
        label = _choose("class", "Class", dataset.classes, 240)
        split = EVERYTHING["split"]
        if dataset.splits:
            split = _choose("split", "Split", dataset.splits, 150)
        group = ""
        if dataset.groups:
            group = st.text_input(
                "Group",
                key="group",
                bind="query-params",
                placeholder="any",
                width=200,
                on_change=_filter_changed,
                help="Filter by patient or lesion ID (partial match).",
            ).strip()
        images_of = {
            finding_name(finding.kind): frozenset(finding.images)
            for finding in (report.findings if report else ())
            if finding.images
        }
        if dataset.excluded:
            images_of[EXCLUDED] = excluded_paths(dataset)
        finding = EVERYTHING["finding"]
        if images_of:
            finding = _choose("finding", "Finding", tuple(images_of), 280)
    return ImageFilter(label, split, group, images_of.get(finding))


def _filter_changed() -> None:
    """Go back to the first page of the images that match now."""
    close_object(PAGE, "image")


def _choose(key: str, label: str, options: Sequence[str], width: int) -> str:
    chosen: str = st.selectbox(
        label,
        [EVERYTHING[key], *options],
        key=key,
        bind="query-params",
        width=width,
        on_change=_filter_changed,
    )
    return chosen


def _interleave_classes(images: Sequence[ImageRecord]) -> list[ImageRecord]:
    """Return the images in an order that shows every class on each page."""
    of_class: dict[str, list[ImageRecord]] = {}
    for image in images:
        of_class.setdefault(image.label, []).append(image)
    rounds = zip_longest(*(of_class[label] for label in sorted(of_class)))
    return [image for each_round in rounds for image in each_round if image is not None]
