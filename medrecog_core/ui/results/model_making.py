"""The form that makes a model of a run's cell."""

import streamlit as st

from medrecog_core.experiments import RunFolder
from medrecog_core.features import AnyCell
from medrecog_core.jobs.process import run_command
from medrecog_core.models import ALL, TRAINING
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal

_MADE = "made model"
_LONGEST_NAME = 64
_IMAGES = {
    TRAINING: "the training images",
    ALL: "all images, the tested ones too",
}


def show_model_making(run: RunFolder, cell: AnyCell) -> None:
    """Show the form, and a link to the model once it is made.

    Parameters
    ----------
    run
        The run.
    cell
        One of its finished cells.
    """
    st.markdown("**Make a model of this cell**, to classify new images with")
    with st.form(f"model {run.id} {cell.name}", border=False):
        name = st.text_input("Name of the model", value=_proposed_name(run, cell))
        on = st.radio(
            "It learns from",
            list(_IMAGES),
            format_func=_IMAGES.get,
            horizontal=True,
            help="With all images the model has learnt the more, and none is left to test it on: "
            "its card then shows what the run measured without the test images.",
        )
        if st.form_submit_button(
            "Make the model", type="primary", icon=":material/model_training:"
        ):
            st.session_state.pop(_MADE, None)
            with shown_errors(), st.spinner("Training the SVM and calibrating its scores …"):
                arguments = ["train", "--run", run.id, "--layer", cell.layer, "--name", name]
                arguments += ["--scale", str(cell.scale), "--pooling", cell.pooling, "--on", on]
                run_command(arguments)
                st.session_state[_MADE] = (run.id, cell, name)
    made_run, made_cell, made = st.session_state.get(_MADE, ("", None, ""))
    if (made_run, made_cell) == (run.id, cell):
        st.success(f"The model “{literal(made)}” is ready.", icon=":material/check_circle:")
        st.page_link(
            "pages/4_Predict.py",
            label="Classify an image with it",
            icon=":material/image_search:",
            query_params={"model": made},
        )


def _proposed_name(run: RunFolder, cell: AnyCell) -> str:
    name = f"{run.specification().dataset[:30]}-{cell.name.replace('+', '-')}"
    return name[:_LONGEST_NAME].rstrip("-")
