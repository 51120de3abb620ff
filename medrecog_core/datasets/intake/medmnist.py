"""MedMNIST: images, labels and split as arrays in one .npz file."""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from medrecog_core.errors import MedrecogError

SUFFIX = ".npz"
SPLITS = ("train", "val", "test")

_MOST_LABEL_BYTES = 10**8
_COLOURS = 3
_VERSIONS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def write_images(
    arrays: Path, folder: Path, n_bytes: int, report: Callable[[int], None] = lambda done: None
) -> None:
    """Write the images of a MedMNIST file as `SPLIT/LABEL/00001.png` into a folder.

    The arrays are `train_images`, `train_labels` and the same for val and test. Images are read one
    after the other, and objects (pickles) never.

    Parameters
    ----------
    arrays
        The .npz file.
    folder
        Where to; it may be there.
    n_bytes
        What the arrays may have at most.
    report
        Is given the images that are done.

    Raises
    ------
    MedrecogError
        If the file is damaged, too large, or has other arrays: no images of 8 bits, volumes, or
        several labels an image.
    OSError
        If the folder cannot be written to.
    """
    try:
        with zipfile.ZipFile(arrays) as opened:
            total = sum(info.file_size for info in opened.infolist())
            if total > n_bytes:
                raise MedrecogError(
                    f"{arrays} has {total / 1e9:,.1f} GB of arrays, more than the "
                    f"{n_bytes / 1e9:,.1f} GB allowed."
                )
            names = set(opened.namelist())
            splits = [
                split for split in SPLITS if {f"{split}_images.npy", f"{split}_labels.npy"} <= names
            ]
            if not splits:
                raise _refused(arrays, "it has no arrays train_images and train_labels")
            done = 0
            for split in splits:
                labels = _labels(opened, arrays, split)
                with opened.open(f"{split}_images.npy") as source:
                    for number, pixels in enumerate(_images(source, arrays, len(labels)), 1):
                        place = folder / split / str(labels[number - 1])
                        place.mkdir(mode=0o700, parents=True, exist_ok=True)
                        Image.fromarray(pixels).save(place / f"{number:05}.png")
                        done += 1
                        report(done)
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MedrecogError(
            f"{arrays} is damaged or not a MedMNIST file ({reason}). Get it again."
        ) from error


def _header(source: IO[bytes], arrays: Path) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(source)
    if version not in _VERSIONS:
        raise _refused(arrays, f"its arrays have version {version}")
    shape, is_by_columns, dtype = _VERSIONS[version](source)
    if is_by_columns:
        raise _refused(arrays, "its arrays are stored by columns")
    return shape, dtype


def _labels(opened: zipfile.ZipFile, arrays: Path, split: str) -> list[int]:
    with opened.open(f"{split}_labels.npy") as source:
        shape, dtype = _header(source, arrays)
        n_labels = int(np.prod(shape[1:])) if shape else 0
        if dtype.kind not in "iub" or n_labels > 1:
            what = "several labels an image" if n_labels > 1 else "labels that are no numbers"
            raise _refused(arrays, f"it has {what}")
        n_bytes = int(np.prod(shape)) * dtype.itemsize
        if n_bytes > _MOST_LABEL_BYTES:
            raise _refused(arrays, "it has too many labels")
        values = np.frombuffer(_read(source, n_bytes), dtype)
    return [int(value) for value in values]


def _images(source: IO[bytes], arrays: Path, n_labels: int) -> Iterator[np.ndarray]:
    shape, dtype = _header(source, arrays)
    is_grey = len(shape) == 3
    is_colour = len(shape) == 4 and shape[3] == _COLOURS
    if dtype != np.uint8 or not (is_grey or is_colour):
        text = " x ".join(map(str, shape[1:]))
        raise _refused(arrays, f"its images are {text} arrays of {dtype}")
    if shape[0] != n_labels:
        raise _refused(arrays, f"it has {shape[0]:,} images and {n_labels:,} labels of one split")
    n_bytes = int(np.prod(shape[1:]))
    for _ in range(shape[0]):
        yield np.frombuffer(_read(source, n_bytes), np.uint8).reshape(shape[1:])


def _read(source: IO[bytes], n_bytes: int) -> bytes:
    content = source.read(n_bytes)
    if len(content) != n_bytes:
        raise EOFError("an array is cut off")
    return content


def _refused(arrays: Path, reason: str) -> MedrecogError:
    return MedrecogError(
        f"{arrays} cannot be imported, because {reason}. Files of MedMNIST with 8-bit grey or RGB "
        "images and one label each can be."
    )
