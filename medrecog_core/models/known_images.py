"""Images that a model was trained or tested with, to recognise them and their near-copies."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from medrecog_core.datasets.health.leaks import is_blank, near_copies
from medrecog_core.datasets.health.measurements import (
    GREY_SIDE,
    ImageMeasurement,
    measure_image,
    measurement_key,
)
from medrecog_core.errors import UnreadableImageError
from medrecog_core.images import PLAIN, Image, Rendering, read_file
from medrecog_core.wording import counted

_READERS = 2
_SHA256_BYTES = 32


@dataclass(frozen=True)
class KnownCopy:
    """An image of a model that a new image is a copy of.

    Attributes
    ----------
    sha256
        SHA-256 of its file, in hexadecimal.
    label
        Its class.
    is_test
        Whether it is a test image that the model was not trained on.
    is_exact
        Whether the files have the same bytes; otherwise the images are nearly the same.
    """

    sha256: str
    label: str
    is_test: bool
    is_exact: bool


@dataclass(frozen=True)
class KnownImages:
    """The n training and test images of a model.

    Attributes
    ----------
    sha256s
        SHA-256 of each file, in hexadecimal.
    labels
        Class of each.
    is_test
        bool, shape (n,): test images that the model was not trained on.
    can_compare
        bool, shape (n,): images that near-copies can be found of; blank images and those that could
        not be read are not among them.
    hashes
        uint64, shape (n,): perceptual hashes.
    greys
        uint8, shape (n, GREY_SIDE * GREY_SIDE): the images as small grey squares.
    """

    sha256s: tuple[str, ...]
    labels: tuple[str, ...]
    is_test: np.ndarray
    can_compare: np.ndarray
    hashes: np.ndarray
    greys: np.ndarray

    def copies_of(self, content: bytes, rendering: Rendering = PLAIN) -> tuple[KnownCopy, ...]:
        """Return the images that an image is a copy or a near-copy of, the exact copies first.

        Parameters
        ----------
        content
            The bytes of its file.
        rendering
            How its stored values become an image.

        Raises
        ------
        UnreadableImageError
            If it is not a usable image.
        """
        return self.copies_of_measured(
            hashlib.sha256(content).hexdigest(), measure_image(content, rendering)
        )

    def copies_of_measured(
        self, sha256: str, measurement: ImageMeasurement
    ) -> tuple[KnownCopy, ...]:
        """Return the images that a measured image is a copy or a near-copy of; see `copies_of`.

        Parameters
        ----------
        sha256
            SHA-256 of its file, in hexadecimal.
        measurement
            Its measurement, of a usable image.
        """
        exact = self._positions.get(sha256, [])
        comparable, hashes, greys = self._comparable
        close = comparable[near_copies(measurement, hashes, greys)]
        near = [int(position) for position in close if position not in exact]
        return (
            *(self._copy(position, is_exact=True) for position in exact),
            *(self._copy(position, is_exact=False) for position in near),
        )

    @cached_property
    def _positions(self) -> Mapping[str, list[int]]:
        found: dict[str, list[int]] = {}
        for position, sha256 in enumerate(self.sha256s):
            found.setdefault(sha256, []).append(position)
        return found

    @cached_property
    def _comparable(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        positions = np.flatnonzero(self.can_compare)
        return positions, self.hashes[positions], self.greys[positions]

    def _copy(self, position: int, *, is_exact: bool) -> KnownCopy:
        return KnownCopy(
            self.sha256s[position],
            self.labels[position],
            bool(self.is_test[position]),
            is_exact,
        )

    def to_arrays(self, classes: Sequence[str]) -> dict[str, np.ndarray]:
        """Return arrays that `from_arrays` reads, given the sorted classes of the model."""
        position_of = {label: position for position, label in enumerate(classes)}
        digests = b"".join(map(bytes.fromhex, self.sha256s))
        return {
            "sha256s": np.frombuffer(digests, np.uint8).reshape(-1, _SHA256_BYTES),
            "labels": np.array([position_of[label] for label in self.labels], np.int64),
            "is_test": self.is_test,
            "can_compare": self.can_compare,
            "hashes": self.hashes,
            "greys": self.greys,
        }

    @classmethod
    def from_arrays(cls, classes: Sequence[str], arrays: Mapping[str, np.ndarray]) -> "KnownImages":
        """Return the images of a model with these classes.

        Raises
        ------
        KeyError, ValueError
            If the arrays do not belong together.
        """
        n = len(arrays["sha256s"])
        expected = {
            "sha256s": (np.uint8, (n, _SHA256_BYTES)),
            "labels": (np.int64, (n,)),
            "is_test": (np.bool_, (n,)),
            "can_compare": (np.bool_, (n,)),
            "hashes": (np.uint64, (n,)),
            "greys": (np.uint8, (n, GREY_SIDE * GREY_SIDE)),
        }
        for name, (kind, shape) in expected.items():
            if arrays[name].dtype != kind or arrays[name].shape != shape:
                raise ValueError(f"the known images have the wrong {name}")
        labels = arrays["labels"]
        if n and not 0 <= labels.min() <= labels.max() < len(classes):
            raise ValueError("a known image has a class that the model does not have")
        return cls(
            tuple(bytes(row).hex() for row in arrays["sha256s"]),
            tuple(classes[int(position)] for position in labels),
            *(arrays[name] for name in ("is_test", "can_compare", "hashes", "greys")),
        )


def index_known_images(
    learnt: Sequence[Image],
    tested: Sequence[Image],
    measurements: Mapping[str, ImageMeasurement],
    report: Callable[[int, int], None] = lambda done, total: None,
) -> KnownImages:
    """Measure the images of a model, so that copies of them can be recognised.

    Parameters
    ----------
    learnt
        Images that the model is trained on.
    tested
        Test images of its run, which may be among them.
    measurements
        Measurements by `measurement_key`; images without one are read.
    report
        Called with (done, total) after each image; an error that it raises ends the work.
    """
    trained = set(learnt)
    images = [*learnt, *(image for image in dict.fromkeys(tested) if image not in trained)]
    measured: list[ImageMeasurement | None] = []
    readers = ThreadPoolExecutor(_READERS)
    try:
        for measurement in readers.map(lambda image: _measure(image, measurements), images):
            measured.append(measurement)
            report(len(measured), len(images))
    finally:
        readers.shutdown(cancel_futures=True)
    none = ImageMeasurement()
    greys = np.zeros((len(images), GREY_SIDE * GREY_SIDE), np.uint8)
    for row, measurement in zip(greys, measured, strict=True):
        if measurement is not None:
            row[:] = measurement.grey_values
    return KnownImages(
        tuple(image.sha256 for image in images),
        tuple(image.label for image in images),
        np.arange(len(images)) >= len(learnt),
        np.array([each is not None for each in measured], bool),
        np.array([(each or none).perceptual_hash for each in measured], np.uint64),
        greys,
    )


def _measure(image: Image, measurements: Mapping[str, ImageMeasurement]) -> ImageMeasurement | None:
    """Return the measurement of an image; None if it is blank, unreadable or another file now."""
    measurement = measurements.get(measurement_key(image.sha256, image.rendering))
    if measurement is None:
        try:
            content = read_file(Path(image.path))
            if hashlib.sha256(content).hexdigest() != image.sha256:
                return None
            measurement = measure_image(content, image.rendering)
        except UnreadableImageError:
            return None
    return None if is_blank(measurement) else measurement


def describe_copies(copies: Sequence[KnownCopy]) -> str:
    """Return sentences on the images that a new image is a copy of; empty if there are none."""
    said = []
    for is_exact in (True, False):
        for part, is_test in (("training", False), ("test", True)):
            found = [c for c in copies if (c.is_exact, c.is_test) == (is_exact, is_test)]
            if not found:
                continue
            labelled = f"labelled {_listed(sorted({copy.label for copy in found}))}"
            if is_exact:
                said.append(f"This exact image is in the {part} data, {labelled}.")
            else:
                one = len(found) == 1
                which = f"a {part} image" if one else counted(len(found), f"{part} image")
                said.append(f"Nearly the same as {which}, {labelled}.")
    return " ".join(said)


def name_copies(copies: Sequence[KnownCopy]) -> str:
    """Return in few words what a new image is a copy of; empty if it is of none."""
    if not copies:
        return ""
    first = copies[0]
    part = "test" if first.is_test else "training"
    return f"in the {part} data" if first.is_exact else f"near-copy of a {part} image"


def _listed(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
