"""Findings on single images: unreadable, tiny, blank, blurred, masks, other grey ranges."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from medrecog_core.datasets.dataset import Dataset, ImageRecord
from medrecog_core.datasets.health.finding import Advice, Finding, Remedy, import_command
from medrecog_core.datasets.health.leaks import is_blank
from medrecog_core.datasets.health.measurements import SIDE, ImageMeasurement
from medrecog_core.datasets.intake.companions import without_companions
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE, Decisions
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.images import GreyRange, Rendering, choose_window
from medrecog_core.wording import counted

TINY_SIDE = 112
"""Half of the smallest input size: a shorter side is enlarged more than twice, so that three
quarters of the network's input is interpolated."""
BLUR_Z = -3.5
"""Modified z-score below which sharpness is an outlier (Iglewicz and Hoaglin, How to detect and
handle outliers, ASQC 1993)."""
MIN_FOR_BLUR = 20
"""With fewer images, the usual sharpness cannot be estimated well."""
ODD = 8.0
"""Minimum ratio of a range to the median for a different scale: 12 and 16 bits differ by 16, images
of one detector rarely by more than 4."""
_MAX_12_BIT = 2**12 - 1
_MOSTLY = 0.5
_PART = re.compile(r"[^\W_]+")


def quality_findings(measurements: Mapping[str, ImageMeasurement]) -> list[Finding]:
    """Return the findings on single images.

    Parameters
    ----------
    measurements
        Measurements by path.
    """
    readable = {path: m for path, m in sorted(measurements.items()) if not m.reason}
    unreadable = {path: m.reason for path, m in sorted(measurements.items()) if m.reason}
    tiny = {
        path: f"{m.width} x {m.height} pixels"
        for path, m in readable.items()
        if min(m.width, m.height) < TINY_SIDE
    }
    blank = {
        path: f"the grey values vary by {m.contrast:.1f} of 255"
        for path, m in readable.items()
        if is_blank(m)
    }
    blurred = _blurred({path: m for path, m in readable.items() if path not in blank})
    n_all = counted(len(measurements), "image")

    def words(notes: dict[str, str], one: str, several: str) -> str:
        n = len(notes)
        return f"{n:,} of {n_all} {one if n == 1 else several}"

    findings = [
        _finding(
            "unreadable",
            "severe",
            unreadable,
            words(
                unreadable,
                "cannot be read; runs skip it.",
                "cannot be read; runs skip them.",
            ),
        ),
        _finding(
            "blank",
            "warning",
            blank,
            words(
                blank,
                "is almost uniform and shows nothing to classify.",
                "are almost uniform and show nothing to classify.",
            ),
        ),
        _finding(
            "blurred",
            "note",
            blurred,
            words(
                blurred,
                "is much less sharp than the other images",
                "are much less sharp than the other images",
            )
            + f" (variance of the Laplacian at up to {SIDE} pixels).",
        ),
        _finding(
            "tiny",
            "note",
            tiny,
            words(tiny, "has", "have")
            + f" a side below {TINY_SIDE} pixels and {'is' if len(tiny) == 1 else 'are'} enlarged "
            "more than twice for the smallest input size.",
        ),
    ]
    return [finding for finding in findings if finding.images]


def _blurred(measurements: Mapping[str, ImageMeasurement]) -> dict[str, str]:
    """Return notes by path on images that are much less sharp than the rest.

    The logarithm is compared, because sharpness varies over orders of magnitude.
    """
    if len(measurements) < MIN_FOR_BLUR:
        return {}
    sharpness = np.array([m.sharpness for m in measurements.values()])
    logarithm = np.log(sharpness + 1e-3)
    median = np.median(logarithm)
    deviation = np.median(np.abs(logarithm - median))
    if not deviation:
        return {}
    z = 0.6745 * (logarithm - median) / deviation
    usual = float(np.median(sharpness))
    return {
        path: f"sharpness {m.sharpness:.0f}, median {usual:.0f}"
        for (path, m), score in zip(measurements.items(), z, strict=True)
        if score < BLUR_Z
    }


