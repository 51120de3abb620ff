"""The networks that can be read, by name: one for each table in a folder."""

from collections.abc import Iterator, MutableMapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from medrecog_core.errors import StorageError, UsageError
from medrecog_core.networks.table import PREPROCESSINGS, Network

DEFAULT_NETWORK = "vgg19"


def read_table(path: Path) -> Network:
    """Read and check a table.

    Parameters
    ----------
    path
        A JSON object with what a `Network` consists of. A row without `inputs` takes the output of
        the row above it, and `name`, where it is missing, is the file's.

    Raises
    ------
    StorageError
        If it cannot be read, or is no table; the sentence names the file and the place.
    """
    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import from_json

    try:
        document = from_json(path.read_bytes())
        if isinstance(document, dict):
            document = {"name": path.stem, **document, "rows": _chained(document.get("rows"))}
            known = {field.name for field in fields(Network)}
            unknown = set(document) - known
            if unknown:
                raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        network = TypeAdapter(Network).validate_python(document)
        _check(network)
    except OSError as error:
        raise StorageError(
            f"The table {path} cannot be read ({error.strerror or error}). Reinstall medrecog."
        ) from error
    except (TypeError, ValueError) as error:
        reason = str(error)
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
        raise StorageError(
            f"{path} is not a valid network table ({reason}). Correct it."
        ) from error
    return network


def _chained(rows: Any) -> Any:
    """Return the rows with the inputs that go without saying."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return rows
    before: list[Any] = [[], *([row.get("name")] for row in rows)]
    return [{"inputs": inputs, **row} for inputs, row in zip(before, rows, strict=False)]


def _check(network: Network) -> None:
    if network.preprocessing not in PREPROCESSINGS:
        raise ValueError(f"unknown preprocessing “{network.preprocessing}”")
    seen: set[str] = set()
    for row in network.rows:
        missing = [name for name in row.inputs if name not in seen]
        if missing:
            raise ValueError(f"{row.name} takes the output of {missing[0]}, which is not above it")
        if row.name in seen:
            raise ValueError(f"{row.name} is in it twice")
        seen.add(row.name)
    above: set[str] = set()
    for layer in network.layers:
        if layer.keras_layer not in seen:
            raise ValueError(f"{layer.name} is read at {layer.keras_layer}, which is in no row")
        if network.row[layer.keras_layer].channels != layer.channels:
            raise ValueError(
                f"{layer.name} has a different number of channels from {layer.keras_layer}"
            )
        needed = {row.name for row in network.needed_rows([layer.name])}
        if not above <= needed:
            raise ValueError(f"{layer.name} is not computed from the layer before it")
        above = needed


class Tables(MutableMapping[str, Network]):
    """Networks by name, the default first; each table is read when it is first asked for."""

    def __init__(self, folder: Path, first: str = DEFAULT_NETWORK) -> None:
        """Look which tables there are.

        Parameters
        ----------
        folder
            Holds a file `NAME.json` a network.
        first
            Name of the network that comes first.
        """
        names = sorted((path.stem for path in folder.glob("*.json")), key=lambda n: (n != first, n))
        self._folder = folder
        self._networks: dict[str, Network | None] = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Network:
        network = self._networks[name]
        if network is None:
            network = self._networks[name] = read_table(self._folder / f"{name}.json")
        return network

    def __setitem__(self, name: str, network: Network) -> None:
        self._networks[name] = network

    def __delitem__(self, name: str) -> None:
        del self._networks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._networks)

    def __len__(self) -> int:
        return len(self._networks)

    def __contains__(self, name: object) -> bool:
        return name in self._networks


NETWORKS = Tables(Path(__file__).with_name("tables"))


def find_network(name: str) -> Network:
    """Return the network of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    try:
        return NETWORKS[name]
    except KeyError:
        raise UsageError(f"Unknown network “{name}”. Available: {', '.join(NETWORKS)}.") from None
