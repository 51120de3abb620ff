"""Prediction of new images by a model."""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.features import (
    Cell,
    PooledNetwork,
    batch_size,
    concatenate,
    members,
)
from medrecog_core.features.pooled_network import averaged
from medrecog_core.features.pooling import MAP
from medrecog_core.images import (
    UnreadableImageError,
    decode_image,
    decoding_turn,
    is_without_content,
    preprocessing_of_version,
    read_file,
)
from medrecog_core.models.evidence import (
    ExplainedImage,
    can_explain,
    explained_image,
    why_unexplained,
)
from medrecog_core.models.known_images import KnownCopy
from medrecog_core.models.model import Model
from medrecog_core.models.training_images import Resemblance
from medrecog_core.networks import all_installed_weights, check_readable, find_network

_FILES_AT_ONCE = 32

_Pixels = Mapping[int, np.ndarray]
"""Input of the network by scale."""
_Readings = Mapping[tuple[str, str, int], np.ndarray]
"""Output of the network by layer, reading and scale, one row per image."""


@dataclass(frozen=True)
class Prediction:
    """Prediction of an image.

    Attributes
    ----------
    label
        The class with the highest score.
    scores
        Scores of the classifier by class; not probabilities.
    probabilities
        Calibrated probabilities by class; None if the model has none. The most probable class can
        differ from `label`, because calibration takes class frequencies into account.
    at_threshold
        The class according to the decision threshold; None if the model has none.
    resemblance
        Similarity to the training images; None if the model has none of them.
    remark
        A sentence on how the file was read; empty if there is nothing to say.
    copies
        Images of the model that it is a copy or near-copy of; None if the model cannot recognise
        any.
    """

    label: str
    scores: dict[str, float]
    probabilities: dict[str, float] | None = None
    at_threshold: str | None = None
    resemblance: Resemblance | None = None
    remark: str = ""
    copies: tuple[KnownCopy, ...] | None = None


