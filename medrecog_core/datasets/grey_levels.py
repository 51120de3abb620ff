"""Finding on files whose range of grey values differs from the rest."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from medrecog_core.datasets.dataset import Dataset
from medrecog_core.datasets.health.finding import Advice, Finding, Remedy, import_command
from medrecog_core.datasets.health.measurements import ImageMeasurement
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.images import GreyRange, Rendering, choose_window
from medrecog_core.wording import counted

ODD = 8.0
"""Minimum ratio of a range to the median for a different scale: 12 and 16 bits differ by 16, images
of one detector rarely by more than 4."""

_MAX_12_BIT = 2**12 - 1
_MOSTLY = 0.5


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
