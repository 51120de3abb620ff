"""The classes and the image folder of a data set, and how to change them."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from medrecog_core.datasets import Dataset, Decisions, library
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted

_MOVED = "changes found by a move"


def show_class_choice(dataset: Dataset) -> None:
    """Show the classes to exclude or merge in a popover."""
    with st.popover("Edit classes", icon=":material/label:", type="tertiary"):
        excluded = st.multiselect("Exclude classes", dataset.classes, key="excluded classes")
        merged = st.text_area(
            "Merge classes",
            key="merged classes",
            placeholder="OLD=NEW",
            help="Rename class OLD to NEW, or merge it with NEW. One per line.",
            height=80,
        )
        with st.container(horizontal=True):
            if st.button("Apply", type="primary", disabled=not (excluded or merged.strip())):
                lines = tuple(line.strip() for line in merged.splitlines() if line.strip())
                _carry_out(
                    lambda: library.choose_classes(
                        dataset.name,
                        exclude=excluded,
                        merge=Decisions(merged_classes=lines).merges,
                    )
                )
            if st.button("Restore all classes"):
                _carry_out(lambda: library.restore_classes(dataset.name))


def show_move(dataset: Dataset) -> None:
    """Show the image folder in a popover, and a box for another one."""
    if n_changed := st.session_state.pop(_MOVED, 0):
        st.warning(
            f"{counted(n_changed, 'image')} in the new folder {'is' if n_changed == 1 else 'are'} "
            "missing or different. Check the data set on the Health tab and update its index.",
            icon=":material/warning:",
        )
    if dataset.root.is_relative_to(library.folder_of(dataset.name)):
        return  # its images are in the cache folder
    with st.popover("Change folder", icon=":material/drive_file_move:", type="tertiary"):
        st.caption(f"The images are in {literal(dataset.root)}.")
        root = st.text_input(
            "New image folder (path on the server)",
            key="new image folder",
            help="For images that were moved or copied. Every file is compared by its content.",
        )
        if st.button("Use this folder", type="primary", disabled=not root):
            _carry_out(lambda: _move(dataset.name, Path(root)))


def _move(name: str, root: Path) -> None:
    with st.spinner("Comparing files …"):
        _, changes = library.move(name, root)
    st.session_state[_MOVED] = len(changes)


def _carry_out(change: Callable[[], object]) -> None:
    done = False
    with shown_errors():
        change()
        done = True
    if done:
        for key in ("excluded classes", "merged classes", "new image folder"):
            st.session_state.pop(key, None)
        st.rerun()
