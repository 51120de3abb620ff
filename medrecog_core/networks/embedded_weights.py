"""The ImageNet weights that come with the program: VGG-19 without its head, 256 values a kernel.

See NOTICE for their provenance and `scripts/embed_vgg19_weights.py` for how they were packed.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from medrecog_core.errors import MedrecogError, StorageError

NETWORK = "vgg19"
ARCHIVE = Path(__file__).with_name("vgg19-notop-imagenet.npz")
SHA256 = "5dd271873bdd72bf09ea7324981ce8a4f34f454f413ebac859822180f799bb21"


def load(names: Sequence[str] | None = None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read the kernels and biases of the 16 convolutions, or of some of them.

    Parameters
    ----------
    names
        Keras names of convolutions; None for all.

    Returns
    -------
    dict
        From the convolution's Keras name to its kernel, float32, shape (3, 3, inputs, outputs),
        and its bias, float32, shape (outputs,).

    Raises
    ------
    MedrecogError
        If the archive has no such layer, as it has none of the head.
    StorageError
        If the archive is missing, or is not the one that came with the program.
    """
    with opened() as (held, read):
        return {name: read(name) for name in (held if names is None else _check(names, held))}


@contextmanager
def opened() -> Iterator[tuple[list[str], Callable[[str], tuple[np.ndarray, np.ndarray]]]]:
    """Open the archive.

    Yields
    ------
    tuple
        The Keras names of the convolutions in it, and a function that reads the kernel and bias of
        one of them.

    Raises
    ------
    StorageError
        As `load`.
    """
    try:
        content = ARCHIVE.read_bytes()
    except OSError as error:
        raise StorageError(
            f"The embedded weights {ARCHIVE} cannot be read ({error.strerror}). Reinstall medrecog."
        ) from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise StorageError(f"The embedded weights {ARCHIVE} are damaged. Reinstall medrecog.")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        held = [n.removesuffix("/bias") for n in arrays.files if n.endswith("/bias")]

        def read(name: str) -> tuple[np.ndarray, np.ndarray]:
            _check([name], held)
            kernel = arrays[f"{name}/kernel_values"][arrays[f"{name}/kernel_index"]]
            return kernel, arrays[f"{name}/bias"]

        yield held, read


def _check(names: Sequence[str], held: Sequence[str]) -> Sequence[str]:
    missing = [name for name in names if name not in held]
    if missing:
        raise MedrecogError(
            f"The embedded weights have no {' and no '.join(missing)}. "
            "Import or download weights that have."
        )
    return names
