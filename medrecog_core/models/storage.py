"""Models on disk: arrays and JSON, never a pickle."""

import contextlib
import hashlib
import io
import math
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from medrecog_core import atomic_file
from medrecog_core.access import Action
from medrecog_core.classification import (
    DEFAULT_CLASSIFIER,
    Calibration,
    FittedNormalisation,
    NoveltyDetector,
    TrainedClassifier,
    l2_normalise,
)
from medrecog_core.datasets import check_name
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.features import Cell, Codebook, Fusion, grid, members
from medrecog_core.images import PLAIN, Image
from medrecog_core.images.rendering import rows_document, rows_of_document
from medrecog_core.jobs.locks import locked
from medrecog_core.locations import cache_folder, unwritable
from medrecog_core.mode import check_may_change, check_may_view
from medrecog_core.models.known_images import KnownImages
from medrecog_core.models.model import Model, ModelCard, check_kept
from medrecog_core.models.outside_test import OutsideTest, tests_of_document
from medrecog_core.models.training_images import TrainingImages
from medrecog_core.networks import find_network
from medrecog_core.networks.stored_array import open_npy_member
from medrecog_core.ownership import check_may_change_in, may_change, sign
from medrecog_core.regular_file import read_regular
from medrecog_core.trash import Trash


def write_arrays(**arrays: Any) -> bytes:
    """Return arrays as an uncompressed `.npz` file."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_arrays(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays by name that `write_arrays` wrote.

    Raises
    ------
    EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile
        If the content is not valid, would need unpickling, or declares more than it contains.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > len(content):
            raise ValueError("the arrays are larger than their file")
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError("the arrays are compressed")
            stored = open_npy_member(archive, member.filename.removesuffix(".npy"))
            if math.prod(stored.shape) * stored.dtype.itemsize > member.file_size:
                raise ValueError("an array declares more numbers than it contains")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


FORMAT = 5
"""Format of the files; earlier formats are read too, and files without a number have format 1.

