"""`weights`."""

import click

from medrecog_core.cli.output import json_option, write_json, write_table
from medrecog_core.networks import NETWORKS, embedded_weights, installed_weights


@click.group()
def weights() -> None:
    """Say which weights the networks are read with."""


@weights.command()
@json_option
def status(as_json: bool) -> None:
    """Check the installed weights and list the layers they reach."""
    embedded_weights.load()  # raises where the archive is damaged
    documents = [
        {
            "network": network.name,
            "identity": installed.identity,
            "title": installed.title,
            "layers": list(installed.layers),
            "not_installed": [x.name for x in network.layers if not installed.can_read(x)],
        }
        for network in NETWORKS.values()
        for installed in [installed_weights(network)]
    ]
    if as_json:
        write_json(documents)
        return
    write_table(
        ("network", "weights", "layers", "not installed"),
        (
            (d["network"], d["title"], ", ".join(d["layers"]), ", ".join(d["not_installed"]))
            for d in documents
        ),
    )
