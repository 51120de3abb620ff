"""Files of weights made elsewhere: Keras's HDF5 files, old and new, `.keras` and `.npz`.

Nothing in them is run or unpickled; only links within the file are followed; shapes are compared
with the network's table before any values are read.
"""

import os
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.locations import unwritable
from medrecog_core.networks.stored_array import (
    READ_ERRORS,
    StoredArray,
    open_npy_member,
    slab_rows,
)
from medrecog_core.networks.table import LayerParameters, Network, is_optional, network_parameters
from medrecog_core.regular_file import open_regular

if TYPE_CHECKING:
    import h5py

KINDS = "a Keras file (.h5, .weights.h5, .keras) or an .npz archive"

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ZIP_SIGNATURE = b"PK\x03\x04"
_KERAS_MEMBER = "model.weights.h5"
_MODEL_GROUP = "model_weights"
# A file that was saved while training holds each number up to three times, in up to 8 bytes.
_LARGEST_SHARE = 8
_PIECE_BYTES = 2**20


@dataclass(frozen=True)
class _StoredLayer:
    """A layer with weights as a file has it: what it may be called, and its arrays in order."""

    names: tuple[str, ...]
    arrays: tuple[StoredArray, ...]


@contextmanager
def open_weight_file(
    path: Path, network: Network, scratch: Path
) -> Iterator[dict[str, tuple[StoredArray, ...]]]:
    """Open a file of weights and find the network's layers in it.

    Parameters
    ----------
    path
        The file; what it is shows from its content, not from its name.
    network
        The network it is meant for.
    scratch
        Existing folder for the file that a `.keras` archive wraps.

    Yields
    ------
    dict
        From the Keras name of each layer that is there, in the network's order, to its arrays,
        whose shapes fit. Only the head may be missing. Values can be read while the block lasts.

    Raises
    ------
    MedrecogError
        If the file cannot be read, is no file of weights, or does not fit the network.
    StorageError
        If the scratch folder cannot be written to.
    """
    with _opened(path, network, scratch) as layers:
        yield _match(path, network, layers)


@contextmanager
def _opened(path: Path, network: Network, scratch: Path) -> Iterator[list[_StoredLayer]]:
    try:
        with open_regular(path) as file:
            start = file.read(len(_HDF5_SIGNATURE))
    except OSError as error:
        raise MedrecogError(f"{path} cannot be read: {error.strerror or error}.") from error
    if start == _HDF5_SIGNATURE:
        with _opened_hdf5(path, path, network) as layers:
            yield layers
    elif start.startswith(_ZIP_SIGNATURE):
        with _opened_zip(path) as archive:
            members = archive.namelist()
            if _KERAS_MEMBER in members:
                with (
                    _unwrapped(path, archive, network, scratch) as inner,
                    _opened_hdf5(inner, path, network) as layers,
                ):
                    yield layers
            elif any(name.endswith(".npy") for name in members):
                yield _read_npz(path, archive, network)
            else:
                raise MedrecogError(f"{path} is not a weight file. Use {KINDS}.")
    else:
        raise MedrecogError(f"{path} is not a weight file. Use {KINDS}.")


@contextmanager
def _opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except READ_ERRORS as error:
        raise damaged(path, error) from error
    with archive:
        yield archive


@contextmanager
def _unwrapped(
    path: Path, archive: zipfile.ZipFile, network: Network, scratch: Path
) -> Iterator[Path]:
    # HDF5 jumps to and fro in its file, which a member of an archive does not allow in good time.
    rows = network_parameters(network)
    largest = _LARGEST_SHARE * sum(4 * row.n_parameters for row in rows) + 2**26
    if archive.getinfo(_KERAS_MEMBER).file_size > largest:
        raise MedrecogError(f"{path} is far too large for weights of {network.title}.")
    try:
        handle, name = tempfile.mkstemp(dir=scratch, prefix=".unwrapped-")
    except OSError as error:
        raise StorageError(unwritable(scratch, error)) from error
    unwrapped = Path(name)
    try:
        try:
            with os.fdopen(handle, "wb") as file, archive.open(_KERAS_MEMBER) as member:
                _copy(path, member, file)
        except OSError as error:
            raise StorageError(unwritable(unwrapped, error)) from error
        yield unwrapped
    finally:
        unwrapped.unlink(missing_ok=True)


