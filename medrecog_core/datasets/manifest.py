"""Data sets on disk: manifest and exclusions, in two files."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.bounds import KNOWN_ONLY, Count, Sha256
from medrecog_core.datasets.dataset import (
    Dataset,
    DatasetWarning,
    Exclusion,
    FileState,
    ImageRecord,
    LeftOut,
)
from medrecog_core.datasets.exclusions import CLASSES, read_choice
from medrecog_core.datasets.label_review import LABELS, read_review
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.images import PLAIN, Rendering

MANIFEST = "dataset.json"
EXCLUSIONS = "exclusions.json"

_Text4 = tuple[str, str, str, str]
_State = tuple[str, str, str, str, Sha256, Count, Count, Count, Count, str]


_N_OWN_FIELDS = 4


class _Metadata(BaseModel):
    """Further columns of a table, and a row of values for each image."""

    model_config = KNOWN_ONLY

    columns: tuple[str, ...] = ()
    images: dict[str, tuple[str, ...]] = {}


class _Manifest(BaseModel):
    """A manifest; an image is its path, label, split and group, and the state of its file."""

    model_config = KNOWN_ONLY

    name: str = ""
    root: str
    layout: str
    synthetic: bool = False
    images: tuple[_State | _Text4, ...]
    left_out: tuple[LeftOut, ...]
    rendering: Rendering | None = None
    warnings: tuple[DatasetWarning, ...] = ()
    unlabelled: tuple[str, ...] = ()
    folds: dict[str, str] = {}
    frames: dict[str, Count] = {}
    n_frames: dict[str, Count] = {}
    metadata: _Metadata = _Metadata()


_EXCLUSIONS = TypeAdapter(list[tuple[str, str, str]])


def write_manifest(folder: Path, dataset: Dataset) -> None:
    """Write a data set except its exclusions.

    A root below the folder is written relative to it, so that a copied cache folder works.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    root = dataset.root
    relative = root.relative_to(folder) if root.is_relative_to(folder) else root
    atomic_file.write_json(folder / MANIFEST, manifest_document(dataset, str(relative)))


def manifest_document(dataset: Dataset, root: str) -> dict[str, Any]:
    """Return a data set except its exclusions, as JSON values.

    Parameters
    ----------
    dataset
        The data set.
    root
        The folder of its images, absolute or relative to the folder of the document.

    Returns
    -------
    dict
        Values; defaults are omitted, so that earlier versions can read the rest.
    """
    images = dataset.every_image
    return {
        "name": dataset.name,
        "root": root,
        "layout": dataset.layout,
        "synthetic": dataset.synthetic,
        "images": [_fields(image) for image in images],
        "left_out": [asdict(entry) for entry in dataset.left_out],
        **_unusual(
            rendering=None if dataset.rendering == PLAIN else dataset.rendering.to_document(),
            warnings=[asdict(warning) for warning in dataset.warnings],
            unlabelled=list(dataset.unlabelled),
            metadata=_rows_of_metadata(dataset.metadata),
            folds={image.path: image.fold for image in images if image.fold},
            frames={image.path: image.frame for image in images if image.frame is not None},
            n_frames={
                image.path: image.file.n_frames
                for image in images
                if image.file is not None and image.file.n_frames != 1
            },
        ),
    }


def exclusions_document(dataset: Dataset) -> list[list[str]]:
    """Return the exclusions as JSON values."""
    return [[each.image.path, each.finding, each.reason] for each in dataset.excluded]


