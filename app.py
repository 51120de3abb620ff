"""Home page: what this is, what is installed, and where to start."""

import time

import streamlit as st

from medrecog_core.datasets import library
from medrecog_core.features import DescriptorStore
from medrecog_core.jobs.queue import working_jobs
from medrecog_core.locations import cache_folder
from medrecog_core.mode import is_viewer
from medrecog_core.models import model_names
from medrecog_core.networks import NETWORKS, all_installed_weights, find_device
from medrecog_core.runs import Run, all_runs
from medrecog_core.ui.jobs import MOST_SHOWN, show_job, show_status
from medrecog_core.ui.page import PAGES, open_page, shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted, size
from medrecog_core.ui.storage import show_storage

open_page("Home")

QUESTION = (
    "How good is a **frozen, pre-trained network**, read at this layer, this input scale and this "
    "pooling, with a **simple classifier** on top, on this set of images?"
)
STEPS = {
    "Datasets": "Look at the demo, or add your images.",
    "Experiments": "Choose layers, scales and poolings.",
    "Results": "Read the heat map; click a cell for details.",
    "Predict": "Turn a cell into a model; upload an image.",
    "Networks": "The layers that are read, and their weights.",
}
SIGHTS = {
    "Datasets": "Look at the images, and at what their check found.",
    "Experiments": "See which runs there are, and their settings.",
    "Results": "Read the heat map; click a cell for details.",
    "Predict": "Upload an image, and see how a model labels it.",
    "Networks": "The layers that are read, and their weights.",
}


def show_pages(words: dict[str, str]) -> None:
    for column, (file, name, icon) in zip(st.columns(len(words)), PAGES[1:], strict=True):
        with column.container(border=True, height="stretch"):
            st.page_link(file, label=f"**{name}**", icon=f":material/{icon}:")
            st.caption(words[name])


def show_latest(runs: list[Run]) -> None:
    st.subheader("Latest runs")
    for run in runs[:5]:
        state = run.state()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                "pages/3_Results.py", label=literal(run.title), query_params={"run": run.id}
            )
            show_status(state)
            st.caption(time.strftime("%Y-%m-%d %H:%M", time.localtime(state.created)))


def show_jobs() -> None:
    jobs = working_jobs()
    if jobs:
        st.subheader("Working now")
    for job in jobs[:MOST_SHOWN]:
        with st.container(border=True):
            st.markdown(f"**{literal(job.title)}**")
            show_job(job)
    if len(jobs) > MOST_SHOWN:
        st.caption(f"and {len(jobs) - MOST_SHOWN:,} more")


def show_view() -> None:
    """The home page of those who only look."""
    st.markdown(
        f"{QUESTION} This is a **read-only view** of the answers: all of it can be looked at, and "
        "an image of your own can be classified, which is then forgotten. Nothing can be started, "
        "added, changed or deleted here."
    )
    show_pages(SIGHTS)
    with shown_errors():
        runs = all_runs()
        st.caption(
            f"There {'is' if len(library.names()) == 1 else 'are'} "
            f"{counted(len(library.names()), 'data set')}, {counted(len(runs), 'run')} and "
            f"{counted(len(model_names()), 'model')} to see."
        )
        if runs:
            show_latest(runs)


def show_start() -> None:
    """The home page of those who work here."""
    st.markdown(
        f"{QUESTION} Choose images, run the grid, read the heat map, and classify new images with "
        "the best cell."
    )
    show_pages(STEPS)
    with shown_errors():
        show_jobs()
        runs = all_runs()
        if runs:
            show_latest(runs)
        elif st.button("Start with the demo", type="primary", icon=":material/rocket_launch:"):
            st.switch_page("pages/2_Experiments.py", query_params={"on": "demo"})
    show_installed()


def show_installed() -> None:
    st.subheader("What is installed")
    with shown_errors():
        device = find_device()
        left, middle, right = st.columns(3)
        with left.container(border=True, height="stretch"):
            st.markdown("**Network and weights**")
            without = []
            for network in NETWORKS.values():
                weights = next(iter(all_installed_weights(network)), None)
                if weights is None:
                    without.append(network.title)
                    continue
                st.markdown(f"{network.title}: {literal(weights.title)}")
                missing = [x.name for x in network.layers if not weights.can_read(x)]
                needs = f"; {' and '.join(missing)} need Keras's official file" if missing else ""
                st.caption(f"Reads {weights.layers[0]} to {weights.layers[-1]}{needs}.")
            if without:
                st.caption(f"Without weights yet: {', '.join(without)}. See the page Networks.")
        with middle.container(border=True, height="stretch"):
            st.markdown("**Processor**" if device.kind == "cpu" else "**GPU**")
            st.markdown(f"{literal(device.name)}, {counted(device.n_cores, 'core')}")
            st.caption(
                "Multiplies bfloat16 faster than float32: “auto” precision means bfloat16."
                if device.has_fast_bfloat16
                else "Gains nothing from bfloat16: “auto” precision means float32."
            )
        with right.container(border=True, height="stretch"):
            st.markdown("**Storage**")
            with DescriptorStore(cache_folder().features) as store:
                st.markdown(f"{counted(len(store), 'descriptor')}, {size(store.n_bytes)}")
            st.caption(
                f"{counted(len(library.names()), 'data set')}, {counted(len(all_runs()), 'run')}, "
                f"{counted(len(model_names()), 'model')} in {literal(cache_folder().root)}"
            )
    show_storage()


if is_viewer():
    show_view()
else:
    show_start()
