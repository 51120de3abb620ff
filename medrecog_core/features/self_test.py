"""Whether an installed network gives the descriptors it should, on a built-in picture."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from medrecog_core.features.pooled_network import PooledNetwork
from medrecog_core.networks import Network, find_weights, resolve_precision

EXPECTED = Path(__file__).with_name("self-test.npz")
"""Average-pooled descriptors of the picture, from Keras's own sub-models in float32 with the
embedded weights; made by `scripts/make_self_test.py`."""

SMALLEST_COSINE = {"float32": 0.99999, "bfloat16": 0.999}
# The embedded kernels are quantised, so the exact ones give descriptors that differ a little.
SMALLEST_COSINE_OF_OFFICIAL = 0.99

_SIDE = 224


@dataclass(frozen=True)
class SelfTest:
    """What a self-test found.

    Attributes
    ----------
    weights
        Identity of the weights.
    precision
        `float32` or `bfloat16`.
    cosines
        From layer to the cosine between the descriptor found and the one expected; empty where
        nothing is expected but finite numbers that are not all the same.
    compared
        With what the descriptors were compared, or why with nothing, as words of a sentence.
    passed
        Whether every descriptor is what it should be.
    """

    weights: str
    precision: str
    cosines: dict[str, float]
    compared: str
    passed: bool


def picture() -> np.ndarray:
    """Return the built-in picture: waves and a checkerboard, in integers, the same everywhere.

    Returns
    -------
    numpy.ndarray
        uint8, RGB, shape (224, 224, 3).
    """
    row, column = np.mgrid[:_SIDE, :_SIDE]
    waves = (row * row + 3 * column * column) // 64 % 256
    board = (row // 16 + column // 16) % 2 * 160
    slope = (row + column) * 255 // (2 * _SIDE)
    return np.stack([waves, board, slope], axis=-1).astype(np.uint8)


def picture_file() -> bytes:
    """Return the built-in picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture()).save(buffer, "PNG")
    return buffer.getvalue()


def run_self_test(network: Network, identity: str, precision: str = "auto") -> SelfTest:
    """Read the built-in picture with installed weights and compare.

    Parameters
    ----------
    network
        The network.
    identity
        Identity of installed weights.
    precision
        `auto`, `float32` or `bfloat16`.

    Raises
    ------
    MedrecogError
        If the weights are not installed.
    """
    weights = find_weights(network, identity)
    precision = resolve_precision(precision)
    readings = [(layer, "average") for layer in weights.layers]
    found = PooledNetwork(network, readings, precision, identity).descriptors(picture()[None])
    sane = all(np.isfinite(values).all() and np.ptp(values) > 0 for values in found.values())
    if "-custom-" in identity:
        compared = "nothing is known of custom weights"
        return SelfTest(identity, precision, {}, compared, sane)
    with np.load(EXPECTED, allow_pickle=False) as expected:
        cosines = {
            layer: _cosine(found[layer, "average"][0], expected[f"{network.name}/{layer}"])
            for layer in weights.layers
            if f"{network.name}/{layer}" in expected.files
        }
    if not cosines:
        compared = "no reference descriptors are kept for this network"
        return SelfTest(identity, precision, {}, compared, sane)
    bound = SMALLEST_COSINE[precision]
    if "-keras-" in identity:
        bound = SMALLEST_COSINE_OF_OFFICIAL
    compared = "compared with Keras's own, computed from the embedded weights"
    passed = sane and min(cosines.values()) >= bound
    return SelfTest(identity, precision, cosines, compared, passed)


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / lengths) if lengths else 0.0
