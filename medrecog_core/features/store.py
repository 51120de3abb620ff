"""Descriptors kept on disk, under a key made of everything they depend on."""

import contextlib
import functools
import io
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diskcache
import numpy as np
from diskcache.core import DBNAME, MODE_BINARY, MODE_RAW

from medrecog_core.errors import StorageError
from medrecog_core.features.cell import Cell
from medrecog_core.features.pooling import LOCAL
from medrecog_core.images import Image
from medrecog_core.locations import create_folder, unwritable

_N_FIELDS = 8
_SHA256 = re.compile("[0-9a-f]{64}")
_ENTRIES_AT_ONCE = 2000


@dataclass(frozen=True)
class DescriptorKey:
    """Everything a descriptor depends on: change one, and it is another descriptor.

    Attributes
    ----------
    sha256
        Of the image file's bytes, in hexadecimal.
    weights, preprocessing, precision
        Identity of the weights, version of the preprocessing, `float32` or `bfloat16`.
    layer, scale, pooling
        The cell; in the place of a pooling, `local` stands for an image's local descriptors.
    rendering
        Identity of the image's rendering; empty for plain images.
    """

    sha256: str
    weights: str
    preprocessing: str
    precision: str
    layer: str
    scale: int
    pooling: str
    rendering: str = ""

    @property
    def text(self) -> str:
        """The key as one string; that of a plain image does not name its rendering."""
        rendering = f"/{self.rendering}" if self.rendering else ""
        return (
            f"{self.sha256}/{self.weights}/{self.preprocessing}/{self.precision}/{self.layer}/"
            f"{self.scale}/{self.pooling}{rendering}"
        )

    @classmethod
    def from_text(cls, text: str) -> "DescriptorKey":
        """Return the key that `text` gives as one string.

        Raises
        ------
        ValueError
            If it is not a key of this version.
        """
        parts = text.split("/", _N_FIELDS - 1)
        if len(parts) < _N_FIELDS - 1 or "" in parts or not _SHA256.fullmatch(parts[0]):
            raise ValueError(f"{text!r} is not a key of a descriptor")
        sha256, weights, preprocessing, precision, layer, scale, pooling, *rendering = parts
        key = cls(
            *(sha256, weights, preprocessing, precision, layer),
            scale=int(scale),
            pooling=pooling,
            rendering="".join(rendering),
        )
        if key.text != text:
            raise ValueError(f"{text!r} is not a key of a descriptor")
        return key


@dataclass(frozen=True)
class StoredEntry:
    """An entry of the store without its value.

    Attributes
    ----------
    key
        Its key.
    n_bytes
        Bytes of its value and of its key, which is in a table and in its index; on disk they may
        take more.
    """

    key: DescriptorKey
    n_bytes: int


@dataclass(frozen=True)
class DescriptorSource:
    """What an image's descriptors depend on besides the image and the cell."""

    weights: str
    preprocessing: str
    precision: str

    def key(self, sha256: str, cell: Cell, rendering: str = "") -> DescriptorKey:
        """Return the key of a content's descriptor in a cell.

        Parameters
        ----------
        sha256
            Of the image file's bytes.
        cell
            The cell.
        rendering
            Identity of the image's rendering.
        """
        return DescriptorKey(
            sha256,
            self.weights,
            self.preprocessing,
            self.precision,
            cell.layer,
            cell.scale,
            cell.pooling,
            rendering,
        )

    def key_of(self, image: Image, cell: Cell) -> DescriptorKey:
        """Return the key of an image's descriptor in a cell."""
        return self.key(image.sha256, cell, image.rendering.identity)


class _DamagedEntryError(OSError):
    """An entry that is not what the store wrote; diskcache takes an OSError for a miss."""


