"""Measurements of images from small copies, stored by content so that none is made twice."""

import base64
import collections
import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.datasets.dataset import Dataset, ImageRecord
from medrecog_core.errors import StorageError
from medrecog_core.images import (
    PLAIN,
    GreyRange,
    Rendering,
    UnreadableImageError,
    decode_image,
    read_file,
    read_header,
    read_range,
)
from medrecog_core.images.reading import takes_window

SIDE = 256
"""Longest side, in pixels, at which images are measured; smaller ones are not resized."""
GREY_SIDE = 16
"""Side of the grey square for comparing near-duplicates."""
VERSION = 2
"""Stored on disk: a new version measures all images again."""

_TWO = 2
# For JPEG masks: distance of grey values from the ends because of compression, and their share.
_COMPRESSION_NOISE = 16.0
_SHARE_AT_ENDS = 0.95
_LEAST_CONTRAST = 64.0
_READERS = 2
_AHEAD = 4 * _READERS
_SECONDS_BETWEEN_WRITES = 20
_Range = tuple[float, float, bool, bool]
_Row = tuple[str, int, int, str, int, int, float, float, str, bool, _Range | None]
_ROWS = TypeAdapter(dict[str, _Row])


@dataclass(frozen=True)
class ImageMeasurement:
    """Measurements of an image for the health report.

    Attributes
    ----------
    reason
        Why it cannot be read; empty if it can. If it cannot, nothing below is known.
    width, height
        In pixels, as stored.
    mode
        Pillow's mode of the stored pixels.
    jpeg_quality
        Estimated; 0 if the file is not a JPEG.
    perceptual_hash
        imagehash's `phash`, 64 bits as a number.
    contrast
        Standard deviation of the grey values, 0 to 127.5.
    sharpness
        Variance of the Laplacian of the grey values (Pech-Pacheco et al., Diatom autofocusing in
        brightfield microscopy, ICPR 2000).
    grey
        The image as a square of `GREY_SIDE` grey values, base64 of uint8 in rows.
    is_two_valued
        Whether it has exactly two colours, or, as a JPEG, grey values at two ends only.
    grey_range
        Range of a file with more than 8 bits per channel; None for others.
    """

    reason: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    jpeg_quality: int = 0
    perceptual_hash: int = 0
    contrast: float = 0.0
    sharpness: float = 0.0
    grey: str = ""
    is_two_valued: bool = False
    grey_range: GreyRange | None = None

    @property
    def grey_values(self) -> np.ndarray:
        """The grey square, float32, shape (GREY_SIDE * GREY_SIDE,)."""
        values = np.frombuffer(base64.b64decode(self.grey), np.uint8)
        return values.astype(np.float32)


def measure_image(content: bytes, rendering: Rendering = PLAIN) -> ImageMeasurement:
    """Measure the bytes of an image file.

    Parameters
    ----------
    content
        The file's bytes.
    rendering
        How its stored values become an image.

    Raises
    ------
    UnreadableImageError
        If they are not a usable image, or are truncated.
    """
    import imagehash

    image = decode_image(content, at_least=SIDE, rendering=rendering)
    try:
        header = read_header(content)
        width, height, mode, quality = header.width, header.height, header.mode, header.jpeg_quality
        has_range = takes_window(mode) or not mode
    except UnreadableImageError:
        # Formats that Pillow does not read.
        (width, height), mode, quality = image.size, image.mode, 0
        has_range = True
    n_colours = len(image.getcolors(_TWO) or ())
    image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    grey = image.convert("L")
    values = np.asarray(grey, np.float32)
    bits = np.packbits(imagehash.phash(grey).hash.ravel())
    square = grey.resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BOX)
    return ImageMeasurement(
        "",
        width,
        height,
        mode,
        quality,
        int.from_bytes(bits.tobytes()),
        round(float(values.std()), 4),
        round(float(laplacian(values).var()), 4),
        base64.b64encode(np.asarray(square).tobytes()).decode("ascii"),
        n_colours == _TWO or (quality > 0 and _has_two_ends(values)),
        read_range(content, rendering) if has_range else None,
    )


def laplacian(values: np.ndarray) -> np.ndarray:
    """Return the second differences of an image, repeated beyond its edges, of its shape.

    As `scipy.ndimage.laplace`, whose import takes longer than classifying an image.
    """
    around = np.pad(values, 1, mode="symmetric")
    sums = around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]
    differences: np.ndarray = sums - 4 * values
    return differences


