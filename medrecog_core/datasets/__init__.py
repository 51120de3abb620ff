"""Data sets: import, library, health check and splits."""

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
from medrecog_core.datasets.files import FileChange, find_changes
from medrecog_core.datasets.health.check import (
    HealthReport,
    apply_remedy,
    check_health,
    kept_report,
)
from medrecog_core.datasets.health.finding import Advice, Finding, Remedy
from medrecog_core.datasets.health.shortcuts import Shortcut
from medrecog_core.datasets.importing import add_dataset, propose_dataset, read_dataset
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE, Decisions
from medrecog_core.datasets.intake.interpretation import AmbiguousError
from medrecog_core.datasets.intake.proposal import Proposal
from medrecog_core.datasets.splits import (
    PROTOCOLS,
    Fold,
    Protocol,
    Sample,
    Split,
    draw_sample,
    split_images,
)

__all__ = [
    "BY_EVIDENCE",
    "CATALOGUE",
    "PROTOCOLS",
    "SPLITS",
    "Advice",
    "AmbiguousError",
    "CatalogueEntry",
    "Dataset",
    "DatasetWarning",
    "Decisions",
    "Exclusion",
    "FileChange",
    "FileState",
    "Finding",
    "Fold",
    "HealthReport",
    "ImageRecord",
    "LeftOut",
    "Proposal",
    "Protocol",
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
    "kept_report",
    "library",
    "propose_dataset",
    "read_dataset",
    "split_images",
    "unit_of",
]
