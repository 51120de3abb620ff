"""Findings on single images: unreadable, tiny, blank, blurred."""

from collections.abc import Mapping

import numpy as np

from medrecog_core.datasets.health.finding import Finding, Remedy
from medrecog_core.datasets.health.leaks import is_blank
from medrecog_core.datasets.health.measurements import SIDE, ImageMeasurement
from medrecog_core.wording import counted

TINY_SIDE = 112
"""Half of the smallest input size: a shorter side is enlarged more than twice, so that three
quarters of the network's input is interpolated."""
BLUR_Z = -3.5
"""Modified z-score below which sharpness is an outlier (Iglewicz and Hoaglin, How to detect and
handle outliers, ASQC 1993)."""
MIN_FOR_BLUR = 20
"""With fewer images, the usual sharpness cannot be estimated well."""


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
