"""Models on disk: arrays and JSON, never a pickle."""

import io
import shutil
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from medrecog_core import atomic_file
from medrecog_core.classification import FittedNormalisation, LinearSvm
from medrecog_core.datasets import check_name
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.features import Codebook, grid
from medrecog_core.locations import cache_folder, unwritable
from medrecog_core.mode import check_may_change
from medrecog_core.models.model import Model, ModelCard
from medrecog_core.networks import find_network

_CARD, _SVM, _CODEBOOK = "model.json", "svm.npz", "codebook.npz"


def save_model(model: Model) -> None:
    """Keep a model, in the place of one of the same name.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    check_may_change("keep a model")
    folder = cache_folder().models / model.card.name
    _write_arrays(
        folder / _SVM,
        weights=model.svm.weights,
        biases=model.svm.biases,
        **model.svm.normalisation.to_arrays(),
    )
    if model.codebook is not None:
        _write_arrays(folder / _CODEBOOK, **model.codebook.to_arrays())
    # The card last: a model without one does not exist.
    atomic_file.write_json(folder / _CARD, asdict(model.card))


def model_names() -> list[str]:
    """Return the names of all models."""
    return sorted(file.parent.name for file in cache_folder().models.glob(f"*/{_CARD}"))


def load_model(name: str) -> Model:
    """Return the model of that name.

    Raises
    ------
    MedrecogError
        If there is none.
    StorageError
        If it is damaged.
    """
    folder = cache_folder().models / check_name(name)
    if not (folder / _CARD).is_file():
        raise MedrecogError(f"There is no model “{name}”: there are {_known()}.")
    try:
        card = ModelCard.from_document(atomic_file.read_json(folder / _CARD))
        return _read_model(folder, card)
    except (
        AttributeError,
        EOFError,
        KeyError,
        MedrecogError,
        OSError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise StorageError(
            f"The model “{name}” in {folder} is damaged: delete that folder and train it again."
        ) from error


def delete_model(name: str) -> None:
    """Delete a model.

    Raises
    ------
    MedrecogError
        If there is none of that name.
    """
    check_may_change("delete a model")
    if name not in model_names():
        raise MedrecogError(f"There is no model “{name}”: there are {_known()}.")
    folder = cache_folder().models / name
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(unwritable(folder, error)) from error


def _read_model(folder: Path, card: ModelCard) -> Model:
    network, cell = find_network(card.network), card.cell
    grid(network, [cell.layer], [cell.scale], [cell.pooling])  # raises where it does not exist
    length, codebook = network.layer(cell.layer).channels, None
    if cell.is_encoded:
        with np.load(folder / _CODEBOOK, allow_pickle=False) as arrays:
            codebook = Codebook.from_arrays(cell.pooling, arrays, channels=length)
        length = codebook.length
    return Model(card, _read_svm(folder / _SVM, card, length), codebook)


def _read_svm(file: Path, card: ModelCard, length: int) -> LinearSvm:
    with np.load(file, allow_pickle=False) as arrays:
        weights, biases = arrays["weights"], arrays["biases"]
        normalisation = FittedNormalisation.from_arrays(card.normalisation, arrays)
    if normalisation.mean is not None and normalisation.mean.shape != (length,):
        raise ValueError("the normalisation is one of other descriptors")
    if normalisation.projection is not None and normalisation.projection.ndim == 2:
        length = normalisation.projection.shape[1]
    n_classes = len(card.classes)
    if weights.shape != (n_classes, length) or biases.shape != (n_classes,):
        raise ValueError("the arrays have not the shape that the card asks for")
    if not (np.isfinite(weights).all() and np.isfinite(biases).all()):
        raise ValueError("a number of the arrays is not finite")
    return LinearSvm(card.classes, weights, biases, normalisation)


def _known() -> str:
    return ", ".join(model_names()) or "none yet"


def _write_arrays(file: Path, **arrays: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    atomic_file.write_bytes(file, buffer.getvalue())
