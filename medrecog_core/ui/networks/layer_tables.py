"""The layers of a network at an input size: a drawing and two tables."""

import streamlit as st

from medrecog_core.features import GLOBAL_POOLINGS, titles
from medrecog_core.networks import Network
from medrecog_core.networks.summary import summarise
from medrecog_core.ui.networks.architecture import drawn_rows, show_architecture


def show_layers(network: Network, scale: int) -> None:
    """Show the layers that features can be read from, and every layer of the network."""
    rows = summarise(network, scale)
    show_architecture(network, drawn_rows(network, rows))
    words = (
        f"{sum(row.n_parameters for row in rows):,} parameters; "
        f"{sum(row.gflop for row in rows):,.0f} GFLOP per image at {scale} px."
    )
    if network.flattened:
        words += (
            " Dense layers are applied as convolutions, so images larger than 224 px also work."
        )
    st.caption(f"{words} {network.citation}.")
    st.markdown("**Layers for features**")
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
    st.markdown("**All layers**")
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
