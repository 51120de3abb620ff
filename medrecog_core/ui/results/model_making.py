"""The form that saves a cell as a model; it is trained in the background."""

from contextlib import suppress

import streamlit as st

from medrecog_core.errors import StorageError
from medrecog_core.features import AnyCell
from medrecog_core.jobs.job import Job, all_jobs
from medrecog_core.jobs.kinds import TRAIN
from medrecog_core.models import (
    ALL,
    TRAINING,
    model_names,
    start_training,
    what_would_be_kept,
)
from medrecog_core.runs import Run
from medrecog_core.ui.jobs import dismiss_button, show_job
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal

_LONGEST_NAME = 64
_IMAGES = {
    TRAINING: "the training images",
    ALL: "training and test images",
}


def show_model_making(run: Run, cell: AnyCell) -> None:
    """Show the form that saves a finished cell as a model, and the progress of its training."""
    st.markdown("**Save this cell as a model**, to classify new images")
    with st.form(f"model {run.id} {cell.name}", border=False):
        name = st.text_input("Model name", value=_proposed_name(run, cell))
        on = st.radio(
            "Train on",
            list(_IMAGES),
            format_func=_IMAGES.get,
            horizontal=True,
            help="Training on all images uses more data but leaves none for testing; the model "
            "card then shows the run's test results.",
        )
        for images, called in _IMAGES.items():
            if kept := what_would_be_kept(run, cell, images):
                st.warning(f"If you train on {called}: {kept}", icon=":material/inventory_2:")
        if st.form_submit_button("Save model", type="primary", icon=":material/model_training:"):
            with shown_errors():
                start_training(run, cell, name, on)
    with shown_errors():
        for job in _trainings(run, cell):
            _show_training(job)


def _show_training(job: Job) -> None:
    name, state = job.order().subject, job.state()
    if state.status != "finished":
        with st.container(border=True):
            st.markdown(f"**{literal(name)}**")
            show_job(job)
            dismiss_button(job, state)
    elif name in model_names():
        st.success(f"Model “{literal(name)}” is ready.", icon=":material/check_circle:")
        st.page_link(
            "pages/4_Predict.py",
            label="Classify images with this model",
            icon=":material/image_search:",
            query_params={"model": name},
        )


def _trainings(run: Run, cell: AnyCell) -> list[Job]:
    """Return the training jobs of a cell, the newest of each name."""
    about = {"run": run.id, "layer": cell.layer, "scale": cell.scale, "pooling": cell.pooling}
    newest: dict[str, Job] = {}
    for job in all_jobs(TRAIN):
        with suppress(StorageError):
            order = job.order()
            if about.items() <= order.arguments.items():
                newest.setdefault(order.subject, job)
    return list(newest.values())


def _proposed_name(run: Run, cell: AnyCell) -> str:
    name = f"{run.specification().dataset[:30]}-{cell.name.replace('+', '-')}"
    return name[:_LONGEST_NAME].rstrip("-")
