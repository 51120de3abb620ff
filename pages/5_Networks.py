"""Networks: their weights, layers at an input size, feature maps and first filters."""

import streamlit as st

from medrecog_core.images import REPORT_SCALES
from medrecog_core.mode import is_viewer
from medrecog_core.networks import NETWORKS
from medrecog_core.ui.choice import choose, choose_setting
from medrecog_core.ui.methods.lessons import CONVOLUTION, INPUT_SIZE, lesson_links
from medrecog_core.ui.networks.image_walk import show_first_filters, show_image_walk
from medrecog_core.ui.networks.layer_tables import show_layers
from medrecog_core.ui.networks.network_table import show_networks
from medrecog_core.ui.networks.weights import show_weights
from medrecog_core.ui.page import open_page, shown_errors

open_page("Networks")

LAYERS, WEIGHTS, MAPS, FILTERS = "Layers", "Weights", "Feature maps", "First filters"


def choose_scale() -> int:
    scales = [str(scale) for scale in REPORT_SCALES]
    return int(choose_setting("Input size (px)", scales, key="scale", width=200))


def show_network(name: str) -> None:
    network = NETWORKS[name]
    st.markdown(lesson_links(CONVOLUTION, INPUT_SIZE))
    # A read-only view computes nothing but predictions.
    names = [LAYERS, WEIGHTS, FILTERS] if is_viewer() else [LAYERS, WEIGHTS, MAPS, FILTERS]
    for title, tab in zip(
        names, st.tabs(names, key="about", on_change="rerun", bind="query-params"), strict=True
    ):
        if not tab.open:
            continue
        with tab, shown_errors():
            if title == LAYERS:
                show_layers(network, choose_scale())
            elif title == WEIGHTS:
                show_weights(network)
            elif title == MAPS:
                show_image_walk(network, choose_scale())
            else:
                show_first_filters(network)


with shown_errors():
    show_networks()
    titles = {name: network.title for name, network in NETWORKS.items()}
    show_network(choose("Network", titles, key="network", width=240))
