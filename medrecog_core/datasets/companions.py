"""Finding on masks and other companions that were imported as images."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

from medrecog_core.datasets.dataset import Dataset, ImageRecord
from medrecog_core.datasets.health.finding import Finding, Remedy
from medrecog_core.datasets.health.measurements import ImageMeasurement
from medrecog_core.datasets.intake.companions import without_companions
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.wording import counted

_PART = re.compile(r"[^\W_]+")


def companion_findings(
    dataset: Dataset, measurements: Mapping[str, ImageMeasurement]
) -> list[Finding]:
    """Return the finding on images that are companions of others, such as masks.

    They are found by their names, as in an import, and by their content: two values only, and the
    name of an image with more.

    Parameters
    ----------
    dataset
        The data set.
    measurements
        Measurements by path.
    """
    notes = {
        **_by_content(dataset.images, {p for p, m in measurements.items() if m.is_two_valued}),
        **_by_name(dataset),
    }
    if not notes:
        return []
    n, paths = len(notes), tuple(sorted(notes))
    return [
        Finding(
            "imported-companions",
            "severe",
            f"{counted(n, 'mask or other companion', 'masks or other companions')} among the "
            "images",
            f"{n:,} of {counted(len(dataset.images), 'image')} "
            f"{'is a mask or other companion' if n == 1 else 'are masks or other companions'} of "
            "another image, so the model would be trained on "
            f"{'it as a separate image' if n == 1 else 'them as separate images'}.",
            images=paths,
            notes=tuple(notes[path] for path in paths),
            remedy=Remedy(
                f"Excludes {'it' if n == 1 else 'them'}; the images themselves are kept.", paths
            ),
        )
    ]


def _by_name(dataset: Dataset) -> dict[str, str]:
    images_of: dict[str, list[str]] = {}
    for image in dataset.images:
        images_of.setdefault(image.file_path, []).append(image.path)
    survey = without_companions(Survey(dataset.root, tuple(sorted(images_of))), BY_EVIDENCE)
    reason_of = {entry.path: entry.reason for entry in survey.left_out}
    return {
        path: reason_of.get(file, "companion of another image by its name")
        for file in set(images_of).difference(survey.images)
        for path in images_of[file]
    }


def _by_content(images: Sequence[ImageRecord], two_valued: Collection[str]) -> dict[str, str]:
    """Return notes by path of two-valued images whose name begins like that of another."""
    others = {_stem(image): image.path for image in images if image.path not in two_valued}
    notes = {}
    for image in images:
        if image.path not in two_valued:
            continue
        stem = _stem(image)
        ends = [part.end() for part in _PART.finditer(stem)]
        for end in (len(stem), *reversed(ends)):
            if stem[:end] in others:
                notes[image.path] = f"only two values, and named like {others[stem[:end]]}"
                break
    return notes


def _stem(image: ImageRecord) -> str:
    return PurePosixPath(image.file_path).stem.casefold()
