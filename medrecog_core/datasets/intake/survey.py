"""The files of a folder: images, tables, archives and the rest, looked at once."""

from dataclasses import dataclass
from pathlib import Path

from medrecog_core.datasets.dataset import DatasetWarning, LeftOut


@dataclass(frozen=True)
class Survey:
    """What lies below a folder. Paths are relative to it, with forward slashes, and sorted.

    Attributes
    ----------
    root
        The folder, absolute.
    images
        Files that are meant as images.
    tables
        Files that may be tables: CSV, TSV, text, Excel.
    left_out
        Everything else, with the reason.
    warnings
        What was decided: links followed, unsupported formats, hidden folders passed over.
    """

    root: Path
    images: tuple[str, ...]
    tables: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[DatasetWarning, ...] = ()


def survey_folder(root: Path) -> Survey:
    """Return what lies below a folder."""
    raise NotImplementedError
