"""Data sets: what they are, where they come from, and how they are split."""

from medrecog_core.datasets import library
from medrecog_core.datasets.dataset import SPLITS, Dataset, ImageRecord, LeftOut, check_name
from medrecog_core.datasets.label_table import guess_columns, read_rows
from medrecog_core.datasets.reading_check import unreadable_images
from medrecog_core.datasets.sampling import Sample, draw_sample
from medrecog_core.datasets.splitting import Partition, split_images

__all__ = [
    "SPLITS",
    "Dataset",
    "ImageRecord",
    "LeftOut",
    "Partition",
    "Sample",
    "check_name",
    "draw_sample",
    "guess_columns",
    "library",
    "read_rows",
    "split_images",
    "unreadable_images",
]
