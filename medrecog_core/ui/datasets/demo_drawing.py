"""Waiting for the demo data set while a process of its own draws it."""

import streamlit as st

from medrecog_core.datasets import demo_folder
from medrecog_core.jobs.process import start_detached
from medrecog_core.locations import cache_folder, create_folder


def wait_for_demo() -> bool:
    """Return whether the demo's pictures are there; else start drawing and show how far that is."""
    if demo_folder.is_drawn():
        return True
    _start_drawing(str(cache_folder().root))
    _show_drawing()
    return False


@st.cache_resource(max_entries=8, show_spinner=False)
def _start_drawing(root: str) -> str:
    # Once per server and cache folder; a second process would only wait for the first.
    folder = create_folder(cache_folder().datasets)
    start_detached(["datasets", "refresh", demo_folder.NAME], folder / "demo-log.txt")
    return root


@st.fragment(run_every="1s")
def _show_drawing() -> None:
    if demo_folder.is_drawn():
        st.rerun()
    done, total = demo_folder.drawn_so_far()
    st.progress(
        done / total, text=f"Drawing the demo's {total} synthetic pictures, once: {done} done"
    )
