"""The table of networks, in which each is opened or installed."""

import pandas as pd
import streamlit as st

from medrecog_core.access import Action
from medrecog_core.mode import is_allowed
from medrecog_core.networks import NETWORKS, Network, all_installed_weights
from medrecog_core.networks.table import official_bytes
from medrecog_core.networks.weight_import import installed_official
from medrecog_core.ui.choice import open_object
from medrecog_core.ui.networks.weights import install
from medrecog_core.ui.quantities import size

_OPENED, _INSTALLED = "network opened in the table", "network installed in the table"


def show_networks() -> None:
    """Show every network with its weights, the size of the official ones, and its layers."""
    rows, may_install = [], is_allowed(Action.MANAGE)
    for network in NETWORKS.values():
        weights = next(iter(all_installed_weights(network)), None)
        can_install = may_install and network.files and installed_official(network) is None
        rows.append(
            {
                "Network": network.title,
                "Open": "Open",
                "Install": "Install" if can_install else None,
                "Weights": weights.title if weights else "-",
                "Size": size(official_bytes(network)) if network.files else "-",
                "Layers": ", ".join(layer.name for layer in network.layers),
            }
        )
    table = pd.DataFrame(rows)
    if not may_install:
        table = table.drop(columns="Install")
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "Open": st.column_config.ButtonColumn("", key=_OPENED, on_click=_open),
            "Install": st.column_config.ButtonColumn("", key=_INSTALLED, on_click=_install),
            "Weights": st.column_config.TextColumn(width="medium"),
            "Size": st.column_config.TextColumn(help="Size of the official Keras weights."),
            "Layers": st.column_config.TextColumn(help="Layers that features can be read from."),
        },
    )


def _open() -> None:
    open_object("network", _clicked(_OPENED).name)


def _install() -> None:
    install(_clicked(_INSTALLED))


def _clicked(key: str) -> Network:
    row: int = st.session_state[key].row
    return list(NETWORKS.values())[row]
