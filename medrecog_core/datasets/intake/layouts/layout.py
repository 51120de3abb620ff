"""A known layout: a published data set whose files need reading of their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from medrecog_core.datasets import catalogue
from medrecog_core.datasets.dataset import ImageRecord
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.survey import Survey


@dataclass(frozen=True)
class Layout:
    """How a published data set is recognised and read.

    Attributes
    ----------
    name
        Name for messages.
    recognise
        Whether a folder has this layout.
    read
        The interpretation.
    by_file_name
        Whether files are identified by their names only, so that copies in other folders are
        skipped.
    """

    name: str
    recognise: Callable[[Survey], bool]
    read: Callable[[Survey, Decisions], Interpretation]
    by_file_name: bool = False


def share(images: Sequence[ImageRecord], entry: str) -> str:
    """Return how many of the published images of a catalogue entry there are; empty for all."""
    published = catalogue.find(entry).n_images
    if not published or len(images) == published:
        return ""
    return f"; {len(images):,} of the {published:,} images published"


def files_named(survey: Survey, name: str) -> list[str]:
    """Return the tables and other files of a name, in any case, sorted."""
    files = (*survey.tables, *(entry.path for entry in survey.left_out))
    return sorted(file for file in files if file.rpartition("/")[2].lower() == name)