def _copy(path: Path, member: Any, file: Any) -> None:
    while True:
        try:
            piece = member.read(_PIECE_BYTES)
        except READ_ERRORS as error:
            raise damaged(path, error) from error
        if not piece:
            return
        file.write(piece)


@contextmanager
def _opened_hdf5(file: Path, path: Path, network: Network) -> Iterator[list[_StoredLayer]]:
    import h5py

    try:
        opened = h5py.File(file, "r", locking=False)
    except READ_ERRORS as error:
        raise damaged(path, error) from error
    with opened:
        try:
            layers = _read_hdf5(opened, {row.name for row in network_parameters(network)})
        except READ_ERRORS as error:
            raise damaged(path, error) from error
        if not layers:
            raise MedrecogError(f"{path} is not a weight file. Use {KINDS}.")
        yield layers


def _read_hdf5(file: "h5py.File", known: set[str]) -> list[_StoredLayer]:
    import h5py

    groups: dict[str, h5py.Group] = {}
    datasets: dict[str, h5py.Dataset] = {}

    def collect(name: str, item: Any) -> None:
        # Each object once, and only what lies in the file itself: no link leads out of it.
        if isinstance(item, h5py.Group):
            groups[name] = item
        elif isinstance(item, h5py.Dataset) and not (item.external or item.is_virtual):
            datasets[name] = item

    file.visititems(collect)
    if any(name == "vars" or name.endswith("/vars") for name in groups):
        return _read_keras_3(groups, datasets)
    return _read_legacy(file, groups, datasets, known)


def _read_keras_3(
    groups: Mapping[str, "h5py.Group"], datasets: Mapping[str, "h5py.Dataset"]
) -> list[_StoredLayer]:
    layers = []
    for path in sorted(groups, key=_natural_order):
        parent, _, last = path.rpartition("/")
        if last != "vars" or "optimizer" in path.split("/"):
            continue
        inner = [name for name in datasets if name.startswith(f"{path}/")]
        arrays = tuple(_hdf5_array(datasets[name]) for name in sorted(inner, key=_natural_order))
        if arrays:
            names = (_text(groups[path].attrs.get("name", "")), parent.rpartition("/")[2])
            layers.append(_StoredLayer(names, arrays))
    return layers


def _read_legacy(
    file: "h5py.File",
    groups: Mapping[str, "h5py.Group"],
    datasets: Mapping[str, "h5py.Dataset"],
    known: set[str],
) -> list[_StoredLayer]:
    prefix = f"{_MODEL_GROUP}/" if _MODEL_GROUP in groups else ""
    root = groups[_MODEL_GROUP] if prefix else file
    found: dict[str, list[StoredArray]] = {}
    for layer in map(_text, np.ravel(root.attrs.get("layer_names", sorted(root)))):
        group = groups.get(f"{prefix}{layer}")
        weight_names = () if group is None else group.attrs.get("weight_names", ())
        for name in map(_text, np.ravel(weight_names)):
            array = datasets.get(f"{prefix}{layer}/{name}")
            if array is not None:
                # A network within a model has all its arrays in the model's one group for it.
                parts = [layer, *name.removeprefix(f"{layer}/").split("/")]
                owner = next((part for part in reversed(parts) if part in known), layer)
                found.setdefault(owner, []).append(_hdf5_array(array))
    return [_StoredLayer((name,), tuple(arrays)) for name, arrays in found.items()]


def _hdf5_array(dataset: "h5py.Dataset") -> StoredArray:
    shape, dtype = tuple(dataset.shape or ()), dataset.dtype

    def slabs() -> Iterator[np.ndarray]:
        rows = slab_rows(shape, dtype)
        for start in range(0, shape[0], rows):
            yield dataset[start : start + rows]

    return StoredArray(shape, dtype, slabs)


def _read_npz(path: Path, archive: zipfile.ZipFile, network: Network) -> list[_StoredLayer]:
    members = {name.removesuffix(".npy") for name in archive.namelist()}
    layers = []
    for row in network_parameters(network):
        names = [f"{row.name}/{array}" for array, _ in row.shapes]
        try:
            arrays = tuple(open_npy_member(archive, name) for name in names if name in members)
        except READ_ERRORS as error:
            raise damaged(path, error, row.name) from error
        if arrays:
            layers.append(_StoredLayer((row.name,), arrays))
    return layers


