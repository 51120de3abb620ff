"""`presets`."""

import click

from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import write_json, write_table
from medrecog_core.networks import find_network, installed_weights
from medrecog_core.runs import PRESETS


@click.command()
@json_option
def presets(as_json: bool) -> None:
    """List the experiments of the 2018 report, for “run --preset”."""
    documents = []
    for preset in PRESETS.values():
        readable = preset.readable_part(installed_weights(find_network(preset.network)).layers)
        documents.append(
            {
                "name": preset.name,
                "title": preset.title,
                "source": preset.source,
                "catalogue": preset.catalogue_name,
                **preset.settings,
                "need_other_weights": [layer for layer in preset.layers if layer not in readable],
            }
        )
    if as_json:
        write_json(documents)
        return
    write_table(
        ("name", "source", "data set", "layers", "input sizes", "poolings", "need other weights"),
        (
            (
                document["name"],
                document["source"],
                document["catalogue"],
                *(",".join(map(str, document[side])) for side in ("layers", "scales", "poolings")),
                ",".join(document["need_other_weights"]),
            )
            for document in documents
        ),
    )
