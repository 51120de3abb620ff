"""Weights in the cache folder: an uncompressed `.npz` archive, and what it is in a `.json` beside.

The archive has an entry for each array, `fc1/kernel` and so on, so that each is read alone. The
description is written last and removed first: without it, the archive does not count.
"""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.bounds import KNOWN_ONLY, Count
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.locations import cache_folder, create_folder, unwritable
from medrecog_core.networks.stored_array import (
    FLOAT32,
    READ_ERRORS,
    StoredArray,
    bytes_of,
    open_npy_member,
    write_npy_member,
)
from medrecog_core.networks.table import (
    LayerParameters,
    Network,
    network_parameters,
    reached_layers,
)

OFFICIAL = "imagenet-keras"
CUSTOM = "custom"
"""Kinds of weights, as written in identities."""

_TEMPORARY = ".installing-"


@dataclass(frozen=True)
class InstalledFile:
    """Weights that were imported or downloaded.

    Attributes
    ----------
    identity, title, layers
        As in `Weights`.
    network
        Name of the network.
    source
        Name of the file they came from.
    installed
        When, ISO 8601 in UTC.
    parameters
        Keras names of the layers that are in it.
    sha256
        Of the arrays, whatever held them.
    n_bytes
        Size of the archive.
    """

    __pydantic_config__ = KNOWN_ONLY

    identity: str
    network: str
    title: str
    layers: tuple[str, ...]
    source: str
    installed: str
    parameters: tuple[str, ...]
    sha256: str
    n_bytes: Count

    @property
    def is_official(self) -> bool:
        """Whether they came from a file that Keras published."""
        return self.identity.startswith(f"{self.network}-{OFFICIAL}-")

    @property
    def archive(self) -> Path:
        """The arrays."""
        return cache_folder().weights / f"{self.identity}.npz"

    @property
    def description(self) -> Path:
        """The JSON file with these attributes."""
        return cache_folder().weights / f"{self.identity}.json"

    def read(self, network: Network, names: Sequence[str]) -> dict[str, tuple[np.ndarray, ...]]:
        """Read the arrays of the named layers, and nothing else.

        Raises
        ------
        MedrecogError
            If the weights lack one of the layers.
        StorageError
            If the archive is damaged.
        """
        self._check_held(names)
        with self.opened(network) as read:
            return {name: read(name) for name in names}

    @contextmanager
    def opened(self, network: Network) -> Iterator[Callable[[str], tuple[np.ndarray, ...]]]:
        """Open the archive.

        Yields
        ------
        Callable
            Reads the arrays of one layer, given its Keras name; raises what `read` raises.

        Raises
        ------
        StorageError
            If the archive is damaged.
        """
        rows = {row.name: row for row in network_parameters(network)}
        with self._archive() as archive:

            def read(name: str) -> tuple[np.ndarray, ...]:
                self._check_held([name])
                stored = self._stored(archive, rows[name])
                with self._damage_at(rows[name]):
                    return tuple(array.read() for array in stored)

            yield read

    def check(self, network: Network) -> None:
        """Read every number and compare the hash.

        Raises
        ------
        StorageError
            If the archive is damaged.
        """
        digest = hashlib.sha256()
        with self._archive() as archive:
            for row in network_parameters(network):
                if row.name not in self.parameters:
                    continue
                stored = self._stored(archive, row)
                with self._damage_at(row):
                    for (name, shape), array in zip(row.shapes, stored, strict=True):
                        digest.update(_array_header(row, name, shape))
                        for slab in array.slabs():
                            digest.update(bytes_of(slab))
        if digest.hexdigest() != self.sha256:
            raise StorageError(self._damaged())

    def _check_held(self, names: Sequence[str]) -> None:
        missing = [name for name in names if name not in self.parameters]
        if missing:
            raise MedrecogError(
                f"The weights {self.identity} have no {' and no '.join(missing)}. "
                "Import or download weights that have."
            )

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        try:
            archive = zipfile.ZipFile(self.archive)
        except READ_ERRORS as error:
            raise StorageError(self._damaged()) from error
        with archive:
            yield archive

    def _stored(self, archive: zipfile.ZipFile, row: LayerParameters) -> list[StoredArray]:
        with self._damage_at(row):
            stored = [open_npy_member(archive, f"{row.name}/{name}") for name, _ in row.shapes]
        shapes = [(array.shape, array.dtype) for array in stored]
        if shapes != [(shape, FLOAT32) for _, shape in row.shapes]:
            raise StorageError(self._damaged(row.name))
        return stored

    @contextmanager
    def _damage_at(self, row: LayerParameters) -> Iterator[None]:
        try:
            yield
        except READ_ERRORS as error:
            raise StorageError(self._damaged(row.name)) from error

    def _damaged(self, layer: str = "") -> str:
        where = f" at {layer}" if layer else ""
        return (
            f"The installed weights {self.archive} are damaged{where}. "
            "Import or download them again."
        )