The card of a stored model has the hashes of its files (format 5). An exported one, whose file has
them, is written in the earliest format that is sufficient, so that earlier versions can read it if
possible: linear SVMs of plain images in format 2, those of images with another rendering in format
3, and other classifiers in format 4.
"""
_FORMAT_OF_PLAIN, _FORMAT_OF_RENDERINGS, _FORMAT_OF_CLASSIFIERS = 2, 3, 4

CARD, CALIBRATION = "model.json", "calibration.npz"
DESCRIPTORS, IMAGES = "training-images.npz", "training-images.json"
KNOWN = "known-images.npz"
"""Not in the card, so that earlier versions can read the model; they ignore the file."""
OUTSIDE = "outside-tests.json"
"""Without a hash in the card, because tests are added and deleted later."""

MODEL_TRASH = Trash("model", lambda: cache_folder().models, lambda folder: folder.name)
"""The deleted models."""

_SAVING = ".saving"
_SECONDS_TO_SAVE = 60

_T = TypeVar("_T")

_SHA256 = re.compile("[0-9a-f]{64}")

DAMAGE = (
    AttributeError,
    EOFError,
    KeyError,
    MedrecogError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
)
"""Errors raised by reading files that are damaged or not a model."""


class NewerModelError(MedrecogError):
    """The model was written by a newer version of the program."""


def save_model(model: Model) -> None:
    """Save a model, completely or not at all.

    Raises
    ------
    UsageError
        If the name cannot be used or is taken.
    StorageError
        If it cannot be written.
    """
    check_may_change("save a model", Action.ADD)
    name = check_name(model.card.name)
    folder = cache_folder().models / name
    with lock_model(name):
        check_free(name)
        files = model_files(model)
        staged = cache_folder().models / _SAVING / name
        try:
            for rest in (staged, folder):  # of a killed process: it has no card
                shutil.rmtree(rest, ignore_errors=True)
            for file, content in files.items():
                atomic_file.write_bytes(staged / file, content)
            hashes = {file: _hash(content) for file, content in files.items() if file != OUTSIDE}
            document = {**card_document(model.card), "format": FORMAT, "files": hashes}
            atomic_file.write_json(staged / CARD, document)
            sign(staged)
            try:
                staged.replace(folder)
            except OSError as error:
                raise StorageError(unwritable(folder, error)) from error
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def check_free(name: str) -> None:
    """Reject the name of a new model if it cannot be used or is taken.

    Raises
    ------
    UsageError
        If so.
    """
    if check_name(name) in model_names():
        raise UsageError(f"A model named “{name}” already exists. Choose another name.")


def lock_model(name: str) -> contextlib.AbstractContextManager[None]:
    """Return a lock on the name of a model, held while it is written or deleted.

    Raises
    ------
    MedrecogError
        If another process holds it.
    """
    return locked(
        cache_folder().models / _SAVING / f"{name}.lock",
        f"Another process is saving a model named “{name}”. Choose another name.",
        _SECONDS_TO_SAVE,
    )


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def card_document(card: ModelCard) -> dict[str, Any]:
    """Return a card as JSON values, with the number of the format."""
    return {"format": format_of(card), **card.to_document()}


def format_of(card: ModelCard) -> int:
    """Return the number of the format that a model is written in."""
    if card.classifier != DEFAULT_CLASSIFIER:
        return _FORMAT_OF_CLASSIFIERS
    return _FORMAT_OF_PLAIN if card.rendering == PLAIN else _FORMAT_OF_RENDERINGS


def model_files(model: Model) -> dict[str, bytes]:
    """Return the content of a model's files by name, without the card."""
    known = model.training_images
    files = {classifier_file(model.card): write_arrays(**model.classifier.to_arrays())}
    for member, codebook in model.codebooks.items():
        files[codebook_file(model.card.cell, member)] = write_arrays(**codebook.to_arrays())
    if model.calibration is not None:
        files[CALIBRATION] = write_arrays(**model.calibration.to_arrays())
    if known is not None:
        arrays = known.detector.to_arrays()
        # Half the size; the change in cosine distances is negligible.
        arrays["descriptors"] = arrays["descriptors"].astype(np.float16)
        files[DESCRIPTORS] = write_arrays(**arrays)
        rows = [[image.path, image.label, image.sha256] for image in known.images]
        renderings = [image.rendering for image in known.images]
        files[IMAGES] = atomic_file.encoded_json(rows_document(rows, renderings))
    if model.known_images is not None:
        files[KNOWN] = write_arrays(**model.known_images.to_arrays(model.card.classes))
    if model.outside_tests:
        files[OUTSIDE] = _encoded_tests(model.outside_tests)
    return files


def _encoded_tests(tests: Sequence[OutsideTest]) -> bytes:
    return atomic_file.encoded_json([test.to_document() for test in tests])


def classifier_file(card: ModelCard) -> str:
    """Return the name of the file of a model's classifier."""
    return "svm.npz" if card.classifier == DEFAULT_CLASSIFIER else f"{card.classifier}.npz"


def codebook_file(cell: Cell | Fusion, member: Cell) -> str:
    """Return the name of the file of a member's codebook."""
    return "codebook.npz" if cell == member else f"codebook-{member.name}.npz"


def model_names() -> list[str]:
    """Return the names of all models."""
    check_may_view()
    return sorted(file.parent.name for file in cache_folder().models.glob(f"*/{CARD}"))


def read_card(name: str) -> ModelCard:
    """Return the card of a model without reading its arrays.

    Raises
    ------
    MedrecogError
        If there is no such model, or a newer version wrote it.
    StorageError
        If the card is damaged.
    """
    return _read(name, lambda read: _card(name, read)[0])


def n_bytes_of(name: str) -> int:
    """Return the size of a model on disk in bytes."""
    folder = cache_folder().models / check_name(name)
    return sum(file.lstat().st_size for file in folder.iterdir())


def load_model(name: str) -> Model:
    """Return the model of that name.

    Raises
    ------
    MedrecogError
        If there is none, or a newer version wrote it.
    StorageError
        If it is damaged.
    """
    return _read(name, lambda read: read_model(name, read))


def _read(name: str, kind: Callable[[Callable[[str], bytes]], _T]) -> _T:
    check_may_view()
    folder = cache_folder().models / check_name(name)
    if not (folder / CARD).exists():
        raise MedrecogError(f"Unknown model “{name}”. Available: {_known()}.")
    try:
        return kind(lambda file: read_regular(folder / file))
    except NewerModelError:
        raise
    except DAMAGE as error:
        raise StorageError(
            f"The model “{name}” is damaged. Delete it and train the model again."
        ) from error


