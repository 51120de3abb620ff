"""Experiments: choose a grid, start it, follow it, and look after earlier runs."""

import time

import streamlit as st

from medrecog_core.datasets import library
from medrecog_core.errors import MedrecogError
from medrecog_core.experiments import (
    RunFolder,
    RunSpecification,
    all_runs,
    find_run,
    launch,
    plan_run,
)
from medrecog_core.features import POOLINGS
from medrecog_core.images import PREPROCESSINGS, REPORT_SCALES
from medrecog_core.networks import (
    NETWORKS,
    PRECISIONS,
    Network,
    all_installed_weights,
    check_readable,
    find_network,
    installed_weights,
)
from medrecog_core.ui.choice import choose
from medrecog_core.ui.page import open_page, shown_errors
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.run_progress import show_live
from medrecog_core.ui.run_status import show_status

open_page("Experiments")


def compose() -> RunSpecification:
    left, right = st.columns([2, 3])
    with left:
        dataset = choose("Data set", library.names(), key="on")
    scales = left.multiselect(
        "Scales in pixels",
        REPORT_SCALES,
        default=REPORT_SCALES[:1],
        accept_new_options=True,
        help="224 is the network's own; the report also reads 544, 864 and 1184. "
        "The time grows with the square of the scale. Type any other side from 224 on.",
    )
    with right:
        network = choose_network()
    readable = installed_weights(network).layers
    default = [layer for layer in network.default_layers if layer in readable]
    layers = right.pills("Layers", readable, default=default, selection_mode="multi")
    missing = [layer.name for layer in network.layers if layer.name not in readable]
    if missing:
        right.caption(f"{' and '.join(missing)} need other weights: see the page Networks.")
    poolings = right.pills("Poolings", POOLINGS, default=POOLINGS, selection_mode="multi")
    with st.expander("More settings"):
        first, second, third = st.columns(3)
        C = first.number_input(
            "C of the SVM", min_value=1e-6, value=1.0, format="%g", help="Small: smoother boundary."
        )
        seed = second.number_input(
            "Seed", min_value=0, value=0, help="Of the hold-out, where the data set has no split."
        )
        precision = third.selectbox(
            "Precision", PRECISIONS, help="auto: bfloat16 where the processor or GPU gains from it."
        )
        preprocessing = first.selectbox(
            "Images become",
            list(PREPROCESSINGS),
            format_func=lambda name: PREPROCESSINGS[name].title,
            help="What the network is shown of an image that is not square.",
        )
        sample = second.number_input(
            "Sample",
            min_value=1,
            value=None,
            placeholder="all images",
            help="Work on so many images only, drawn at random from every class and split.",
        )
    return RunSpecification.from_document(
        {
            "dataset": dataset,
            "network": network.name,
            "layers": layers,
            "scales": scales,
            "poolings": poolings,
            "C": C,
            "seed": seed,
            "precision": precision,
            "preprocessing": preprocessing,
            "sample": sample,
        }
    )


def choose_network() -> Network:
    readable = [name for name, network in NETWORKS.items() if all_installed_weights(network)]
    name = choose("Network", readable, key="with", width=240)
    if len(readable) < len(NETWORKS):
        st.caption("Others have no weights yet: see the page Networks.")
    return find_network(name)


def describe(specification: RunSpecification) -> str:
    n_scales = len(set(specification.scales))
    plan = plan_run(specification)
    if plan.warning:
        st.warning(plan.warning, icon=":material/memory:")
    batches = ", ".join(f"{scale.memory.images_at_once} at {scale.scale}" for scale in plan.scales)
    images = "every image"
    if specification.sample is not None:
        images = f"each of {counted(specification.sample, 'image')}, drawn from all,"
    return (
        f"{counted(len(specification.cells), 'cell')}; {images} goes through the network "
        f"{'once' if n_scales == 1 else f'{n_scales} times, once a scale'}, in {plan.precision}, "
        f"images at once: {batches}. It takes about {plan.n_bytes / 1e9:.1f} GB of memory. "
        "Images seen before come from the store."
    )


def start(specification: RunSpecification) -> None:
    try:
        check_readable(find_network(specification.network), specification.layers)
        st.session_state["followed"] = launch(specification).id
    except MedrecogError as error:
        st.session_state["launch error"] = str(error)


def followed_run(runs: list[RunFolder]) -> RunFolder | None:
    """The run that was started or followed here last, else the latest that has not finished."""
    unfinished = next((run.id for run in runs if run.state().status != "finished"), None)
    if "followed" not in st.session_state and unfinished is not None:
        st.session_state["followed"] = unfinished
    if "followed" not in st.session_state:
        return None
    with shown_errors():
        return find_run(st.session_state["followed"])
    return None


def show_run_in_list(run: RunFolder) -> None:
    state = run.state()
    with st.container(horizontal=True, vertical_alignment="center"):
        show_status(state)
        st.page_link("pages/3_Results.py", label=run.id, query_params={"run": run.id})
        st.caption(time.strftime("%Y-%m-%d %H:%M", time.localtime(state.created)))
        st.button("Follow", key=f"follow-{run.id}", on_click=follow, args=(run,), type="tertiary")
        if state.has_ended:
            with st.popover("Delete", type="tertiary", key=f"ask-{run.id}"):
                st.write(f"The results of {run.id} go; descriptors stay in the store.")
                st.button(f"Delete {run.id}", key=f"delete-{run.id}", on_click=delete, args=(run,))


def follow(run: RunFolder) -> None:
    st.session_state["followed"] = run.id


def delete(run: RunFolder) -> None:
    try:
        run.delete()
        st.toast(f"Deleted {run.id}.", icon=":material/delete:")
    except MedrecogError as error:
        st.session_state["launch error"] = str(error)
    if st.session_state.get("followed") == run.id:
        del st.session_state["followed"]


with shown_errors():
    with st.container(border=True):
        try:
            specification = compose()
            st.caption(describe(specification))
        except MedrecogError as error:
            st.warning(str(error), icon=":material/warning:")
            specification = None
        st.button(
            "Start the experiment",
            type="primary",
            icon=":material/play_arrow:",
            disabled=specification is None,
            on_click=start,
            args=(specification,),
        )
        if "launch error" in st.session_state:
            st.error(st.session_state.pop("launch error"), icon=":material/error:")
    runs = all_runs()
    followed = followed_run(runs)
    if followed is not None:
        with st.container(border=True):
            show_live(followed)
    st.subheader("Runs")
    if not runs:
        st.info(
            "There are no runs yet. The demo is chosen above: press “Start the experiment” and "
            "watch it; on two processor cores it takes about half a minute.",
            icon=":material/lightbulb:",
        )
    for run in runs[:50]:
        show_run_in_list(run)
