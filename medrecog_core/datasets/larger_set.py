"""Files of a published data set that are here already, because a larger one holds them too."""

import os
import shutil
from pathlib import Path

from medrecog_core.datasets import library
from medrecog_core.datasets.catalogue import CATALOGUE, CatalogueEntry, PublishedFile
from medrecog_core.datasets.dataset import Dataset
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.locations import cache_folder, unwritable

DOWNLOAD = "download"
"""Folder of a data set that holds its published files."""


def larger_set(entry: CatalogueEntry) -> Dataset | None:
    """Return a data set that is kept and holds all images of an entry among others, if any.

    One that lacks images that were published, or whose folder is gone, is none.
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
    """Return a file that was wholly downloaded for another entry and is still kept, if any."""
    for other in _of_the_same_files(entry):
        whole = download_folder(other) / file.name
        if whole.is_file():
            return whole
    return None


def download_folder(entry: CatalogueEntry) -> Path:
    """Return where the files of an entry are kept until a data set is made of them."""
    return cache_folder().datasets / entry.name / DOWNLOAD


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file of ours a second name, or where the file system has none, a copy.

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
