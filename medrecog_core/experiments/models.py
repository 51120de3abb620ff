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
from medrecog_core.classification import FittedNormalisation, LinearSvm, choose_c, train_svm
from medrecog_core.datasets import check_name
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.experiments.cell_evaluation import INNER_FOLDS
from medrecog_core.experiments.run_folder import RunFolder
from medrecog_core.features import (
    AnyCell,
    Cell,
    Codebook,
    DescriptorSource,
    DescriptorStore,
    Fusion,
    HashedImage,
    describe_images,
    grid,
    learn_cell_codebook,
)
from medrecog_core.locations import cache_folder, unwritable
from medrecog_core.networks import find_network

_CARD, _SVM, _CODEBOOK = "model.json", "svm.npz", "codebook.npz"


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
    C, normalisation, seed
        Of the SVM, and of the descriptors before it.
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
    normalisation: str
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
    """A trained SVM and its card, and the codebook where its cell is one of an encoding."""

    card: ModelCard
    svm: LinearSvm
    codebook: Codebook | None = None


def train_model(run: RunFolder, cell: AnyCell, name: str) -> Model:
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
    if isinstance(cell, Fusion):
        raise MedrecogError(
            f"The fusion {cell.name} cannot become a model yet: choose a single cell."
        )
    source = run.source()
    train = run.trained_images()
    files = [HashedImage(Path(image.path), image.sha256) for image in train]
    with DescriptorStore(cache_folder().features) as store:
        where = (find_network(specification.network), source, store)
        codebook = learn_cell_codebook(
            files, cell, *where, specification.n_words, specification.seed
        )
        descriptors = describe_images(files, cell, codebook, *where)
    labels = [image.label for image in train]
    options: dict[str, Any] = {
        "class_weight": specification.class_weight,
        "normalisation": specification.normaliser,
    }
    C = specification.C[0]
    if len(specification.C) > 1:
        groups = [image.group for image in train] if specification.keep_groups else None
        chosen = choose_c(
            descriptors,
            labels,
            specification.C,
            groups=groups,
            n_folds=INNER_FOLDS,
            seed=specification.seed,
            **options,
        )
        C = chosen.C
    svm = train_svm(descriptors, labels, C, specification.seed, **options)
    card = ModelCard(
        name=name,
        run=run.id,
        dataset=specification.dataset,
        synthetic=record["dataset"]["synthetic"],
        network=specification.network,
        cell=cell,
        source=source,
        weights_title=record["weights"]["title"],
        C=C,
        normalisation=svm.normalisation.kind,
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
    model = Model(card, svm, codebook)
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


def _save(model: Model) -> None:
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


def _write_arrays(file: Path, **arrays: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    atomic_file.write_bytes(file, buffer.getvalue())
