"""Deletion of a data set."""

import streamlit as st

from medrecog_core.datasets import library
from medrecog_core.errors import MedrecogError
from medrecog_core.ui.choice import close_object
from medrecog_core.ui.datasets.dataset_gallery import PAGE
from medrecog_core.ui.plain_text import literal


def show_deletion(name: str) -> None:
    """Show the button that deletes a data set, and asks before, to those who may delete it."""
    if not library.is_changeable(name):
        return
    with st.popover("Delete", type="tertiary", icon=":material/delete:", key=f"deletion of {name}"):
        st.markdown(
            f"Delete the data set **{literal(name)}**? Its image files are kept, unless medrecog "
            "extracted or downloaded them. Runs and models are kept."
        )
        st.button(
            f"Delete {literal(name)}", key=f"delete data set {name}", on_click=_delete, args=(name,)
        )


def _delete(name: str) -> None:
    try:
        library.remove(name)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
        return
    close_object("dataset", "image", PAGE)
    st.toast(f"Deleted data set {literal(name)}.", icon=":material/delete:")
