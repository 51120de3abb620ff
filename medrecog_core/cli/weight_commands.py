"""`weights`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from medrecog_core.cli.lazy_commands import under_former_name
from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import (
    fail_after_output,
    shown_bytes,
    shown_progress,
    write_json,
    write_table,
)
from medrecog_core.networks import (
    DEFAULT_NETWORK,
    NETWORKS,
    Network,
    Weights,
    all_installed_weights,
    check_intact,
    embedded_weights,
    find_network,
    import_weights,
    remove_weights,
)
from medrecog_core.networks.installed_file import installed_files
from medrecog_core.networks.table import official_bytes
from medrecog_core.networks.weight_import import (
    carry_out_download,
    downloaded_part,
    installed_official,
)
from medrecog_core.networks.weights import how_to_install

_MEGABYTE = 10**6

network_option = click.option("--network", default=DEFAULT_NETWORK, show_default=True)


@click.group()
def weights() -> None:
    """List, check, install and delete weights of networks."""


@weights.command()
@click.option("--network", help="Network, such as resnet50.  [default: all]")
@click.option("--self-test", is_flag=True, help="Also test the weights in use on a built-in image.")
@json_option
def status(network: str | None, self_test: bool, as_json: bool) -> None:
    """Check the installed weights and list their layers; the first ones listed are in use."""
    embedded_weights.load()  # raises if the archive is damaged
    chosen = NETWORKS.values() if network is None else [find_network(network)]
    documents = [_describe(each, self_test) for each in chosen]
    if as_json:
        write_json(documents)
    else:
        _show_status(documents)
    if any(d["self_test"] and not d["self_test"]["passed"] for d in documents):
        fail_after_output()


@weights.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@network_option
@json_option
def import_command(file: Path, network: str, as_json: bool) -> None:
    """Install the weights in FILE: a Keras file (.h5, .weights.h5, .keras) or an .npz archive."""
    chosen = find_network(network)
    with shown_bytes() as report:
        installed = import_weights(chosen, file, report)
    _show_installed(chosen, installed, as_json)


@weights.command()
@network_option
@json_option
def download(network: str, as_json: bool) -> None:
    """Install the official Keras file, from the Keras cache or from the web."""
    chosen = find_network(network)
    with shown_progress() as report:
        installed = carry_out_download(chosen, report)
    _show_installed(chosen, installed, as_json)


@weights.command()
@click.argument("identity")
@network_option
@json_option
def delete(identity: str, network: str, as_json: bool) -> None:
    """Delete the imported or downloaded weights IDENTITY; cached features are kept."""
    remove_weights(find_network(network), identity)
    if as_json:
        write_json({"identity": identity, "deleted": True, "removed": True})
    else:
        click.echo(f"Deleted {identity}.")


weights.add_command(under_former_name(delete, "remove"))


def _describe(network: Network, self_test: bool) -> dict[str, Any]:
    files, damaged = installed_files(network)
    by_identity = {file.identity: file for file in files}
    installed: list[dict[str, Any]] = []
    for weights in all_installed_weights(network):
        file = by_identity.get(weights.identity)
        archive = file.archive if file else embedded_weights.ARCHIVE
        installed.append(
            {
                "identity": weights.identity,
                "title": weights.title,
                "layers": list(weights.layers),
                "not_reached": _not_reached(network, weights),
                "in_use": not installed,
                "file": archive.name,
                "bytes": archive.stat().st_size,
                "source": file.source if file else None,
                "installed": file.installed if file else None,
            }
        )
    in_use = installed[0] if installed else {}
    return {
        "network": network.name,
        "identity": in_use.get("identity"),
        "title": in_use.get("title"),
        "layers": in_use.get("layers", []),
        "not_installed": in_use.get("not_reached", [layer.name for layer in network.layers]),
        "installed": installed,
        "damaged": [{"identity": d.identity, "reason": d.sentence} for d in damaged],
        "official_file": _describe_official(network),
        "self_test": _test(network, installed[0]["identity"]) if self_test and installed else None,
    }


def _show_status(documents: list[dict[str, Any]]) -> None:
    write_table(
        ("network", "weights", "identity", "layers", "missing layers", "MB", ""),
        (
            (
                d["network"],
                w["title"],
                w["identity"],
                ", ".join(w["layers"]),
                ", ".join(w["not_reached"]),
                round(w["bytes"] / _MEGABYTE),
                "in use" if w["in_use"] else "",
            )
            for d in documents
            for w in d["installed"]
        ),
    )
    for document in documents:
        for line in _remarks(document):
            click.echo(f"\n{line}")


def _test(network: Network, identity: str) -> dict[str, Any]:
    from medrecog_core.features.self_test import run_self_test

    check_intact(network, identity)
    found = run_self_test(network, identity)
    return {
        "passed": found.passed,
        "precision": found.precision,
        "cosines": found.cosines,
        "compared": found.compared,
    }


def _describe_official(network: Network) -> dict[str, Any] | None:
    if not network.files:
        return None
    official, part = network.complete_file(), downloaded_part(network)
    return {
        "name": official.name,
        "bytes": official_bytes(network),
        "installed": installed_official(network) is not None,
        "in_keras_cache": official.keras_copy.is_file(),
        "downloaded_bytes": part.stat().st_size if part.is_file() else 0,
    }


def _remarks(document: dict[str, Any]) -> Iterator[str]:
    for entry in document["damaged"]:
        yield entry["reason"]
    official = document["official_file"]
    if official and not official["installed"]:
        part = official["downloaded_bytes"]
        there = ""
        if official["in_keras_cache"]:
            there = " A file of that name is in the Keras cache and is used if its hash matches."
        elif part:
            there = f" {part / _MEGABYTE:.0f} MB are already downloaded."
        network = find_network(document["network"])
        none = (
            "" if document["installed"] else f"The weights of {network.title} are not installed. "
        )
        yield (
            f"{none}The official Keras file {official['name']} "
            f"({official['bytes'] / _MEGABYTE:.0f} MB) is not installed. "
            f"To install it: {how_to_install(network)}.{there}"
        )
    elif not document["installed"]:
        network = find_network(document["network"])
        yield (
            f"The weights of {network.title} are not installed. "
            f"To install them: {how_to_install(network)}."
        )
    test = document["self_test"]
    if test and test["passed"]:
        smallest = min(test["cosines"].values(), default=None)
        found = "only finite numbers" if smallest is None else f"cosines of {smallest:.5f} or more"
        yield (
            f"{document['identity']} is unchanged and passed the self-test: "
            f"{found} on the built-in image ({test['compared']})."
        )
    elif test:
        cosines = ", ".join(f"{layer} {value:.5f}" for layer, value in test["cosines"].items())
        yield f"{document['identity']} failed the self-test: cosines {cosines or 'unknown'}."


def _not_reached(network: Network, weights: Weights) -> list[str]:
    return [layer.name for layer in network.layers if not weights.can_read(layer)]


def _show_installed(network: Network, weights: Weights, as_json: bool) -> None:
    in_use = all_installed_weights(network)[0]
    if as_json:
        write_json(
            {
                "network": network.name,
                "identity": weights.identity,
                "title": weights.title,
                "layers": list(weights.layers),
                "not_reached": _not_reached(network, weights),
                "in_use": weights == in_use,
            }
        )
        return
    click.echo(f"{weights.title} ({weights.identity}) is installed: {', '.join(weights.layers)}.")
    if weights != in_use:
        click.echo(f"In use for {network.title}: {in_use.title} ({in_use.identity}).")
