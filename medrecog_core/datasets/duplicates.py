"""Duplicates and near-duplicates in a data set."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from medrecog_core.datasets.dataset import ImageRecord
from medrecog_core.datasets.health.measurements import ImageMeasurement

MAX_HAMMING_DISTANCE = 8
MIN_CORRELATION = 0.985
"""Thresholds of near-duplicates, determined on the chest X-rays, HAM10000 and 15 scenes.

Of 60 images each, every one that was saved again as JPEG of quality 20, halved, or made 15 %
brighter or 20 % richer in contrast is within both bounds of its original, and 59 of 60 without the
outermost 1 % on each side. A Hamming distance of 8 alone would call 10,328 of 16.9 million pairs of
chest X-rays near-duplicates, since all show the same anatomy; the correlation of the grey squares
leaves none of them.
"""

_BLOCK = 256
_BLANK_CONTRAST = 2.0

Pair = tuple[int, int]


def exact_duplicates(images: Iterable[ImageRecord]) -> list[tuple[ImageRecord, ...]]:
    """Return the sets of two or more images whose files have the same bytes.

    Frames of one file are not duplicates of each other.
    """
    of_content: dict[tuple[str, int | None], list[ImageRecord]] = defaultdict(list)
    for image in images:
        if image.content is not None:
            of_content[image.content].append(image)
    return [tuple(copies) for copies in of_content.values() if len(copies) > 1]


def is_blank(measurement: ImageMeasurement) -> bool:
    """Return whether an image is blank: its grey values vary by less than noise.

    Standard deviation below 2 of 255.
    """
    return measurement.contrast < _BLANK_CONTRAST


def near_duplicates(
    measurements: Sequence[ImageMeasurement],
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[Pair]:
    """Return the pairs of images that are nearly the same, or the same.

    Two images are when their perceptual hashes differ in at most `MAX_HAMMING_DISTANCE` of 64 bits
    and their grey squares correlate by at least `MIN_CORRELATION`. Unreadable and blank images
    have no pairs.

    Parameters
    ----------
    measurements
        Measurements of n images.
    report
        Called with the number of images compared with all others, and the total.

    Returns
    -------
    list of (int, int)
        Positions, the smaller first, sorted.
    """
    positions = np.array(
        [i for i, m in enumerate(measurements) if not m.reason and not is_blank(m)], np.intp
    )
    if len(positions) < 2:
        return []
    hashes = np.array([measurements[i].perceptual_hash for i in positions], np.uint64)
    squares = np.stack([measurements[i].grey_values for i in positions])
    squares -= squares.mean(axis=1, keepdims=True)
    squares /= np.maximum(np.linalg.norm(squares, axis=1, keepdims=True), 1e-6)
    pairs: list[Pair] = []
    for start in range(0, len(hashes), _BLOCK):
        # Only pairs with the later image behind this block's start: every pair once.
        distances = np.bitwise_count(hashes[start : start + _BLOCK, None] ^ hashes[None, start:])
        first, second = np.nonzero(distances <= MAX_HAMMING_DISTANCE)
        each_once = second > first
        first, second = first[each_once] + start, second[each_once] + start
        correlation = _correlations(squares, first, second)
        close = correlation >= MIN_CORRELATION
        pairs += zip(positions[first[close]], positions[second[close]], strict=True)
        report(min(start + _BLOCK, len(hashes)), len(hashes))
    return sorted((int(first), int(second)) for first, second in pairs)


def connected_sets(pairs: Iterable[Pair], n: int) -> list[tuple[int, ...]]:
    """Return the sets connected by pairs, directly or through others, as sorted positions."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    found = np.array(sorted(set(pairs)), np.intp).reshape(-1, 2)
    links = coo_array((np.ones(len(found), bool), (found[:, 0], found[:, 1])), shape=(n, n))
    _, set_of = connected_components(links, directed=False)
    members: dict[int, list[int]] = defaultdict(list)
    for position in np.unique(found):
        members[int(set_of[position])].append(int(position))
    return sorted(tuple(positions) for positions in members.values())


def _correlations(squares: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlate pairs of rows, a bounded number of pairs at a time."""
    found = np.empty(len(first), np.float32)
    step = 65_536
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        found[part] = np.einsum("ij,ij->i", squares[first[part]], squares[second[part]])
    return found
