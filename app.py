"""Home: what medrecog does, the pages, the latest runs, and the system."""

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
from medrecog_core.ui.page import HOME, PAGES, open_page, shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted, size
from medrecog_core.ui.storage import show_storage

open_page(HOME.title)

QUESTION = (
    "How well does a linear SVM, or another simple classifier, classify your images when it is "
    "trained on features from a **frozen, pre-trained network**, and which layer, input size and "
    "pooling work best?"
)


def show_pages(is_view: bool) -> None:
    pages = [page for page in PAGES if page != HOME]
    for column, page in zip(st.columns(len(pages)), pages, strict=True):
        with column.container(border=True, height="stretch"):
            st.page_link(page.file, label=f"**{page.title}**", icon=f":material/{page.icon}:")
            st.caption(page.view_description if is_view else page.description)


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
        st.subheader("Active jobs")
    for job in jobs[:MOST_SHOWN]:
        with st.container(border=True):
            st.markdown(f"**{literal(job.title)}**")
            show_job(job)
    if len(jobs) > MOST_SHOWN:
        st.caption(f"and {len(jobs) - MOST_SHOWN:,} more")


def show_view() -> None:
    """Home in a read-only view."""
    st.markdown(
        f"{QUESTION} This is a **read-only view** of results: you can browse everything and "
        "classify your own images, which are not stored. You cannot start, add, change or delete "
        "anything here."
    )
    show_pages(is_view=True)
    with shown_errors():
        runs = all_runs()
        st.caption(
            f"Available: {counted(len(library.names()), 'data set')}, "
            f"{counted(len(runs), 'run')} and {counted(len(model_names()), 'model')}."
        )
        if runs:
            show_latest(runs)


def show_start() -> None:
    """Home where runs can be started."""
    st.markdown(
        f"{QUESTION} Select a data set, run a grid of settings, compare them in a heat map, then "
        "classify new images with the best one."
    )
    show_pages(is_view=False)
    with shown_errors():
        show_jobs()
        runs = all_runs()
        if runs:
            show_latest(runs)
        elif st.button("Start with the demo", type="primary", icon=":material/rocket_launch:"):
            st.switch_page("pages/2_Experiments.py", query_params={"on": "demo"})
    show_system()


def show_system() -> None:
    st.subheader("System")
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
                st.caption(
                    f"Layers {weights.layers[0]} to {weights.layers[-1]}."
                    + (f" {' and '.join(missing)} need the official Keras file." if missing else "")
                )
            if without:
                st.caption(f"Weights not installed: {', '.join(without)}.")
                st.page_link("pages/5_Networks.py", label="Install on the Networks page")
        with middle.container(border=True, height="stretch"):
            st.markdown("**Processor**" if device.kind == "cpu" else "**GPU**")
            st.markdown(f"{literal(device.name)}, {counted(device.n_cores, 'core')}")
            st.caption(
                "bfloat16 is accelerated: precision “auto” uses bfloat16."
                if device.has_fast_bfloat16
                else "No bfloat16 acceleration: precision “auto” uses float32."
            )
        with right.container(border=True, height="stretch"):
            st.markdown("**Storage**")
            with DescriptorStore(cache_folder().features) as store:
                st.markdown(
                    f"{counted(len(store), 'cached feature vector')}, {size(store.n_bytes)}"
                )
            st.caption(
                f"{counted(len(library.names()), 'data set')}, {counted(len(all_runs()), 'run')}, "
                f"{counted(len(model_names()), 'model')} in {literal(cache_folder().root)}"
            )
    show_storage()


if is_viewer():
    show_view()
else:
    show_start()