def _finding(kind: str, severity: str, notes: dict[str, str], words: str) -> Finding:
    paths = tuple(notes)
    return Finding(
        kind,
        severity,
        counted(len(paths), f"{kind} image"),
        words,
        images=paths,
        notes=tuple(notes.values()),
        remedy=Remedy(f"Excludes all {kind} images.", paths) if paths else None,
    )


# --- Grey range ----------------------------------------------------------------------------------


def grey_findings(dataset: Dataset, measurements: Mapping[str, ImageMeasurement]) -> list[Finding]:
    """Return the finding on files with a different scale of grey values, if there are any.

    Only files with more than 8 bits per channel are compared, except DICOM files that are shown
    with their own window.

    Parameters
    ----------
    dataset
        The data set.
    measurements
        Measurements by path.
    """
    rendering = dataset.rendering
    ranges = {
        path: m.grey_range
        for path, m in sorted(measurements.items())
        if m.grey_range is not None
        and m.grey_range.low < m.grey_range.high
        and (rendering.overrides_own or not m.grey_range.has_own_window)
    }
    if len(ranges) < 2:
        return []
    odd = _odd(ranges, rendering)
    if not odd:
        return []
    usual = [one for path, one in ranges.items() if path not in odd]
    low, high = min(one.low for one in usual), max(one.high for one in usual)
    shown = (
        "scaled by its own range, so the brightness differs from file to file"
        if rendering.window is None
        else f"shown in the grey window {rendering.window[0]:g} to {rendering.window[1]:g}"
    )
    n = len(odd)
    advice = []
    window = choose_window(usual if rendering.window is not None else ranges.values())
    if window is not None and window != rendering.window:
        advice.append(
            Advice(
                "Import the images again with one grey window: use the same options as before, and "
                "--window.",
                import_command(dataset, Decisions(window=f"{window[0]:.10g}:{window[1]:.10g}")),
            )
        )
    return [
        Finding(
            "mixed-grey-ranges",
            "severe",
            f"{counted(n, 'file')} with a different range of grey values",
            f"The grey values of {n:,} of {counted(len(ranges), 'file')} with more than 8 bits "
            f"have a different range than the rest ({low:g} to {high:g}). Each file is {shown}.",
            images=tuple(odd),
            notes=tuple(f"grey values {ranges[p].low:g} to {ranges[p].high:g}" for p in odd),
            remedy=Remedy("Excludes the files with a different range.", tuple(odd)),
            advice=tuple(advice),
        )
    ]


def _odd(ranges: Mapping[str, GreyRange], rendering: Rendering) -> list[str]:
    """Return the paths of the files that differ from the rest, sorted."""
    if rendering.window is None:
        # The rule of version 0.1.0: 16-bit files are scaled from 0..4095 or from 0..65535.
        is_12_bit = {
            path: one.high <= _MAX_12_BIT for path, one in ranges.items() if one.is_unsigned
        }
        counts = Counter(is_12_bit.values())
        if len(counts) > 1:
            rarer = min(counts, key=lambda value: (counts[value], value))
            return [path for path, value in is_12_bit.items() if value == rarer]
    spans = np.array([one.high - one.low for one in ranges.values()])
    ratio = spans / np.median(spans)
    is_odd = (ratio >= ODD) | (ratio <= 1 / ODD)
    if rendering.window is not None:
        low, high = rendering.window
        inside = [min(one.high, high) - max(one.low, low) for one in ranges.values()]
        share = np.maximum(inside, 0) / spans
        # A window may clip all files on purpose; only those that it clips much more are unusual.
        is_odd |= (share <= 1 / ODD) & bool(np.median(share) >= _MOSTLY)
    return [path for path, odd in zip(ranges, is_odd, strict=True) if odd]


# --- Companions ----------------------------------------------------------------------------------


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
