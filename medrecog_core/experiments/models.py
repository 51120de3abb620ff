"""Trained SVMs on disk, with everything needed to classify a new image; never a pickle."""

import io
import shutil
import time
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medrecog_core import atomic_file
from medrecog_core.classification import LinearSvm, train_svm
from medrecog_core.datasets import check_name
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.experiments.run_folder import RunFolder
from medrecog_core.features import (
    Cell,
    DescriptorSource,
    DescriptorStore,
    HashedImage,
    grid,
    read_descriptors,
)
from medrecog_core.locations import cache_folder, unwritable
from medrecog_core.networks import find_network

_CARD, _ARRAYS = "model.json", "svm.npz"


@dataclass(frozen=True)
class ModelCard:
    """Where a model comes from and how well it did.

    Attributes
    ----------
    name, run, dataset, network
        Names; the model was trained on the training images of the run.
    synthetic
        Whether it was trained on pictures drawn by the program.
    cell, source
        How images are read.
    weights_title
        The weights, for people.
    C, seed
        Of the SVM.
    classes
        Sorted labels.
    accuracy, accuracy_interval, balanced_accuracy, n_train, n_test
        Of the cell, on test images the model has not learnt from; the interval is Wilson's, 95 %.
    created
        Seconds since 1970.
    sample
        Of what part of the data set the images were, as words of a sentence; empty for the whole.
    """

    name: str
    run: str
    dataset: str
    synthetic: bool
    network: str
    cell: Cell
    source: DescriptorSource
    weights_title: str
    C: float
    seed: int
    classes: tuple[str, ...]
    accuracy: float
    accuracy_interval: tuple[float, float]
    balanced_accuracy: float
    n_train: int
    n_test: int
    created: float
    sample: str = ""

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "ModelCard":
        """Return the card in a JSON document.

        Raises
        ------
        KeyError, TypeError
            If the document is no card.
        """
        return cls(
            **{
                **document,
                "cell": Cell(**document["cell"]),
                "source": DescriptorSource(**document["source"]),
                "classes": tuple(document["classes"]),
                "accuracy_interval": tuple(document["accuracy_interval"]),
            }
        )


@dataclass(frozen=True)
class Model:
    """A trained SVM and its card."""

    card: ModelCard
    svm: LinearSvm


def train_model(run: RunFolder, cell: Cell, name: str) -> Model:
    """Train the SVM of a finished cell again, on the run's training images, and keep it.

    The descriptors come from the store; no image is read.

    Raises
    ------
    UsageError
        If the name cannot be used or is taken.
    MedrecogError
        If the run has no such finished cell.
    StorageError
        If descriptors are missing, or the model cannot be written.
    """
    check_name(name)
    if name in model_names():
        raise UsageError(f"There is a model “{name}” already: choose another name.")
    specification, record = run.specification(), run.record()
    result = run.cell(cell) if cell in specification.cells else None
    if result is None:
        finished = ", ".join(r.cell.name for r in run.cells()) or "none yet"
        raise MedrecogError(
            f"The run {run.id} has no finished cell {cell.name}: choose among {finished}."
        )
    source = run.source()
    train = [image for image in run.images() if image.part == "train"]
    files = [HashedImage(Path(image.path), image.sha256) for image in train]
    with DescriptorStore(cache_folder().features) as store:
        network = find_network(specification.network)
        descriptors = read_descriptors(files, cell, network, source, store)
    svm = train_svm(
        descriptors, [image.label for image in train], specification.C, specification.seed
    )
    card = ModelCard(
        name=name,
        run=run.id,
        dataset=specification.dataset,
        synthetic=record["dataset"]["synthetic"],
        network=specification.network,
        cell=cell,
        source=source,
        weights_title=record["weights"]["title"],
        C=specification.C,
        seed=specification.seed,
        classes=svm.classes,
        accuracy=result.metrics.accuracy,
        accuracy_interval=result.metrics.accuracy_interval,
        balanced_accuracy=result.metrics.balanced_accuracy,
        n_train=result.n_train,
        n_test=result.n_test,
        created=time.time(),
        sample=record.get("sample", ""),
    )
    model = Model(card, svm)
    _save(model)
    return model


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
        return Model(card, _read_svm(folder / _ARRAYS, card))
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
    if name not in model_names():
        raise MedrecogError(f"There is no model “{name}”: there are {_known()}.")
    folder = cache_folder().models / name
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(unwritable(folder, error)) from error


def _read_svm(file: Path, card: ModelCard) -> LinearSvm:
    network, cell = find_network(card.network), card.cell
    grid(network, [cell.layer], [cell.scale], [cell.pooling])  # raises where it does not exist
    with np.load(file, allow_pickle=False) as arrays:
        weights, biases = arrays["weights"], arrays["biases"]
    n_classes, channels = len(card.classes), network.layer(cell.layer).channels
    if weights.shape != (n_classes, channels) or biases.shape != (n_classes,):
        raise ValueError("the arrays have not the shape that the card asks for")
    if not (np.isfinite(weights).all() and np.isfinite(biases).all()):
        raise ValueError("a number of the arrays is not finite")
    return LinearSvm(card.classes, weights, biases)


def _known() -> str:
    return ", ".join(model_names()) or "none yet"


def _save(model: Model) -> None:
    folder = cache_folder().models / model.card.name
    buffer = io.BytesIO()
    np.savez(buffer, weights=model.svm.weights, biases=model.svm.biases)
    atomic_file.write_bytes(folder / _ARRAYS, buffer.getvalue())
    # The card last: a model without one does not exist.
    atomic_file.write_json(folder / _CARD, asdict(model.card))
