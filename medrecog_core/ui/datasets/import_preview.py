"""A preview of an import with its reasons, and the options that change it."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from medrecog_core.datasets import (
    BY_EVIDENCE,
    AmbiguousError,
    Dataset,
    Decisions,
    ImageRecord,
    Proposal,
    library,
)
from medrecog_core.datasets.archive import BOUNDS, Bounds
from medrecog_core.datasets.importing import (
    PREVIEWED,
    UnpackedSources,
    propose_dataset,
    unpack_sources,
)
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.errors import MedrecogError
from medrecog_core.locations import cache_folder, create_folder
from medrecog_core.ui.datasets.dataset_summary import (
    show_class_counts,
    show_left_out,
    show_numbers,
    show_rendering,
    show_warnings,
)
from medrecog_core.ui.datasets.decision_widgets import (
    forget_decisions,
    named_decisions,
    on_page,
    other_decisions,
    read_decisions,
    show_decision,
)
from medrecog_core.ui.datasets.table_preview import ShownTable, find_table, show_table
from medrecog_core.ui.gallery import Picture, show_pictures
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted

_NAME = "preview"
_SOURCES, _READ_AS = "import sources", "import interpretation"
_PREVIEWS = ".preview-"
_OLD_SECONDS = 6 * 3600
_CLASSES_PICTURED, _PICTURES_PER_CLASS = 6, 2


def show_preview(
    sources: Sequence[Path], base: Decisions = BY_EVIDENCE, bounds: Bounds = BOUNDS
) -> Decisions | None:
    """Show a preview of the import and return its decisions; None if it is not possible yet."""
    named = tuple(map(str, sources))
    if st.session_state.get(_SOURCES) != named:
        st.session_state[_SOURCES] = named
        st.session_state.pop(_READ_AS, None)
        forget_decisions()
    try:
        decisions = read_decisions(base)
        found = _proposed(sources, decisions, bounds)
    except MedrecogError as error:
        decisions, found = base, error
    chosen = _choose_interpretation(found)
    if chosen is not None:
        try:
            decisions = read_decisions(chosen.decisions)
            found = _proposed(sources, decisions, bounds)
        except MedrecogError as error:
            found = error
    _show(found, decisions, sources)
    return decisions if isinstance(found, Proposal) else None


def forget_unpacked() -> None:
    """Delete what was extracted for previews long ago."""
    for folder in cache_folder().datasets.glob(f"{_PREVIEWS}*"):
        try:
            is_old = time.time() - folder.stat().st_mtime > _OLD_SECONDS
        except OSError:
            continue
        if is_old:
            shutil.rmtree(folder, ignore_errors=True)


def _proposed(
    sources: Sequence[Path], decisions: Decisions, bounds: Bounds
) -> Proposal | MedrecogError:
    files = [*sources, *decisions.tables]
    return _remembered(
        tuple(map(str, sources)), _stamp(files), tuple(decisions.arguments()), decisions, bounds
    )


# Values are never changed, so that all sessions can share them; keys are short texts.
@st.cache_resource(max_entries=8, show_spinner="Reading the folder …")
def _remembered(
    sources: tuple[str, ...],
    stamp: str,
    arguments: tuple[str, ...],
    _decisions: Decisions,
    _bounds: Bounds,
) -> Proposal | MedrecogError:
    paths = [Path(source) for source in sources]
    try:
        if paths[0].is_dir():
            return propose_dataset(_NAME, paths, _decisions)
        unpacked = _unpacked(sources, stamp, _decisions.encoding, _decisions, _bounds)
        if not unpacked.folder.is_dir():
            _unpacked.clear()
            unpacked = _unpacked(sources, stamp, _decisions.encoding, _decisions, _bounds)
        return unpacked.propose(_NAME, _decisions, PREVIEWED)
    except MedrecogError as error:
        return error


@st.cache_resource(max_entries=4, show_spinner="Extracting the archive …")
def _unpacked(
    sources: tuple[str, ...], stamp: str, encoding: str, _decisions: Decisions, _bounds: Bounds
) -> UnpackedSources:
    forget_unpacked()
    parent = create_folder(cache_folder().datasets)
    folder = Path(tempfile.mkdtemp(prefix=_PREVIEWS, dir=parent)) / library.IMAGES
    try:
        return unpack_sources([Path(s) for s in sources], folder, _decisions, _bounds)
    except BaseException:
        shutil.rmtree(folder.parent, ignore_errors=True)
        raise


def _stamp(paths: Sequence[Path]) -> str:
    """Return a text that changes when files are added, removed or written."""
    latest, n_folders = 0, 0
    for path in paths:
        folders = (Path(found) for found, _, _ in os.walk(path)) if path.is_dir() else iter([path])
        for folder in folders:
            try:
                latest = max(latest, folder.stat().st_mtime_ns)
            except OSError:
                continue
            n_folders += 1
    return f"{latest} {n_folders}"


def _choose_interpretation(found: Proposal | MedrecogError) -> Interpretation | None:
    """Show the possible layouts and return the selected one if it is not the first."""
    if isinstance(found, AmbiguousError):
        options = {_words(each): each for each in found.interpretations}
        first: str | None = None
    elif isinstance(found, Proposal) and found.alternatives:
        first = _summary(found.dataset.layout, len(found.dataset.images), found.dataset.classes)
        options = {_words(each): each for each in found.alternatives if _words(each) != first}
    else:
        return None
    names = [*([first] if first else []), *options]
    if st.session_state.get(_READ_AS) not in names:
        st.session_state.pop(_READ_AS, None)
    if isinstance(found, AmbiguousError):
        st.warning(literal(on_page(str(found))), icon=":material/help:")
    chosen = st.selectbox(
        "Layout",
        names,
        index=0 if first else None,
        placeholder="Select a layout",
        key=_READ_AS,
    )
    return options.get(chosen) if chosen is not None else None


def _words(found: Interpretation) -> str:
    return _summary(found.layout, len(found.images), found.classes)


def _summary(layout: str, n_images: int, classes: Sequence[str]) -> str:
    few = ", ".join(classes[:4]) + (", …" if len(classes) > 4 else "")
    n_classes = counted(len(classes), "class", "classes")
    return f"{layout}: {counted(n_images, 'image')} in {n_classes} ({few})"


def _show(found: Proposal | MedrecogError, decisions: Decisions, sources: Sequence[Path]) -> None:
    root = found.dataset.root if isinstance(found, Proposal) else sources[0]
    guessed = found.decisions if isinstance(found, Proposal) else decisions
    table = find_table(decisions, guessed, root)
    classes: tuple[str, ...] = ()
    if isinstance(found, Proposal):
        classes = tuple(sorted({*found.dataset.classes, *decisions.excluded_classes}))
    shown: set[str] = set()
    if table is not None:
        shown |= show_table(table)

    def remedy(message: str) -> None:
        names = [name for name in named_decisions(message) if name not in shown]
        _show_decisions(names, table, classes)
        shown.update(names)

    if isinstance(found, Proposal):
        _show_proposal(found, remedy)
    elif not isinstance(found, AmbiguousError):
        st.error(literal(on_page(str(found))), icon=":material/error:")
        remedy(str(found))
    else:
        remedy(str(found))
    with st.expander("Advanced options"):
        _show_decisions(other_decisions(shown), table, classes)


def _show_decisions(names: Sequence[str], table: ShownTable | None, classes: Sequence[str]) -> None:
    columns = table.table.header if table else ()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name in names:
            with st.container(width=220):
                show_decision(name, columns, classes)


def _show_proposal(proposal: Proposal, remedy: Callable[[str], None]) -> None:
    dataset = proposal.dataset
    show_numbers(dataset)
    st.markdown(f"**{literal(dataset.layout[0].upper() + dataset.layout[1:])}**")
    if proposal.reasons:
        st.markdown("\n".join(f"- {literal(on_page(reason))}" for reason in proposal.reasons))
    show_rendering(dataset)
    show_warnings(dataset.warnings, remedy)
    show_class_counts(dataset, "preview")
    _show_pictures(dataset)
    show_left_out(dataset.left_out)


def _show_pictures(dataset: Dataset) -> None:
    """Show a few images of the first classes."""
    pictures = []
    for label in dataset.classes[:_CLASSES_PICTURED]:
        images = [image for image in dataset.images if image.label == label]
        n = min(_PICTURES_PER_CLASS, len(images))
        pictures += [_picture(dataset, images[i * len(images) // n]) for i in range(n)]
    if all(picture.path.is_file() for picture in pictures):
        show_pictures(pictures, "preview")


def _picture(dataset: Dataset, image: ImageRecord) -> Picture:
    path = dataset.absolute_path(image)
    return Picture(path, image.label, rendering=dataset.rendering_of(image))
