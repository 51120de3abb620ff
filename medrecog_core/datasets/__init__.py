"""Data sets: what they are, where they come from, and how they are split."""

from medrecog_core.datasets import library
from medrecog_core.datasets.catalogue import CATALOGUE, CatalogueEntry
from medrecog_core.datasets.dataset import SPLITS, Dataset, ImageRecord, LeftOut, check_name
from medrecog_core.datasets.downloading import download_dataset
from medrecog_core.datasets.importing import Reading, add_dataset, read_dataset
from medrecog_core.datasets.label_table import guess_columns, read_rows
from medrecog_core.datasets.reading_check import unreadable_images
from medrecog_core.datasets.splitting import Partition, split_images

__all__ = [
    "CATALOGUE",
    "SPLITS",
    "CatalogueEntry",
    "Dataset",
    "ImageRecord",
    "LeftOut",
    "Partition",
    "Reading",
    "add_dataset",
    "check_name",
    "download_dataset",
    "guess_columns",
    "library",
    "read_dataset",
    "read_rows",
    "split_images",
    "unreadable_images",
]
