"""Labels for new images, from a trained model."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medrecog_core.errors import MedrecogError
from medrecog_core.features import PooledNetwork, batch_size
from medrecog_core.images import (
    UnreadableImageError,
    decode_image,
    preprocessing_of_version,
    read_file,
)
from medrecog_core.models.model import Model
from medrecog_core.networks import all_installed_weights, check_readable, find_network

_FILES_AT_ONCE = 32


@dataclass(frozen=True)
class Prediction:
    """What a model says of an image.

    Attributes
    ----------
    label
        The class of the greatest score.
    scores
        From class to SVM decision value; not a probability.
    """

    label: str
    scores: dict[str, float]


class Predictor:
    """A model with its network in memory, ready for images; may be shared by threads.

    Raises
    ------
    MedrecogError
        If the installed weights are not those that the model was trained with.
    """

    def __init__(self, model: Model) -> None:
        card = model.card
        network = find_network(card.network)
        if card.source.weights not in {w.identity for w in all_installed_weights(network)}:
            raise MedrecogError(
                f"The model “{card.name}” was trained with the weights {card.source.weights}, "
                "which are not installed: install them, or train it again."
            )
        check_readable(network, [card.cell.layer], card.source.weights)
        try:
            self._preprocessing = preprocessing_of_version(card.source.preprocessing)
        except MedrecogError:
            raise MedrecogError(
                f"The model “{card.name}” was trained with the preprocessing "
                f"{card.source.preprocessing}, which this version does not have: train it again."
            ) from None
        self.model = model
        self._reading = (card.cell.layer, card.cell.stored.pooling)
        self._network = PooledNetwork(
            network, [self._reading], card.source.precision, card.source.weights
        )
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
            A prediction, or why there is none, for each file.
        """
        card = self.model.card
        answers: list[Prediction | UnreadableImageError] = []
        # Of images longer than a square, so many fewer.
        size = batch_size(card.cell.scale, card.source.precision)
        size = max(1, size // self._preprocessing.largest_proportion)
        for first in range(0, len(contents), size):
            found: dict[int, Prediction | UnreadableImageError] = {}
            of_shape: dict[tuple[int, ...], dict[int, np.ndarray]] = defaultdict(dict)
            for i, content in enumerate(contents[first : first + size]):
                try:
                    pixels = self._preprocessing.pixels(decode_image(content), card.cell.scale)
                except UnreadableImageError as error:
                    found[i] = error
                else:
                    of_shape[pixels.shape][i] = pixels
            for batch in of_shape.values():
                found |= zip(batch, self._classify(list(batch.values())), strict=True)
            answers += [found[i] for i in sorted(found)]
        return answers

    def _classify(self, images: list[np.ndarray]) -> list[Prediction]:
        with self._lock:
            descriptors = self._network.descriptors(np.stack(images))[self._reading]
        svm, codebook = self.model.svm, self.model.codebook
        if codebook is not None:
            n, *_, channels = descriptors.shape
            descriptors = codebook.encode(descriptors.reshape(n, -1, channels).astype(np.float32))
        return [
            Prediction(
                svm.classes[int(scores.argmax())],
                dict(zip(svm.classes, map(float, scores), strict=True)),
            )
            for scores in svm.scores(descriptors)
        ]


def predict_files(
    predictor: Predictor, files: Sequence[Path]
) -> list[Prediction | UnreadableImageError]:
    """Classify image files on disk; those that cannot be read give the reason instead."""
    answers: list[Prediction | UnreadableImageError] = []
    for first in range(0, len(files), _FILES_AT_ONCE):
        contents: list[bytes] = []
        unread: dict[Path, UnreadableImageError] = {}
        chunk = files[first : first + _FILES_AT_ONCE]
        for file in chunk:
            try:
                contents.append(read_file(file))
            except UnreadableImageError as error:
                unread[file] = error
        predicted = iter(predictor.predict(contents))
        answers += [unread[file] if file in unread else next(predicted) for file in chunk]
    return answers
