"""Networks: the weights of a network, its layers at an input size, and its feature maps."""

from pathlib import Path

import streamlit as st

from medrecog_core.errors import MedrecogError
from medrecog_core.features import GLOBAL_POOLINGS, titles
from medrecog_core.images import REPORT_SCALES
from medrecog_core.jobs.job import last_job
from medrecog_core.jobs.kinds import DOWNLOAD_WEIGHTS
from medrecog_core.jobs.process import run_command
from medrecog_core.mode import is_viewer
from medrecog_core.networks import NETWORKS, Network, all_installed_weights
from medrecog_core.networks.parameters import official_bytes
from medrecog_core.networks.summary import summarise
from medrecog_core.networks.weight_import import installed_official, start_download
from medrecog_core.ui.choice import choose, choose_setting
from medrecog_core.ui.jobs import show_job
from medrecog_core.ui.networks.architecture import drawn_rows, show_architecture
from medrecog_core.ui.networks.image_walk import show_first_filters, show_image_walk
from medrecog_core.ui.page import open_page, shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import size

open_page("Networks")


def show_layers(network: Network, scale: int) -> None:
    rows = summarise(network, scale)
    show_architecture(drawn_rows(network, rows))
    words = (
        f"{sum(row.n_parameters for row in rows):,} parameters; "
        f"{sum(row.gflop for row in rows):,.0f} GFLOP per image at {scale} px."
    )
    if network.flattened:
        words += (
            " Dense layers are applied as convolutions, so images larger than 224 px also work."
        )
    st.caption(f"{words} {network.citation}.")
    st.dataframe(
        [
            {
                "layer": layer.name,
                "Keras layer": layer.keras_layer,
                "channels": layer.channels,
                "stride": layer.stride,
            }
            for layer in network.layers
        ],
        hide_index=True,
        column_config={
            "channels": st.column_config.NumberColumn(
                help=f"Length of the feature vector with {titles(GLOBAL_POOLINGS, 'or')} pooling.",
            ),
            "stride": st.column_config.NumberColumn(
                help="Distance between neighbouring positions, in pixels of the input."
            ),
        },
    )
    st.dataframe(
        [
            {
                "layer": row.name,
                "type": row.kind,
                "output shape": f"{row.side} x {row.side} x {row.channels}",
                "parameters": row.n_parameters,
                "GFLOP": row.gflop,
                "receptive field": row.receptive_field,
            }
            for row in rows
        ],
        hide_index=True,
        column_config={
            "parameters": st.column_config.NumberColumn(format="localized"),
            "GFLOP": st.column_config.NumberColumn(format="%.2f"),
            "receptive field": st.column_config.NumberColumn(
                help="Size in pixels of the image region that one position depends on. Empty: the "
                "whole image."
            ),
        },
    )


def show_weights(network: Network) -> None:
    st.subheader("Weights")
    installed = all_installed_weights(network)
    if not installed and is_viewer():
        st.info(f"No weights for {network.title} are installed.", icon=":material/lightbulb:")
    elif not installed:
        st.info(
            f"No weights for {network.title} are installed. Download or import them here to use "
            "this network in runs.",
            icon=":material/lightbulb:",
        )
    for i, weights in enumerate(installed):
        with st.container(border=True):
            st.markdown(
                f"**{literal(weights.title)}**" + (" :green-badge[in use]" if i == 0 else "")
            )
            st.caption(f"`{weights.identity}`, layers {', '.join(weights.layers)}")
    if not is_viewer():
        change_weights(network, bool(installed))


def change_weights(network: Network, are_installed: bool) -> None:
    if network.files and installed_official(network) is None:
        show_download(network)
    with st.expander("Import a weight file"):
        st.caption(
            "A Keras file (.h5, .weights.h5, .keras) or an .npz archive on the server. Weights "
            "other than the official Keras file are marked “custom” in all results."
        )
        with st.form("import", border=False):
            path = st.text_input(
                "Weight file (path on the server)", placeholder=f"/data/{network.name}_weights.h5"
            )
            if st.form_submit_button("Import", icon=":material/upload:") and path:
                with shown_errors(), st.spinner("Reading and checking the file …"):
                    file = str(Path(path).expanduser())
                    run_command(["weights", "import", file, "--network", network.name])
                    st.rerun()
    with shown_errors():
        if are_installed and st.button("Run self-test", icon=":material/verified:"):
            with st.spinner("Running the self-test …"):
                show_self_test(network)


def show_self_test(network: Network) -> None:
    (document,) = run_command(["weights", "status", "--network", network.name, "--self-test"])
    test = document["self_test"]
    if not test["passed"]:
        st.error(
            "Self-test failed: the network output differs from the reference.",
            icon=":material/error:",
        )
    elif test["cosines"]:
        st.success(
            "Self-test passed. Cosine similarity to the reference: "
            + ", ".join(f"{layer} {value:.5f}" for layer, value in test["cosines"].items()),
            icon=":material/check_circle:",
        )
    else:
        st.success(
            "Self-test passed. All features are finite and not constant; "
            f"{literal(test['compared'])}.",
            icon=":material/check_circle:",
        )


def show_download(network: Network) -> None:
    job = last_job(DOWNLOAD_WEIGHTS, network.name)
    if job is not None and job.state().status != "finished":
        show_job(job)
    if job is None or job.state().has_ended:
        st.button(
            f"Download official Keras weights ({size(official_bytes(network))})",
            icon=":material/download:",
            on_click=start_here,
            args=(network,),
            help=f"Includes all layers of {network.title}. Interrupted downloads resume "
            "automatically.",
        )


def start_here(network: Network) -> None:
    try:
        start_download(network)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")


with shown_errors():
    chosen = NETWORKS[
        choose("Network", list(NETWORKS), key="network", list_page="pages/5_Networks.py", width=240)
    ]
    show_weights(chosen)
    st.subheader("Layers")
    scale = int(
        choose_setting("Input size (px)", [str(s) for s in REPORT_SCALES], key="scale", width=200)
    )
    show_layers(chosen, scale)
    if not is_viewer():
        show_image_walk(chosen, scale)
    show_first_filters(chosen)