def is_changeable(name: str) -> bool:
    """Return whether who is acting may delete a model."""
    return may_change(cache_folder().models / name)


def read_outside_tests(name: str) -> tuple[OutsideTest, ...]:
    """Return the tests of a model on other data sets without reading its arrays.

    Raises
    ------
    MedrecogError
        If there is no such model, or a newer version wrote it.
    StorageError
        If it is damaged.
    """
    return _read(name, lambda read: _outside_tests(_card(name, read)[0], read))


def keep_test(name: str, test: OutsideTest) -> None:
    """Keep a test of a model on another data set, instead of an earlier one on the same.

    Raises
    ------
    MedrecogError
        If there is no such model.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change_in(cache_folder().models / name, "test a model")
    with lock_model(name):
        others = [each for each in read_outside_tests(name) if each.dataset != test.dataset]
        _write_tests(name, sorted([*others, test], key=lambda each: each.dataset))


def delete_test(name: str, dataset: str) -> None:
    """Delete the test of a model on a data set.

    Raises
    ------
    MedrecogError
        If there is no such model or test.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change_in(cache_folder().models / name, "delete a test of a model")
    with lock_model(name):
        tests = read_outside_tests(name)
        kept = [test for test in tests if test.dataset != dataset]
        if len(kept) == len(tests):
            known = ", ".join(test.dataset for test in tests) or "none"
            raise MedrecogError(
                f"The model “{name}” has no test on “{dataset}”. Available: {known}."
            )
        _write_tests(name, kept)


def _write_tests(name: str, tests: Sequence[OutsideTest]) -> None:
    file = cache_folder().models / name / OUTSIDE
    if tests:
        atomic_file.write_bytes(file, _encoded_tests(tests))
        return
    try:
        file.unlink()
    except OSError as error:
        raise StorageError(unwritable(file, error)) from error


def delete_model(name: str) -> None:
    """Move a model to the trash.

    Raises
    ------
    MedrecogError
        If there is none of that name.
    StorageError
        If it cannot be moved.
    """
    check_may_change_in(cache_folder().models / name, "delete a model")
    if name not in model_names():
        raise MedrecogError(f"Unknown model “{name}”. Available: {_known()}.")
    with lock_model(name):
        MODEL_TRASH.put(cache_folder().models / name)


def read_model(title: str, read: Callable[[str], bytes]) -> Model:
    """Read a model from files and check all arrays against its card.

    Parameters
    ----------
    title
        Name in error messages.
    read
        Function from the name of a file to its content; raises FileNotFoundError if it is missing.

    Raises
    ------
    NewerModelError
        If a newer version wrote it.
    Exception
        One of `DAMAGE`, if it is damaged.
    """
    card, hashes = _card(title, read)
    outside_tests = _outside_tests(card, read)
    if hashes is not None:
        read = _checked(read, hashes)
    network, codebooks, length = find_network(card.network), {}, 0
    for member in members(card.cell):
        grid(network, [member.layer], [member.scale], [member.pooling])  # raises if it is not valid
        if member.is_encoded:
            channels = network.layer(member.layer).channels
            arrays = read_arrays(read(codebook_file(card.cell, member)))
            codebooks[member] = Codebook.from_arrays(member.pooling, arrays, channels=channels)
            _check_names(arrays, codebooks[member].to_arrays())
            length += codebooks[member].length
        else:
            length += member.stored_length(network)
    calibration = None
    if card.calibration is not None:
        arrays = read_arrays(read(CALIBRATION))
        calibration = Calibration.from_arrays(card.classes, arrays)
        _check_names(arrays, calibration.to_arrays())
    if card.threshold is not None:
        _check_threshold(card)
    classifier = _classifier(card, read_arrays(read(classifier_file(card))), length)
    return Model(
        card,
        classifier,
        codebooks,
        calibration,
        _training_images(card, read, length),
        _known_images(card, read),
        outside_tests,
    )


