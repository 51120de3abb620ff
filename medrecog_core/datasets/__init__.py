"""Data sets: what they are, where they come from, and how they are split."""

from medrecog_core.datasets import library
from medrecog_core.datasets.catalogue import CATALOGUE, CatalogueEntry
from medrecog_core.datasets.dataset import (
    SPLITS,
    Dataset,
    DatasetWarning,
    Exclusion,
    FileState,
    ImageRecord,
    LeftOut,
    check_name,
    unit_of,
)
from medrecog_core.datasets.downloading import download_dataset
from medrecog_core.datasets.file_changes import FileChange, find_changes
from medrecog_core.datasets.finding import Finding
from medrecog_core.datasets.health import HealthReport, apply_remedy, check_health, kept_report
from medrecog_core.datasets.importing import Reading, add_dataset, read_dataset
from medrecog_core.datasets.label_table import guess_columns, read_rows
from medrecog_core.datasets.protocol import PROTOCOLS, Protocol
from medrecog_core.datasets.remedy import Advice, Remedy
from medrecog_core.datasets.sampling import Sample, draw_sample
from medrecog_core.datasets.shortcuts import Shortcut
from medrecog_core.datasets.split import Fold, Split
from medrecog_core.datasets.splitting import split_images

__all__ = [
    "CATALOGUE",
    "PROTOCOLS",
    "SPLITS",
    "Advice",
    "CatalogueEntry",
    "Dataset",
    "DatasetWarning",
    "Exclusion",
    "FileChange",
    "FileState",
    "Finding",
    "Fold",
    "HealthReport",
    "ImageRecord",
    "LeftOut",
    "Protocol",
    "Reading",
    "Remedy",
    "Sample",
    "Shortcut",
    "Split",
    "add_dataset",
    "apply_remedy",
    "check_health",
    "check_name",
    "download_dataset",
    "draw_sample",
    "find_changes",
    "guess_columns",
    "kept_report",
    "library",
    "read_dataset",
    "read_rows",
    "split_images",
    "unit_of",
]
