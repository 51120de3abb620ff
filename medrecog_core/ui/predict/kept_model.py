"""Models, read from disk once and shared by all sessions."""

import streamlit as st

from medrecog_core.locations import cache_folder
from medrecog_core.models import Model, load_model
from medrecog_core.models.storage import CARD


def load_kept_model(name: str) -> Model:
    """Return a model; it is read again only after it was written."""
    folder = cache_folder()
    try:
        modified = (folder.models / name / CARD).stat().st_mtime_ns
    except OSError:
        return load_model(name)  # which raises the error
    return _load(name, str(folder.root), modified)


# A resource, not data: the value cannot be changed, and copying its arrays for every rerun would
# take longer than reading them.
@st.cache_resource(max_entries=4, show_spinner=False)
def _load(name: str, root: str, modified: int) -> Model:
    return load_model(name)