def _card(title: str, read: Callable[[str], bytes]) -> tuple[ModelCard, Mapping[str, str] | None]:
    """Return a card, and the hashes of the model's files if it has them."""
    document = atomic_file.parse_json(read(CARD))
    written_as = document.pop("format", 1)
    hashes = document.pop("files", None)
    if not isinstance(written_as, int):
        raise TypeError("the format is not a number")
    if written_as > FORMAT:
        raise NewerModelError(
            f"The model “{title}” was written by a newer version of medrecog (format "
            f"{written_as}; this version reads formats up to {FORMAT}). Update medrecog."
        )
    card = ModelCard.from_document(document)
    if card.positive and card.positive not in card.classes:
        raise ValueError("the positive class is not one of the classes")
    return card, hashes


def _checked(read: Callable[[str], bytes], hashes: Mapping[str, str]) -> Callable[[str], bytes]:
    """Return a function that reads a file and raises ValueError if it has another hash."""

    def checked(file: str) -> bytes:
        content = read(file)
        if hashes[file] != _hash(content):
            raise ValueError(f"{file} is not the file of this card")
        return content

    return checked


def _classifier(
    card: ModelCard, arrays: Mapping[str, np.ndarray], length: int
) -> TrainedClassifier:
    normalisation = FittedNormalisation.from_arrays(card.normalisation, arrays)
    if normalisation.mean is not None and normalisation.mean.shape != (length,):
        raise ValueError("the normalisation does not fit the descriptors")
    if normalisation.projection is not None and normalisation.projection.ndim == 2:
        length = normalisation.projection.shape[1]
    kept = card.trained_classifier.bytes_kept(card.n_learnt, length)
    check_kept(card.n_learnt, kept)
    if card.bytes_kept != kept or (kept and kept not in {a.nbytes for a in arrays.values()}):
        raise ValueError("the card does not state the training features that the model contains")
    classifier = card.trained_classifier.read(card.classes, normalisation, length, arrays)
    _check_names(arrays, classifier.to_arrays())
    return classifier


def _check_names(arrays: Mapping[str, np.ndarray], known: Mapping[str, np.ndarray]) -> None:
    if set(arrays) != set(known):
        raise ValueError("a file has arrays that are no part of a model")


def _training_images(
    card: ModelCard, read: Callable[[str], bytes], length: int
) -> TrainingImages | None:
    if not card.n_indexed:
        return None
    arrays = read_arrays(read(DESCRIPTORS))
    rows = l2_normalise(arrays["descriptors"]).astype(np.float32)
    detector = NoveltyDetector.from_arrays({**arrays, "descriptors": rows})
    _check_names(arrays, detector.to_arrays())
    images = tuple(
        Image(str(path), str(sha256), str(label), rendering=rendering)
        for (path, label, sha256), rendering in rows_of_document(
            atomic_file.parse_json(read(IMAGES))
        )
    )
    if rows.shape != (card.n_indexed, length) or len(images) != card.n_indexed:
        raise ValueError("the training images do not match their descriptors")
    if not all(_SHA256.fullmatch(image.sha256) for image in images):
        raise ValueError("a training image has no SHA-256")
    if not {image.label for image in images} <= set(card.classes):
        raise ValueError("a training image has a class that the model does not have")
    return TrainingImages(images, detector)


def _known_images(card: ModelCard, read: Callable[[str], bytes]) -> KnownImages | None:
    try:
        content = read(KNOWN)
    except FileNotFoundError:
        return None
    return KnownImages.from_arrays(card.classes, read_arrays(content))


def _outside_tests(card: ModelCard, read: Callable[[str], bytes]) -> tuple[OutsideTest, ...]:
    try:
        content = read(OUTSIDE)
    except FileNotFoundError:
        return ()
    tests = tests_of_document(atomic_file.parse_json(content))
    if any(test.classes != card.classes for test in tests):
        raise ValueError("a test has other classes than the model")
    return tests


def _check_threshold(card: ModelCard) -> None:
    threshold = card.threshold
    if threshold is None or {threshold.positive, threshold.negative} != set(card.classes):
        raise ValueError("the decision threshold does not match the classes")
    if not np.isfinite(threshold.threshold):
        raise ValueError("the decision threshold is not finite")


def _known() -> str:
    return ", ".join(model_names()) or "none"