class _BytesDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache has no types
    """Keeps bytes under string keys; never pickles, and never unpickles what others left."""

    def put(self, key: Any) -> tuple[Any, bool]:
        if not isinstance(key, str):
            raise TypeError(f"a key of the store is a string, not {key!r}")
        return key, True

    def get(self, key: Any, raw: bool) -> str:
        if not raw or not isinstance(key, str):
            raise _DamagedEntryError("the key was not written by this store")
        return key

    def store(self, value: Any, read: bool, key: Any = diskcache.UNKNOWN) -> Any:
        if type(value) is not bytes:
            raise TypeError("the store keeps bytes")
        return super().store(value, read, key)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode not in (MODE_RAW, MODE_BINARY):
            raise _DamagedEntryError("the entry was not written by this store")
        return super().fetch(mode, filename, value, read)


class DescriptorStore:
    """Descriptors on disk; damage is a miss, and nothing is ever evicted.

    A descriptor is a float32 vector; local descriptors are a float16 map of such vectors.
    Every entry is the bytes of a `.npy` file, with their CRC-32 beside it. Several processes may
    use the same folder at once. The folder must be on a local disk: the index is an SQLite file.

    Raises
    ------
    StorageError
        From every method, if the folder cannot be used or its index is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        create_folder(folder)
        with self._explained():
            self._cache = diskcache.Cache(
                str(folder), disk=_BytesDisk, eviction_policy="none", cull_limit=0, timeout=60
            )

    def __enter__(self) -> "DescriptorStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        with self._explained():
            return len(self._cache)

    def __contains__(self, key: DescriptorKey) -> bool:
        """Whether there is an entry, whole or not: a look into the index alone."""
        with self._explained():
            return key.text in self._cache

    def close(self) -> None:
        """Close the index; a method called later opens it again."""
        self._cache.close()

    @property
    def n_bytes(self) -> int:
        """Size of the store on disk."""
        with self._explained():
            return int(self._cache.volume())

    def get(self, key: DescriptorKey, channels: int) -> np.ndarray | None:
        """Return a descriptor, or None where it is missing or damaged.

        Parameters
        ----------
        key
            The descriptor's key.
        channels
            The length it must have.

        Returns
        -------
        numpy.ndarray or None
            float32, shape (channels,); local descriptors float16, shape (rows, columns, channels).
        """
        with self._explained():
            content, checksum = self._cache.get(key.text, tag=True)
        return _array(content, checksum, key, channels)

    def get_many(self, keys: Sequence[DescriptorKey], channels: int) -> Iterator[np.ndarray | None]:
        """Give what `get` returns for each key, with one look into the index for many of them."""
        for first in range(0, len(keys), _ENTRIES_AT_ONCE):
            part = keys[first : first + _ENTRIES_AT_ONCE]
            texts = [key.text for key in part]
            rows = self._rows_of(texts, "key, mode, filename, value, tag")
            inline = {
                text: (value, tag)
                for text, mode, file, value, tag in rows
                if mode == MODE_RAW and file is None
            }
            in_files = {text for text, *_ in rows if text not in inline}
            for key, text in zip(part, texts, strict=True):
                if text in inline:
                    yield _array(*inline[text], key, channels)
                else:
                    yield self.get(key, channels) if text in in_files else None

    def held(self, keys: Sequence[DescriptorKey]) -> list[bool]:
        """Return which keys have an entry, whole or not, as the index says."""
        found: set[str] = set()
        texts = [key.text for key in keys]
        for first in range(0, len(texts), _ENTRIES_AT_ONCE):
            found.update(text for (text,) in self._rows_of(texts[first : first + _ENTRIES_AT_ONCE]))
        return [text in found for text in texts]

    def _rows_of(self, texts: Sequence[str], columns: str = "key") -> list[tuple[Any, ...]]:
        # diskcache looks for one key at a time.
        marks = ",".join("?" * len(texts))
        query = f"SELECT {columns} FROM Cache WHERE raw = 1 AND key IN ({marks})"  # noqa: S608
        with (
            self._explained(),
            contextlib.closing(sqlite3.connect(self.folder / DBNAME, timeout=60)) as index,
        ):
            return index.execute(query, texts).fetchall()

    def put(self, descriptors: Iterable[tuple[DescriptorKey, np.ndarray]]) -> None:
        """Keep some descriptors, all of them or none.

        Parameters
        ----------
        descriptors
            Keys and finite vectors, shape (channels,), or maps of local descriptors, shape (rows,
            columns, channels); an entry of the same key is replaced.

        Raises
        ------
        ValueError
            If something is not a finite vector or, under a key of local descriptors, map.
        """
        entries = [(key.text, _npy(array, *_form(key))) for key, array in descriptors]
        with self._explained(), self._cache.transact():
            for text, content in entries:
                self._cache.set(text, content, tag=zlib.crc32(content))

    def entries(self) -> Iterator[list[StoredEntry]]:
        """Give every entry, some at a time, without reading values.

        What is put or deleted meanwhile may be among them or not. Keys that this version does not
        know, as a newer one may have written them, are left out.
        """
        last = 0
        while True:
            with self._explained():
                rows = self._rows_after(last)
            if not rows:
                return
            last = rows[-1][0]
            yield list(_entries_in(rows))

    def _rows_after(self, last: int) -> list[tuple[int, Any, int]]:
        # diskcache lists keys, but not with their sizes.
        with contextlib.closing(sqlite3.connect(self.folder / DBNAME, timeout=60)) as index:
            return index.execute(
                "SELECT rowid, key, size + coalesce(length(value), 0) FROM Cache "
                "WHERE rowid > ? ORDER BY rowid LIMIT ?",
                (last, _ENTRIES_AT_ONCE),
            ).fetchall()

    def delete(self, keys: Iterable[DescriptorKey]) -> None:
        """Delete some entries, all of them or none; one that is not there is no error."""
        texts = [key.text for key in keys]
        with self._explained(), self._cache.transact():
            for text in texts:
                self._cache.delete(text)

    def check(self) -> list[str]:
        """Return what is inconsistent between index and files, nothing where all is well."""
        with self._explained():
            return [str(warning.message) for warning in self._cache.check()]

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StorageError(unwritable(self.folder, error)) from error
        except sqlite3.DatabaseError as error:
            raise StorageError(
                f"The feature cache in {self.folder} is damaged ({error}). Delete that folder; "
                "its features will be computed again."
            ) from error
        except (OSError, diskcache.Timeout) as error:
            raise StorageError(unwritable(self.folder, error)) from error


def _form(key: DescriptorKey) -> tuple[int, type[np.floating[Any]]]:
    return (3, np.float16) if key.pooling == LOCAL else (1, np.float32)


def _entries_in(rows: Iterable[tuple[int, Any, int]]) -> Iterator[StoredEntry]:
    for _, text, n_bytes in rows:
        with contextlib.suppress(ValueError):
            if isinstance(text, str):
                yield StoredEntry(DescriptorKey.from_text(text), n_bytes + 2 * len(text))


def _array(content: Any, checksum: Any, key: DescriptorKey, channels: int) -> np.ndarray | None:
    """Return the array of an entry, or None if it is damaged."""
    if type(content) is not bytes or zlib.crc32(content) != checksum:
        return None
    n_dimensions, dtype = _form(key)
    header = _header_of_vector(channels)
    size = len(header) + 4 * channels
    if n_dimensions == 1 and len(content) == size and content.startswith(header):
        # NumPy takes longer to read a header than all the rest.
        return np.frombuffer(content, dtype, offset=len(header))
    try:
        array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError):
        return None
    is_whole = array.ndim == n_dimensions and array.dtype == dtype
    return array if is_whole and array.shape[-1] == channels else None


@functools.lru_cache(maxsize=64)
def _header_of_vector(channels: int) -> bytes:
    return _npy(np.zeros(channels, np.float32), 1, np.float32)[: -4 * channels]


def _npy(array: np.ndarray, n_dimensions: int, dtype: type[np.floating[Any]]) -> bytes:
    if array.ndim != n_dimensions or not np.isfinite(array).all():
        raise ValueError(f"a descriptor is a finite {'vector' if n_dimensions == 1 else 'map'}")
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array.astype(dtype, copy=False), allow_pickle=False)
    return buffer.getvalue()
