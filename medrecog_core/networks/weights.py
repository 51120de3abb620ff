"""Which weights a network can be read with, and which layers they reach."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from medrecog_core.errors import MedrecogError
from medrecog_core.networks import embedded_weights
from medrecog_core.networks.installed_file import InstalledFile, installed_files
from medrecog_core.networks.registry import DEFAULT_NETWORK
from medrecog_core.networks.table import Layer, Network, official_bytes


@dataclass(frozen=True)
class Weights:
    """Weights that are installed for a network.

    Attributes
    ----------
    identity
        Part of every descriptor's key; other weights have another one.
    title
        For people.
    layers
        Names of the layers that can be read with them.
    """

    identity: str
    title: str
    layers: tuple[str, ...]

    def can_read(self, layer: Layer) -> bool:
        """Return whether the weights reach the layer."""
        return layer.name in self.layers


def installed_weights(network: Network) -> Weights:
    """Return the weights that the network is read with unless others are asked for.

    Raises
    ------
    MedrecogError
        If none are installed.
    """
    installed = all_installed_weights(network)
    if not installed:
        raise MedrecogError(
            f"No weights of {network.title} are installed: {how_to_install(network)}."
        )
    return installed[0]


def all_installed_weights(network: Network) -> tuple[Weights, ...]:
    """Return all weights of the network on this machine, those that are preferred first.

    Keras's official files come first, those with the head before those without; then imported
    weights, the latest first; then those that come with the program. Damaged ones are left out.
    """
    files, _ = installed_files(network)
    # Stable: among equals the latest stays first.
    files.sort(key=lambda file: (0, -len(file.layers)) if file.is_official else (1, 0))
    imported = [Weights(file.identity, file.title, file.layers) for file in files]
    if network.name != embedded_weights.NETWORK:
        return tuple(imported)
    embedded = Weights(
        identity=f"{network.name}-imagenet-8bit-{embedded_weights.SHA256[:12]}",
        title="ImageNet, embedded (kernels quantised to 256 values)",
        layers=network.default_layers,
    )
    return (*imported, embedded)


def find_weights(network: Network, identity: str) -> Weights:
    """Return the installed weights of that identity.

    Raises
    ------
    MedrecogError
        If they are not installed.
    """
    for weights in all_installed_weights(network):
        if weights.identity == identity:
            return weights
    raise MedrecogError(
        f"The {network.title} weights {identity} are not installed: {how_to_install(network)}."
    )


def load_arrays(
    network: Network, identity: str, names: Sequence[str]
) -> dict[str, tuple[np.ndarray, ...]]:
    """Read the arrays of some layers from the disk, and nothing else.

    Parameters
    ----------
    network
        The network whose weights they are.
    identity
        That of installed weights.
    names
        Keras names of layers with weights, such as `block1_conv1` and `fc1`.

    Returns
    -------
    dict
        From each name to the layer's arrays in Keras's order, such as kernel and bias, float32,
        in the shapes of the network's table (dense kernels as (inputs, units)).

    Raises
    ------
    MedrecogError
        If the weights are not installed, or lack one of the layers.
    StorageError
        If what is installed is damaged.
    """
    file = _installed_file(network, identity)
    return {**embedded_weights.load(names)} if file is None else file.read(network, names)


@contextmanager
def opened_weights(
    network: Network, identity: str
) -> Iterator[Callable[[str], tuple[np.ndarray, ...]]]:
    """Open installed weights, to be read a layer at a time.

    Parameters
    ----------
    network, identity
        As `load_arrays`.

    Yields
    ------
    Callable
        Reads the arrays of one Keras layer, as `load_arrays` does, and raises what it raises.

    Raises
    ------
    MedrecogError
        If the weights are not installed.
    StorageError
        If what is installed is damaged.
    """
    file = _installed_file(network, identity)
    if file is None:
        with embedded_weights.opened() as (_, read_embedded):
            yield read_embedded
    else:
        with file.opened(network) as read:
            yield read


def check_readable(network: Network, layers: Iterable[str], identity: str | None = None) -> None:
    """Check that weights reach every one of the named layers.

    Parameters
    ----------
    network
        The network that is to be read.
    layers
        Names of readable layers.
    identity
        That of installed weights; None for those that are preferred.

    Raises
    ------
    UsageError
        If the network has no such layer.
    MedrecogError
        If a layer needs other weights, or these are not installed.
    """
    weights = find_weights(network, identity) if identity else installed_weights(network)
    missing = [name for name in layers if not weights.can_read(network.layer(name))]
    if not missing:
        return
    which = " and ".join(missing)
    others = f"or choose one of the layers {', '.join(weights.layers)}"
    if identity:
        raise MedrecogError(
            f"The weights {identity} do not reach {which}. Choose other weights, {others}."
        )
    needs = "needs" if len(missing) == 1 else "need"
    file = f"weights of {network.title} that reach so far"
    if network.files:
        file = f"Keras's official {network.title} file ({official_bytes(network) / 1e6:.0f} MB)"
    raise MedrecogError(
        f"{which} {needs} {file}, which is not installed: {how_to_install(network)}, {others}."
    )


def how_to_install(network: Network) -> str:
    """Return the commands that install weights of a network, as words of a sentence."""
    option = "" if network.name == DEFAULT_NETWORK else f" --network {network.name}"
    command = "python -m medrecog_core weights"
    ways = [f"`{command} download{option}`"] if network.files else []
    return f"run {' or '.join([*ways, f'`{command} import FILE{option}`'])}"


def check_intact(network: Network, identity: str) -> None:
    """Read every number of installed weights and compare their hash.

    A self-test begins with it; what the network then answers is for its own module to check.

    Raises
    ------
    MedrecogError
        If they are not installed.
    StorageError
        If they are damaged.
    """
    file = _installed_file(network, identity)
    if file is None:
        embedded_weights.load()
    else:
        file.check(network)


def _installed_file(network: Network, identity: str) -> InstalledFile | None:
    """Return the file of installed weights, None for those that come with the program."""
    files, _ = installed_files(network)
    for file in files:
        if file.identity == identity:
            return file
    find_weights(network, identity)
    return None
