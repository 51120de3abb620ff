"""Files of a public data set that another data set already contains."""

import os
import shutil
from pathlib import Path

from medrecog_core.datasets import library
from medrecog_core.datasets.catalogue import CATALOGUE, CatalogueEntry, PublishedFile
from medrecog_core.datasets.dataset import Dataset
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.locations import cache_folder, unwritable

DOWNLOAD = "download"
"""Folder with the published files of a data set."""


def larger_set(entry: CatalogueEntry) -> Dataset | None:
    """Return a data set that contains all images of an entry, if there is one.

    Data sets without all published images, or without their folder, do not count.
    """
    if not entry.selects_classes:
        return None
    for other in _of_the_same_files(entry):
        if other.selects_classes or other.name not in library.names():
            continue
        try:
            dataset = library.load(other.name)
        except MedrecogError:
            continue
        is_whole = len(list(dataset.every_image)) == other.n_images
        if is_whole and dataset.root.is_dir():
            return dataset
    return None


def downloaded_for_another(entry: CatalogueEntry, file: PublishedFile) -> Path | None:
    """Return a completely downloaded file of another entry, if there is one."""
    for other in _of_the_same_files(entry):
        whole = download_folder(other) / file.name
        if whole.is_file():
            return whole
    return None


def download_folder(entry: CatalogueEntry) -> Path:
    """Return the folder of the files of an entry until its data set is added."""
    return cache_folder().datasets / entry.name / DOWNLOAD


def link_or_copy(source: Path, target: Path) -> None:
    """Create a hard link to a file, or a copy if the file system has none.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
    except OSError as error:
        raise StorageError(unwritable(target, error)) from error


def _of_the_same_files(entry: CatalogueEntry) -> list[CatalogueEntry]:
    return [
        other
        for other in CATALOGUE.values()
        if other.name != entry.name and other.files == entry.files
    ]
