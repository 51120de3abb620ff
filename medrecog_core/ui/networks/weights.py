"""The weights of a network: those installed, and how to install, import and test them."""

from pathlib import Path

import streamlit as st

from medrecog_core.access import Action
from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.job import last_job
from medrecog_core.jobs.kinds import DOWNLOAD_WEIGHTS
from medrecog_core.jobs.process import run_command
from medrecog_core.mode import check_may_change, is_allowed, is_viewer
from medrecog_core.networks import Network, all_installed_weights
from medrecog_core.networks.table import official_bytes
from medrecog_core.networks.weight_import import installed_official, start_download
from medrecog_core.ui.jobs import note_started, show_job
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import size


def show_weights(network: Network) -> None:
    """Show the installed weights of a network, and how to install others."""
    installed = all_installed_weights(network)
    if not installed and is_viewer():
        st.info(f"No weights for {network.title} are installed.", icon=":material/lightbulb:")
    elif not installed:
        st.info(
            f"No weights for {network.title} are installed. Install or import them to use this "
            "network in runs.",
            icon=":material/lightbulb:",
        )
    for i, weights in enumerate(installed):
        with st.container(border=True):
            st.markdown(
                f"**{literal(weights.title)}**" + (" :green-badge[in use]" if i == 0 else "")
            )
            st.caption(f"`{weights.identity}`, layers {', '.join(weights.layers)}")
    if is_allowed(Action.MANAGE):
        _change_weights(network, bool(installed))


def _change_weights(network: Network, are_installed: bool) -> None:
    if network.files and installed_official(network) is None:
        _show_download(network)
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
                    check_may_change("import weights")
                    file = str(Path(path).expanduser())
                    run_command(["weights", "import", file, "--network", network.name])
                    st.rerun()
    with shown_errors():
        if are_installed and st.button("Run self-test", icon=":material/verified:"):
            with st.spinner("Running the self-test …"):
                _show_self_test(network)


def _show_self_test(network: Network) -> None:
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


def _show_download(network: Network) -> None:
    job = last_job(DOWNLOAD_WEIGHTS, network.name)
    if job is not None and job.state().status != "finished":
        show_job(job)
    if job is None or job.state().has_ended:
        st.button(
            f"Install official Keras weights ({size(official_bytes(network))})",
            icon=":material/download:",
            on_click=install,
            args=(network,),
            help=f"Includes all layers of {network.title}. Interrupted downloads resume "
            "automatically.",
        )


def install(network: Network) -> None:
    """Start the download of a network's official weights."""
    try:
        note_started(start_download(network))
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