def _has_two_ends(values: np.ndarray) -> bool:
    """Return whether grey values are at two ends, apart from compression and scaling."""
    low, high = float(values.min()), float(values.max())
    if high - low < _LEAST_CONTRAST:
        return False
    at_low, at_high = (
        float((abs(values - end) <= _COMPRESSION_NOISE).mean()) for end in (low, high)
    )
    return min(at_low, at_high) > 0 and at_low + at_high >= _SHARE_AT_ENDS


# --- Stored by content ---------------------------------------------------------------------------


def measure_images(
    dataset: Dataset,
    file: Path,
    changed: Collection[str] = (),
    report: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, ImageMeasurement]:
    """Measure every image in use that has not been measured before.

    Only a few decoded images are in memory at any time.

    Parameters
    ----------
    dataset
        The data set.
    file
        File of the measurements, by content and rendering; if it is damaged, everything is measured
        again. It is written regularly and at the end.
    changed
        Paths of images with changed files, which are measured as they are now.
    report
        Called with (done, total) after each image; an error that it raises ends the work.

    Returns
    -------
    dict
        Measurements by path; those of unreadable images have a reason.

    Raises
    ------
    StorageError
        If the measurements cannot be written.
    """
    kept = read_measurements(file)
    found: dict[str, ImageMeasurement] = {}
    todo: list[ImageRecord] = []
    measured_anew = set(changed)
    for image in dataset.images:
        rendering = dataset.rendering_of(image)
        known = kept.get(measurement_key(image.file.sha256, rendering)) if image.file else None
        if known is None or image.path in measured_anew:
            todo.append(image)
        else:
            found[image.path] = known
    last_write = time.monotonic()
    try:
        for image, key, measurement in _measured(dataset, todo):
            found[image.path] = measurement
            if not measurement.reason:
                kept[key] = measurement
            report(len(found), len(dataset.images))
            if time.monotonic() - last_write > _SECONDS_BETWEEN_WRITES:
                _write(file, kept)
                last_write = time.monotonic()
    finally:
        if todo:
            _write(file, kept)
    return found


def _measured(
    dataset: Dataset, images: Iterable[ImageRecord]
) -> Iterator[tuple[ImageRecord, str, ImageMeasurement]]:
    waiting: collections.deque[tuple[ImageRecord, Future[tuple[str, ImageMeasurement]]]]
    waiting = collections.deque()
    with ThreadPoolExecutor(_READERS) as readers:
        try:
            for image in images:
                path, rendering = dataset.absolute_path(image), dataset.rendering_of(image)
                waiting.append((image, readers.submit(_measure, path, rendering)))
                if len(waiting) > _AHEAD:
                    first, answer = waiting.popleft()
                    yield first, *answer.result()
            for first, answer in waiting:
                yield first, *answer.result()
        finally:
            readers.shutdown(cancel_futures=True)


def _measure(path: Path, rendering: Rendering) -> tuple[str, ImageMeasurement]:
    try:
        content = read_file(path)
        key = measurement_key(hashlib.sha256(content).hexdigest(), rendering)
        return key, measure_image(content, rendering)
    except UnreadableImageError as error:
        return "", ImageMeasurement(str(error))


def measurement_key(sha256: str, rendering: Rendering) -> str:
    """Return the key of an image's measurement, by the content of its file and its rendering."""
    return f"{sha256}/{rendering.identity}" if rendering.identity else sha256


def read_measurements(file: Path) -> dict[str, ImageMeasurement]:
    """Return the measurements in a file by `measurement_key`; none if it is missing or damaged."""
    try:
        document = atomic_file.read_json(file)
        if document["version"] != VERSION:
            return {}
        rows = _ROWS.validate_python(document["images"])
    except (FileNotFoundError, StorageError, KeyError, TypeError, ValueError):
        return {}
    return {
        key: ImageMeasurement(*row[:-1], row[-1] and GreyRange(*row[-1]))
        for key, row in rows.items()
    }


def _write(file: Path, measurements: dict[str, ImageMeasurement]) -> None:
    rows = {key: astuple(measurement) for key, measurement in measurements.items()}
    atomic_file.write_json(file, {"version": VERSION, "images": rows}, indent=None)
