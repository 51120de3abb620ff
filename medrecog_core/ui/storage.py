"""The storage section of Home: what is in the cache folder, and freeing unused features."""

import streamlit as st

from medrecog_core.access import Action
from medrecog_core.locations import cache_folder
from medrecog_core.mode import is_allowed
from medrecog_core.storage import (
    FeatureGroup,
    Part,
    Selection,
    delete_features,
    feature_groups,
    parts,
)
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted, size
from medrecog_core.ui.sign_in import dialog

_OPEN = "storage-open"
_FREED = "storage-freed"
_UNUSED = Selection(unreachable=True)


def show_storage() -> None:
    """Show the section; sizes are read only while it is open."""
    section = st.expander(
        "Storage details", key=_OPEN, on_change="rerun", icon=":material/storage:"
    )
    if not section.open:
        return
    with section, shown_errors():
        if _FREED in st.session_state:
            st.success(st.session_state.pop(_FREED), icon=":material/check:")
        with st.spinner("Reading sizes…"):
            found, groups = _contents(str(cache_folder().root))
        total = sum(part.n_bytes for part in found)
        found = tuple(part for part in found if part.n_bytes)
        st.caption(f"Cache folder: {literal(cache_folder().root)} ({size(total)})")
        left, right = st.columns([1, 2])
        left.dataframe(
            {
                "Kind": [part.title for part in found],
                "Count": [part.n_items for part in found],
                "Size": [size(part.n_bytes) for part in found],
            },
            hide_index=True,
        )
        with right:
            if groups:
                _show_groups(groups)
            st.caption(
                "Unused features belong to files, renderings or weights that no data set, run or "
                "model uses any more."
            )
            may_free = is_allowed(Action.MANAGE)
            if may_free and st.button("Free unused features", icon=":material/delete_sweep:"):
                _confirm()


def _show_groups(groups: tuple[FeatureGroup, ...]) -> None:
    st.dataframe(
        {
            "Network": [group.network or "-" for group in groups],
            "Weights": [group.weights for group in groups],
            "Precision": [group.precision for group in groups],
            "Features": [group.n_items for group in groups],
            "Size": [size(group.n_bytes) for group in groups],
        },
        hide_index=True,
    )


@st.cache_data(ttl=60, max_entries=4, show_spinner=False)
def _contents(root: str) -> tuple[tuple[Part, ...], tuple[FeatureGroup, ...]]:
    """Return what is in the cache folder; `root` is the key of the cache."""
    return parts(), feature_groups()


@dialog("Free unused features")
def _confirm() -> None:
    """Ask before features are deleted."""
    with shown_errors():
        with st.spinner("Looking for unused features…"):
            unused = delete_features(_UNUSED, dry_run=True)
        if not unused.n_items:
            st.write("There are no unused features.")
            return
        st.write(
            f"Delete {counted(unused.n_items, 'unused feature vector')} ({size(unused.n_bytes)})? "
            "Results stay. If such features are needed again, they are computed again."
        )
        if st.button("Delete unused features", type="primary", icon=":material/delete:"):
            with st.spinner("Deleting features…"):
                freed = delete_features(_UNUSED)
            _contents.clear()
            st.session_state[_FREED] = (
                f"Deleted {counted(freed.n_items, 'unused feature vector')} "
                f"({size(freed.n_bytes)})."
            )
            st.rerun()
