"""The networks that can be read, by name: one for each table in a folder."""

from collections.abc import Iterator, MutableMapping
from pathlib import Path

from medrecog_core.errors import UsageError
from medrecog_core.networks.layer_table import Network
from medrecog_core.networks.table_file import read_table

DEFAULT_NETWORK = "vgg19"


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
        raise UsageError(
            f"There is no network “{name}”: choose among {', '.join(NETWORKS)}."
        ) from None