def write_exclusions(folder: Path, dataset: Dataset) -> None:
    """Write the exclusions.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    atomic_file.write_json(folder / EXCLUSIONS, exclusions_document(dataset))


def read_dataset(folder: Path, name: str) -> Dataset:
    """Return the data set of a folder as runs use it.

    That is with its exclusions, its reviewed labels and its choice of classes.

    Raises
    ------
    FileNotFoundError
        If the folder has no manifest.
    StorageError
        If the manifest or one of these documents is damaged.
    """
    return as_used(folder, read_imported(folder, name))


def as_used(folder: Path, imported: Dataset) -> Dataset:
    """Return a data set with the reviewed labels and the choice of classes in its folder.

    Raises
    ------
    StorageError
        If one of the two is damaged.
    """
    try:
        reviewed = read_review(folder).applied(imported)
    except StorageError:
        raise
    except MedrecogError as error:
        raise StorageError(
            f"The reviewed labels {folder.name}/{LABELS} leave fewer than two classes. Delete the "
            "file to use the imported labels."
        ) from error
    try:
        return read_choice(folder).applied(reviewed)
    except StorageError:
        raise
    except MedrecogError as error:
        raise StorageError(
            f"The choice of classes {folder.name}/{CLASSES} leaves fewer than two classes. Delete "
            "it to use every class."
        ) from error


def read_imported(folder: Path, name: str) -> Dataset:
    """Return the data set of a folder with its imported classes and its exclusions.

    Manifests of earlier versions do not describe the files; their images have no state.

    Raises
    ------
    FileNotFoundError
        If the folder has no manifest.
    StorageError
        If the manifest or the list of exclusions is damaged.
    """
    document = atomic_file.read_json(folder / MANIFEST)
    try:
        manifest = _Manifest.model_validate(document)
        dataset = Dataset(
            name,
            folder / manifest.root,
            tuple(_images(manifest)),
            manifest.layout,
            manifest.synthetic,
            left_out=manifest.left_out,
            rendering=manifest.rendering or PLAIN,
            warnings=manifest.warnings,
            unlabelled=manifest.unlabelled,
            metadata=_metadata(manifest.metadata),
        )
    except (ValueError, MedrecogError) as error:
        raise StorageError(
            f"The description of the data set “{name}” is damaged. Delete the data set and add it "
            "again."
        ) from error
    return excluding_as_written(folder, dataset)


def excluding_as_written(folder: Path, dataset: Dataset) -> Dataset:
    """Return the data set with the exclusions in its folder.

    Exclusions of images that no longer exist are ignored.

    Raises
    ------
    StorageError
        If the list is damaged.
    """
    try:
        rows = atomic_file.read_json(folder / EXCLUSIONS)
    except FileNotFoundError:
        return dataset
    image_of = {image.path: image for image in dataset.every_image}
    try:
        exclusions = {
            path: Exclusion(image_of[path], finding, reason)
            for path, finding, reason in _EXCLUSIONS.validate_python(rows)
            if path in image_of
        }
        return dataset.excluding(exclusions.values())
    except (ValueError, MedrecogError) as error:
        raise StorageError(
            f"The list of excluded images {folder.name}/{EXCLUSIONS} is damaged. Delete it to "
            "restore every image."
        ) from error


def _fields(image: ImageRecord) -> list[Any]:
    fields = [image.path, image.label, image.split, image.group]
    if image.file is None:
        return fields
    state = image.file
    return [
        *fields,
        state.sha256,
        state.n_bytes,
        state.modified,
        state.width,
        state.height,
        state.mode,
    ]


def _unusual(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}


def _images(manifest: _Manifest) -> Iterable[ImageRecord]:
    for row in manifest.images:
        path, label, split, group = row[:4]
        fold, frame = manifest.folds.get(path, ""), manifest.frames.get(path)
        n_frames = manifest.n_frames.get(path, 1)
        file = replace(FileState(*row[4:]), n_frames=n_frames) if len(row) > _N_OWN_FIELDS else None
        yield ImageRecord(path, label, split, group, file, fold, frame)


def _rows_of_metadata(metadata: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return metadata with one row a file, whose path is much longer than its values."""
    if not metadata:
        return {}
    paths = sorted({path for values in metadata.values() for path in values})
    rows = {path: [values.get(path, "") for values in metadata.values()] for path in paths}
    return {"columns": list(metadata), "images": rows}


def _metadata(kept: _Metadata) -> dict[str, dict[str, str]]:
    metadata: dict[str, dict[str, str]] = {name: {} for name in kept.columns}
    for path, row in kept.images.items():
        for values, value in zip(metadata.values(), row, strict=True):
            if value:
                values[path] = value
    return metadata
