"""Measurements of images, stored on disk by content, so that none is made twice."""

import collections
import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple
from pathlib import Path

from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.datasets.dataset import Dataset, ImageRecord
from medrecog_core.datasets.measurement import VERSION, ImageMeasurement, measure_image
from medrecog_core.errors import StorageError
from medrecog_core.images import GreyRange, Rendering, UnreadableImageError, read_file

_READERS = 2
_AHEAD = 4 * _READERS
_SECONDS_BETWEEN_WRITES = 20
_Range = tuple[float, float, bool, bool]
_Row = tuple[str, int, int, str, int, int, float, float, str, bool, _Range | None]
_ROWS = TypeAdapter(dict[str, _Row])


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
    kept = _read(file)
    found: dict[str, ImageMeasurement] = {}
    todo: list[ImageRecord] = []
    measured_anew = set(changed)
    for image in dataset.images:
        rendering = dataset.rendering_of(image)
        known = kept.get(_key(image.file.sha256, rendering)) if image.file else None
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
        key = _key(hashlib.sha256(content).hexdigest(), rendering)
        return key, measure_image(content, rendering)
    except UnreadableImageError as error:
        return "", ImageMeasurement(str(error))


def _key(sha256: str, rendering: Rendering) -> str:
    return f"{sha256}/{rendering.identity}" if rendering.identity else sha256


def _read(file: Path) -> dict[str, ImageMeasurement]:
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
    atomic_file.write_json(file, {"version": VERSION, "images": rows})
