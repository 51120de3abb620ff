"""The finding on masks and other companions of images that were imported as images."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from medrecog_core.datasets.counting import counted
from medrecog_core.datasets.dataset import Dataset, ImageRecord
from medrecog_core.datasets.finding import Finding
from medrecog_core.datasets.intake.companions import without_companions
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.datasets.measurement import ImageMeasurement
from medrecog_core.datasets.remedy import Remedy

_END_OF_NAME = re.compile(r"(?<=[^\W_])(?=[\W_])")
"""Where a stem can end and what marks a companion begins."""


def companion_findings(
    dataset: Dataset, measurements: Mapping[str, ImageMeasurement]
) -> list[Finding]:
    """Return the finding on images that are companions of others, such as masks.

    They are found as an import finds them, by their names, and by what they show: two values, under
    the name of an image that has more.

    Parameters
    ----------
    dataset
        The data set.
    measurements
        From path to what was measured.
    """
    by_name = _by_name(dataset)
    two_valued = {path for path, m in measurements.items() if m.is_two_valued}
    notes = {
        image.path: note
        for image, note in (
            *_by_content(dataset.images, two_valued - by_name),
            *((image, "its name is that of a companion") for image in dataset.images),
        )
        if image.path in by_name or image.path in two_valued
    }
    notes = {path: notes[path] for path in sorted(notes)}
    if not notes:
        return []
    n, paths = len(notes), tuple(notes)
    return [
        Finding(
            "imported-companions",
            "severe",
            f"{counted(n, 'mask or other companion', 'masks or other companions')} among the "
            "images",
            f"{n:,} of {counted(len(dataset.images), 'image')} "
            f"{'is a mask or other companion' if n == 1 else 'are masks or other companions'} of "
            "another image, judged by name or because only two values occur. The model would be "
            f"trained on {'it as a sample' if n == 1 else 'them as samples'}.",
            images=paths,
            notes=tuple(notes.values()),
            remedy=Remedy(f"Excludes {counted(n, 'image')}.", paths),
        )
    ]