def _match(
    path: Path, network: Network, layers: Sequence[_StoredLayer]
) -> dict[str, tuple[StoredArray, ...]]:
    rows = network_parameters(network)
    known = {row.name for row in rows}
    if any(known.intersection(layer.names) for layer in layers):
        found = _match_names(path, rows, layers)
        required = [row for row in rows if not is_optional(network, row)]
        if any(row.name not in found for row in required):
            # Some layers were called otherwise when Keras published its files (DenseNet's first
            # was conv1/conv), and Keras itself goes by the order.
            with suppress(MedrecogError):
                in_order = _match_order(path, network, rows, layers)
                if not any(_misfit(row, in_order.get(row.name, ())) for row in required):
                    found = in_order
    else:
        found = _match_order(path, network, rows, layers)
    for row in rows:
        deeper = [r.name for r in rows[rows.index(row) :] if r.name in found]
        if row.name not in found and (deeper or not is_optional(network, row)):
            raise MedrecogError(
                f"{path} does not fit {network.title}, because it has no layer {row.name}. "
                f"Choose a weight file of {network.title}."
            )
        if row.name in found:
            _check_fit(path, network, row, found[row.name])
    return found


def _match_names(
    path: Path, rows: Iterable[LayerParameters], layers: Iterable[_StoredLayer]
) -> dict[str, tuple[StoredArray, ...]]:
    found = {}
    for row in rows:
        named = [layer for layer in layers if row.name in layer.names]
        if len(named) > 1:
            raise MedrecogError(f"{path} has more than one layer {row.name}.")
        if named:
            found[row.name] = named[0].arrays
    return found


def _match_order(
    path: Path,
    network: Network,
    rows: Sequence[LayerParameters],
    layers: Iterable[_StoredLayer],
) -> dict[str, tuple[StoredArray, ...]]:
    """Match layers of the same number of axes one after another: names say nothing."""
    queues: dict[int, list[_StoredLayer]] = {}
    for layer in layers:
        queues.setdefault(len(layer.arrays[0].shape), []).append(layer)
    found = {}
    for row in rows:
        queue = queues.get(len(row.shapes[0][1]), [])
        if not queue:
            continue
        if is_optional(network, row) and _misfit(row, queue[0].arrays):
            break  # a head of the file's own
        found[row.name] = queue.pop(0).arrays
    axes = {len(row.shapes[0][1]) for row in rows if not is_optional(network, row)}
    left = [layer for n_axes in axes for layer in queues.get(n_axes, [])]
    if left:
        raise MedrecogError(
            f"{path} does not fit {network.title}, because it has more layers, such as "
            f"{left[0].names[0]}. Choose a weight file of {network.title}."
        )
    return found


def _check_fit(
    path: Path, network: Network, row: LayerParameters, arrays: Sequence[StoredArray]
) -> None:
    misfit = _misfit(row, arrays)
    if misfit:
        raise MedrecogError(f"{path} does not fit {network.title}: {misfit}.")


def _misfit(row: LayerParameters, arrays: Sequence[StoredArray]) -> str:
    if len(arrays) != len(row.shapes):
        names = " and ".join(name for name, _ in row.shapes)
        held = "1 array" if len(arrays) == 1 else f"{len(arrays)} arrays"
        return f"{row.name} has {held} instead of {names}"
    for (name, shape), array in zip(row.shapes, arrays, strict=True):
        if array.shape != shape:
            return f"{row.name}'s {name} has the shape {array.shape} instead of {shape}"
        if array.dtype.kind != "f":
            return f"{row.name}'s {name} is of type {array.dtype}, not of floating-point numbers"
    return ""


def damaged(path: Path, error: Exception, layer: str = "") -> MedrecogError:
    """Return the sentence that says that a file of weights is damaged."""
    where = f" at {layer}" if layer else ""
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return MedrecogError(f"{path} is damaged or cut short{where} ({reason}). Download it again.")


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _natural_order(path: str) -> list[tuple[str, int]]:
    """Return a key by which conv2d_10 comes after conv2d_9."""
    pieces = re.findall(r"(\D*)(\d*)", path)
    return [(words, int(digits) if digits else -1) for words, digits in pieces]
