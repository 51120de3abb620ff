"""What this installation has: weights, processor and storage."""

import streamlit as st

from medrecog_core.datasets import library
from medrecog_core.features import DescriptorStore
from medrecog_core.locations import cache_folder
from medrecog_core.models import model_names
from medrecog_core.networks import NETWORKS, all_installed_weights, find_device
from medrecog_core.runs import all_runs
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted, size
from medrecog_core.ui.storage import show_storage


def show_system() -> None:
    """Show the installed weights, the processor and the cache folder."""
    st.subheader("System")
    with shown_errors():
        left, middle, right = st.columns(3)
        with left.container(border=True, height="stretch"):
            _show_weights()
        with middle.container(border=True, height="stretch"):
            _show_processor()
        with right.container(border=True, height="stretch"):
            _show_cache()
    show_storage()


def _show_weights() -> None:
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
        st.page_link("pages/5_Networks.py", label="Install weights", icon=":material/download:")


def _show_processor() -> None:
    device = find_device()
    st.markdown("**Processor**" if device.kind == "cpu" else "**GPU**")
    st.markdown(f"{literal(device.name)}, {counted(device.n_cores, 'core')}")
    st.caption(
        "bfloat16 is accelerated: precision “auto” uses bfloat16."
        if device.has_fast_bfloat16
        else "No bfloat16 acceleration: precision “auto” uses float32."
    )


def _show_cache() -> None:
    st.markdown("**Storage**")
    with DescriptorStore(cache_folder().features) as store:
        st.markdown(f"{counted(len(store), 'cached feature vector')}, {size(store.n_bytes)}")
    st.caption(
        f"{counted(len(library.names()), 'data set')}, {counted(len(all_runs()), 'run')}, "
        f"{counted(len(model_names()), 'model')} in {literal(cache_folder().root)}"
    )
