"""Data sets: what they are, where they come from, and how they are split."""

from medrecog_core.datasets import library
from medrecog_core.datasets.dataset import SPLITS, Dataset, ImageRecord, LeftOut, check_name
from medrecog_core.datasets.label_table import guess_columns, read_rows
from medrecog_core.datasets.protocol import PROTOCOLS, Protocol
from medrecog_core.datasets.reading_check import unreadable_images
from medrecog_core.datasets.split import Fold, Split
from medrecog_core.datasets.splitting import split_images

__all__ = [
    "PROTOCOLS",
    "SPLITS",
    "Dataset",
    "Fold",
    "ImageRecord",
    "LeftOut",
    "Protocol",
    "Split",
    "check_name",
    "guess_columns",
    "library",
    "read_rows",
    "split_images",
    "unreadable_images",
]