class Predictor:
    """A model with its network in memory, ready for images; it is thread-safe.

    Raises
    ------
    MedrecogError
        If the installed weights are not those that the model was trained with.
    """

    def __init__(self, model: Model) -> None:
        card = model.card
        network, self._members = find_network(card.network), members(card.cell)
        if card.source.weights not in {w.identity for w in all_installed_weights(network)}:
            raise MedrecogError(
                f"The model “{card.name}” was trained with the weights {card.source.weights} "
                f"({card.weights_title}), which are not installed. Install them, or train the "
                "model again."
            )
        check_readable(network, [member.layer for member in self._members], card.source.weights)
        try:
            self._preprocessing = preprocessing_of_version(card.source.preprocessing)
        except MedrecogError:
            raise MedrecogError(
                f"The model “{card.name}” was trained with the preprocessing "
                f"{card.source.preprocessing}, which this version does not support. Train the "
                "model again."
            ) from None
        self.model = model
        self._scales = tuple(sorted({member.scale for member in self._members}))
        readings = {reading for member in self._members for reading in self._readings_of(member)}
        self._network = PooledNetwork(network, readings, card.source.precision, card.source.weights)
        self._lock = threading.Lock()

    def predict(self, contents: Sequence[bytes]) -> list[Prediction | UnreadableImageError]:
        """Classify image files.

        Parameters
        ----------
        contents
            The bytes of each file.

        Returns
        -------
        list
            A prediction or an error for each file.
        """
        answers: list[Prediction | UnreadableImageError] = []
        # Fewer images per batch if they are longer than a square.
        size = batch_size(self._scales[-1], self.model.card.source.precision)
        size = max(1, size // self._preprocessing.largest_proportion)
        for first in range(0, len(contents), size):
            found: dict[int, Prediction | UnreadableImageError] = {}
            notes: dict[int, dict[str, Any]] = {}
            of_shape: dict[tuple[int, ...], dict[int, _Pixels]] = defaultdict(dict)
            for i, content in enumerate(contents[first : first + size]):
                try:
                    pixels, notes[i] = self._pixels(content)
                except UnreadableImageError as error:
                    found[i] = error
                else:
                    shape = tuple(n for each in pixels.values() for n in each.shape)
                    of_shape[shape][i] = pixels
            for batch in of_shape.values():
                readings = self._read(list(batch.values()))
                found |= {
                    i: replace(prediction, **notes[i])
                    for i, prediction in zip(batch, self._classify(readings), strict=True)
                }
            answers += [found[i] for i in sorted(found)]
        return answers

    def explain(self, content: bytes) -> tuple[Prediction, ExplainedImage]:
        """Classify one image file and compute its evidence map in the same pass.

        Parameters
        ----------
        content
            The bytes of the file.

        Raises
        ------
        UnreadableImageError
            If it is not a usable image.
        UsageError
            If the scores of the model are not sums over positions.
        """
        if reason := why_unexplained(self.model.card):
            raise UsageError(f"The model “{self.model.card.name}” has no evidence map. {reason}")
        pixels, notes = self._pixels(content)
        readings = self._read([pixels], with_maps=True)
        (prediction,) = self._classify(readings)
        maps = {m: readings[m.layer, MAP, m.scale][0] for m in self._members}
        explained = explained_image(self.model, pixels[self._scales[-1]], maps)
        return replace(prediction, **notes), explained

    def _readings_of(self, member: Cell) -> list[tuple[str, str]]:
        pooled = (member.layer, member.stored.pooling)
        return [pooled, (member.layer, MAP)] if can_explain(self.model) else [pooled]

    def _pixels(self, content: bytes) -> tuple[_Pixels, dict[str, Any]]:
        """Return the input of the network, and what is known of the file without the network."""
        with decoding_turn():
            image = decode_image(content, rendering=self.model.card.rendering)
            if is_without_content(image):
                n_frames, frame = _frames_of(image)
                read = f"frame {frame} of {n_frames:,} (from 0)" if n_frames > 1 else "the image"
                raise UnreadableImageError(
                    f"{read} has no content; almost all of it has one colour"
                )
            pixels = {scale: self._preprocessing.pixels(image, scale) for scale in self._scales}
            remark = describe_frame(image)
        return pixels, {"remark": remark, "copies": self.model.copies_of(content)}

    def _read(self, images: Sequence[_Pixels], with_maps: bool = False) -> _Readings:
        found: dict[tuple[str, str, int], np.ndarray] = {}
        for scale in self._scales:
            asked = {
                (layer, reading)
                for member in self._members
                if member.scale == scale
                for layer, reading in self._readings_of(member)
                if with_maps or reading != MAP
            }
            batch = np.stack([pixels[scale] for pixels in images])
            with self._lock:
                given = averaged(
                    self._network.descriptors(view, asked)
                    for view in self._preprocessing.views_of(batch)
                )
            found |= {(*reading, scale): values for reading, values in given.items()}
        return found

    def _describe(self, member: Cell, readings: _Readings) -> np.ndarray:
        values = readings[member.layer, member.stored.pooling, member.scale]
        if member not in self.model.codebooks:
            return values
        n, *_, channels = values.shape
        local = values.reshape(n, -1, channels).astype(np.float32)
        return self.model.codebooks[member].encode(local)

    def _classify(self, readings: _Readings) -> list[Prediction]:
        model = self.model
        classes, threshold = model.classifier.classes, model.card.threshold
        descriptors = concatenate([self._describe(m, readings) for m in self._members])
        scores = model.classifier.scores(descriptors)
        calibration, known = model.calibration, model.training_images
        predictions = [
            Prediction(classes[int(row.argmax())], _by_class(classes, row)) for row in scores
        ]
        if calibration is not None:
            probabilities = calibration.probabilities(scores)
            predictions = [
                replace(prediction, probabilities=_by_class(classes, row))
                for prediction, row in zip(predictions, probabilities, strict=True)
            ]
        if threshold is not None:
            decided = threshold.decide(scores[:, classes.index(threshold.positive)])
            predictions = [
                replace(prediction, at_threshold=str(label))
                for prediction, label in zip(predictions, decided, strict=True)
            ]
        if known is not None:
            predictions = [
                replace(prediction, resemblance=resemblance)
                for prediction, resemblance in zip(
                    predictions, known.resemblances(descriptors), strict=True
                )
            ]
        return predictions


def describe_frame(image: Image.Image) -> str:
    """Return a sentence on the frame of a decoded image; empty if the file has only one."""
    n_frames, frame = _frames_of(image)
    if n_frames == 1:
        return ""
    return f"The file has {n_frames:,} frames. Frame {frame} was used (frames count from 0)."


def _frames_of(image: Image.Image) -> tuple[int, int]:
    return image.info.get("frames", 1), image.info.get("frame", 0)


def _by_class(classes: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return dict(zip(classes, map(float, values), strict=True))


def predict_files(
    predictor: Predictor, files: Sequence[Path]
) -> list[Prediction | UnreadableImageError]:
    """Classify image files on disk; unreadable ones give an error instead."""
    answers: list[Prediction | UnreadableImageError] = []
    for first in range(0, len(files), _FILES_AT_ONCE):
        read = [_content(file) for file in files[first : first + _FILES_AT_ONCE]]
        predicted = iter(predictor.predict([each for each in read if isinstance(each, bytes)]))
        answers += [next(predicted) if isinstance(each, bytes) else each for each in read]
    return answers


def _content(file: Path) -> bytes | UnreadableImageError:
    try:
        return read_file(file)
    except UnreadableImageError as error:
        return error
