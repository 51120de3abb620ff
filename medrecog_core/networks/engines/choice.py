"""Which engine computes a network: the one that is asked for, or the fastest here."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field, TypeAdapter

from medrecog_core.atomic_file import read_json, write_json
from medrecog_core.bounds import KNOWN_ONLY, Count, Finite
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.locations import cache_folder
from medrecog_core.mode import is_viewer
from medrecog_core.networks.device import find_device
from medrecog_core.networks.engines import mnn, tensorflow
from medrecog_core.networks.engines.engine import Engine, Reading
from medrecog_core.networks.table import Network
from medrecog_core.networks.weights import opened_weights

AUTO = "auto"

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (mnn.ENGINE, tensorflow.ENGINE)}
"""From name to engine, the one that starts fastest first."""

_SIDE = 224
_N_IMAGES, _N_ROUNDS = 4, 3
# Measuring takes some ten seconds, most of it TensorFlow's start.
_WORTH_MEASURING = 500


@dataclass(frozen=True)
class Choice:
    """An engine, and in words why it was chosen."""

    engine: Engine
    why: str


class _Maximum:
    """The cheapest reading there is, so that the network alone is measured."""

    kept_as = "float32"

    def in_graph(self, keras: Any, precision: str) -> Any:
        return keras.layers.GlobalMaxPooling2D(dtype=precision)

    def of_maps(self, maps: np.ndarray) -> np.ndarray:
        greatest: np.ndarray = maps.max(axis=(1, 2))
        return greatest


def check_engine(name: str) -> str:
    """Return the name of an engine, or `auto`, if there is such a one.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name != AUTO and name not in ENGINES:
        raise UsageError(f"Unknown engine “{name}”. Available: {', '.join((AUTO, *ENGINES))}.")
    return name


def choose_engine(
    network: Network,
    layers: Sequence[str],
    precision: str,
    weights: str,
    asked: str = AUTO,
    n_images: int = 0,
) -> Choice:
    """Choose the engine that computes some layers of a network.

    On a GPU and in bfloat16 that is TensorFlow. Otherwise `auto` takes, of the engines that can,
    the fastest as measured on this machine; where nothing was measured and few images are expected,
    the one that starts fastest. Features of all engines agree within 1e-5, so that the choice
    changes no key and no result beyond that.

    Parameters
    ----------
    network, layers, precision
        What is to be computed.
    weights
        Identity of installed weights, with which engines are measured.
    asked
        Name of an engine, or `auto`.
    n_images
        Images of 224 x 224 pixels that are expected; 0 is one image at once.

    Raises
    ------
    UsageError
        If there is no such engine.
    MedrecogError
        If the engine asked for is not installed or cannot compute this.
    """
    if check_engine(asked) != AUTO:
        return Choice(_only(ENGINES[asked], network, layers, precision), "as asked for")
    able = _able(network, layers, precision)
    if len(able) == 1:
        return Choice(able[0], f"the only engine for {network.title} in {precision} here")
    if n_images < _WORTH_MEASURING or is_viewer():
        return Choice(able[0], "the engine that starts fastest, for few images")
    rates = _kept_rates(able, network, precision)
    if not rates:
        rates = _measured(able, network, layers, precision, weights)
        with suppress(StorageError):
            row = {**_circumstances(able, network, precision), "images_a_second": rates}
            write_json(cache_folder().engines, [*_kept(), row])
    measured = ", ".join(f"{engine.title} {rates[engine.name]:.1f}" for engine in able)
    return Choice(
        _fastest(able, rates), f"the fastest here, in images per second at {_SIDE} px: {measured}"
    )


def possible_engines(
    network: Network, layers: Sequence[str], precision: str, asked: str = AUTO
) -> tuple[Engine, ...]:
    """Return the engines that `choose_engine` may choose, without measuring any."""
    if check_engine(asked) != AUTO:
        return (ENGINES[asked],)
    able = _able(network, layers, precision)
    rates = _kept_rates(able, network, precision)
    if not rates:
        return able
    return tuple({able[0].name: able[0], (best := _fastest(able, rates)).name: best}.values())


def _able(network: Network, layers: Sequence[str], precision: str) -> tuple[Engine, ...]:
    """Return the engines that can compute it here, the one that starts fastest first."""
    able = [e for e in ENGINES.values() if e.version and e.computes(network, layers, precision)]
    if find_device().kind == "gpu" or not able:
        return (tensorflow.ENGINE,)
    return tuple(able)


def _fastest(engines: Sequence[Engine], rates: Mapping[str, float]) -> Engine:
    return max(engines, key=lambda engine: rates[engine.name])


def _only(engine: Engine, network: Network, layers: Sequence[str], precision: str) -> Engine:
    if not engine.version:
        raise MedrecogError(
            f"The engine {engine.title} is not installed. Install what requirements.txt lists, or "
            f"choose the engine “{AUTO}”."
        )
    if not engine.computes(network, layers, precision):
        raise MedrecogError(
            f"The engine {engine.title} cannot compute {', '.join(layers)} of {network.title} in "
            f"{precision}. Choose the engine “{AUTO}”."
        )
    return engine


def _circumstances(engines: Sequence[Engine], network: Network, precision: str) -> dict[str, Any]:
    device = find_device()
    return {
        "device": device.name,
        "n_cores": device.n_cores,
        "network": network.name,
        "precision": precision,
        "versions": {engine.name: engine.version for engine in engines},
    }


def _kept_rates(engines: Sequence[Engine], network: Network, precision: str) -> dict[str, float]:
    """Return images a second by engine as measured here earlier; empty if they were not."""
    asked = _circumstances(engines, network, precision)
    for row in _kept():
        if all(row.get(key) == value for key, value in asked.items()):
            return {name: float(rate) for name, rate in row["images_a_second"].items()}
    return {}


def _kept() -> Iterator[dict[str, Any]]:
    """Give what was measured earlier; what is damaged is measured again."""
    with suppress(FileNotFoundError, StorageError, ValueError):
        for row in _RATES.validate_python(read_json(cache_folder().engines)):
            yield row.model_dump()


class _Rates(BaseModel):
    model_config = KNOWN_ONLY

    device: str
    n_cores: Count
    network: str
    precision: str
    versions: dict[str, str]
    images_a_second: dict[str, Annotated[Finite, Field(gt=0)]]


_RATES = TypeAdapter(list[_Rates])


def _measured(
    engines: Sequence[Engine],
    network: Network,
    layers: Sequence[str],
    precision: str,
    weights: str,
) -> dict[str, float]:
    """Return the best rate of each engine over some rounds, in which the engines take turns."""
    images = np.random.default_rng(0).integers(0, 256, (_N_IMAGES, _SIDE, _SIDE, 3), dtype=np.uint8)
    reading: Reading = _Maximum()
    places = [(layer, "maximum") for layer in layers]
    graphs = {}
    for engine in engines:
        with opened_weights(network, weights) as read:
            graph = engine.graph(network, dict.fromkeys(places, reading), precision, read)
        graph.read(images, places)
        graphs[engine.name] = graph
    fastest = dict.fromkeys(graphs, 0.0)
    for _ in range(_N_ROUNDS):
        for name, graph in graphs.items():
            start = time.perf_counter()
            graph.read(images, places)
            rate = _N_IMAGES / (time.perf_counter() - start)
            fastest[name] = max(fastest[name], rate)
    return fastest