@dataclass(frozen=True)
class DamagedFile:
    """Weights in the cache folder that cannot be used, and why not, as a sentence."""

    identity: str
    sentence: str


def installed_files(network: Network) -> tuple[list[InstalledFile], list[DamagedFile]]:
    """Return what is installed for a network, the latest first, and what is damaged."""
    files: list[InstalledFile] = []
    damage: list[DamagedFile] = []
    folder = cache_folder().weights
    paths = [*folder.glob(f"{network.name}-*.json"), *folder.glob(f"{network.name}-*.npz")]
    for identity in sorted({path.stem for path in paths}):
        try:
            files.append(_describe(folder / f"{identity}.json", network))
        except (OSError, StorageError, TypeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error).rstrip(".")
            sentence = f"The weights {identity} cannot be used ({reason}). Import them again."
            damage.append(DamagedFile(identity, sentence))
    return sorted(files, key=lambda file: file.installed, reverse=True), damage


def remove(identity: str) -> None:
    """Remove weights that `installed_files` lists, damaged or not.

    Raises
    ------
    StorageError
        If the folder cannot be written to.
    """
    folder = cache_folder().weights
    try:
        for name in (f"{identity}.json", f"{identity}.npz"):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(unwritable(folder, error)) from error


_DESCRIPTION = TypeAdapter(InstalledFile)


def _describe(path: Path, network: Network) -> InstalledFile:
    described = _DESCRIPTION.validate_python(atomic_file.read_json(path))
    # What the arrays reach follows from the table, which may have grown since.
    file = replace(described, layers=reached_layers(network, described.parameters))
    if file.identity != path.stem or file.network != network.name:
        raise ValueError("the description is of other weights")
    try:
        n_bytes = file.archive.stat().st_size
    except OSError as error:
        raise ValueError(f"{file.archive.name}: {error.strerror}") from error
    if n_bytes != file.n_bytes:
        raise ValueError(f"{file.archive.name} has {n_bytes} instead of {file.n_bytes} bytes")
    return file


@dataclass(frozen=True)
class Naming:
    """What is to be said of arrays that are being installed.

    Attributes
    ----------
    kind
        `OFFICIAL` or `CUSTOM`.
    title, source, installed
        As in `InstalledFile`.
    """

    kind: str
    title: str
    source: str
    installed: str


def install(
    network: Network,
    layers: Mapping[str, Sequence[StoredArray]],
    naming: Naming,
    read: Callable[[str, str, StoredArray], Iterator[np.ndarray]],
) -> InstalledFile:
    """Copy arrays into the cache folder, a slab at a time, so that they are seen whole or not.

    Parameters
    ----------
    network
        The network that the arrays fit.
    layers
        Keras names of the layers that are there, with their arrays.
    naming
        What they are to be called.
    read
        Gives the slabs of an array, given its layer's name and its own; raises what is to be said
        of a damaged source.

    Raises
    ------
    StorageError
        If the cache folder cannot be written to.
    """
    folder = create_folder(cache_folder().weights)
    rows = [row for row in network_parameters(network) if row.name in layers]
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=_TEMPORARY)
        digest = hashlib.sha256()
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for row in rows:
                    for (name, shape), stored in zip(row.shapes, layers[row.name], strict=True):
                        digest.update(_array_header(row, name, shape))
                        slabs = _hashed(digest, read(row.name, name, stored))
                        write_npy_member(archive, f"{row.name}/{name}", shape, slabs)
            file.flush()
            os.fsync(file.fileno())
        names = tuple(row.name for row in rows)
        installed = InstalledFile(
            identity=f"{network.name}-{naming.kind}-{digest.hexdigest()[:12]}",
            network=network.name,
            title=naming.title,
            layers=reached_layers(network, names),
            source=naming.source,
            installed=naming.installed,
            parameters=names,
            sha256=digest.hexdigest(),
            n_bytes=Path(temporary).stat().st_size,
        )
        Path(temporary).replace(installed.archive)
    except OSError as error:
        raise StorageError(unwritable(folder, error)) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    atomic_file.write_json(installed.description, asdict(installed))
    return installed


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes were installing, given that no other process installs now."""
    for path in [*folder.glob(f"{_TEMPORARY}*"), *folder.glob(".unwrapped-*")]:
        with suppress(OSError):
            path.unlink()


def _hashed(digest: Any, slabs: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    for slab in slabs:
        digest.update(bytes_of(slab))
        yield slab


def _array_header(row: LayerParameters, name: str, shape: tuple[int, ...]) -> bytes:
    return f"{row.name}/{name} {'x'.join(map(str, shape))}\n".encode()
