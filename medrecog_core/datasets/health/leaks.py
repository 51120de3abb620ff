"""Findings on copies, near-copies and groups in several splits or with several labels."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from medrecog_core.datasets.dataset import Dataset, ImageRecord
from medrecog_core.datasets.health.finding import Finding, Remedy, exclude_classes
from medrecog_core.datasets.health.measurements import ImageMeasurement
from medrecog_core.wording import counted

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
_KEPT_FIRST = ("test", "val", "train", "")
"""Copies in the first of these splits are kept, so that the test part does not change."""
_KEEP_TEST = "Excludes the copies outside the test part, so that the test part does not change."
_DROP_ALL = "Excludes all copies, because the correct label is unknown."
_KEEP_ONE = "Excludes all but the first image of each set, by path."
_NO_SPLIT = (
    " There is no predefined split, so a random split can put copies on both sides unless they "
    "share a group."
)


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
    squares = _standardised(np.stack([measurements[i].grey_values for i in positions]))
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


def near_copies(image: ImageMeasurement, hashes: np.ndarray, greys: np.ndarray) -> np.ndarray:
    """Return which of some images are nearly the same as another, by the rule of `near_duplicates`.

    Parameters
    ----------
    image
        Measurement of the other image; a blank one has no copies.
    hashes
        Perceptual hashes of n images that are not blank, uint64, shape (n,).
    greys
        Their grey squares, uint8, shape (n, GREY_SIDE * GREY_SIDE).

    Returns
    -------
    ndarray
        Positions among the n images, ascending.
    """
    if is_blank(image):
        return np.empty(0, np.intp)
    n_bits = np.bitwise_count(hashes ^ np.uint64(image.perceptual_hash))
    close = np.flatnonzero(n_bits <= MAX_HAMMING_DISTANCE)
    own = _standardised(image.grey_values[None])
    correlation = _standardised(greys[close].astype(np.float32)) @ own[0]
    copies: np.ndarray = close[correlation >= MIN_CORRELATION]
    return copies


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


def _standardised(squares: np.ndarray) -> np.ndarray:
    """Return rows with mean 0 and length 1, so that their products are correlations."""
    centred: np.ndarray = squares - squares.mean(axis=1, keepdims=True)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
    return centred


def _correlations(squares: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlate pairs of rows, a bounded number of pairs at a time."""
    found = np.empty(len(first), np.float32)
    step = 65_536
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        found[part] = np.einsum("ij,ij->i", squares[first[part]], squares[second[part]])
    return found


# --- Findings ------------------------------------------------------------------------------------


def duplicate_findings(dataset: Dataset) -> list[Finding]:
    """Return the findings on files with the same bytes."""
    copies = exact_duplicates(dataset.images)
    across_classes = [each for each in copies if len({image.label for image in each}) > 1]
    across_splits = [each for each in copies if len({image.split for image in each}) > 1]
    elsewhere = {id(each) for each in (*across_classes, *across_splits)}
    within = [each for each in copies if id(each) not in elsewhere]
    findings = []
    if across_splits:
        n = len(across_splits)
        findings.append(
            _finding(
                "duplicates-across-splits",
                "severe",
                f"{counted(n, 'file')} in more than one split",
                f"{counted(n, 'file')} {_is(n)} in more than one split, so the model would be "
                "tested on images it was trained on.",
                across_splits,
                _excluding(_KEEP_TEST, (i for each in across_splits for i in _outside_test(each))),
            )
        )
    if across_classes:
        n = len(across_classes)
        findings.append(
            _finding(
                "duplicates-across-classes",
                "severe",
                f"{counted(n, 'file')} under different labels",
                f"{counted(n, 'file')} {'appears' if n == 1 else 'appear'} under different labels, "
                "so at least one label is wrong.",
                across_classes,
                _without_repeated_class(dataset, across_classes)
                or _excluding(_DROP_ALL, (i for each in across_classes for i in each)),
            )
        )
    if within:
        n = sum(len(each) - 1 for each in within)
        findings.append(
            _finding(
                "duplicates",
                "warning",
                f"{counted(n, 'exact duplicate')}",
                f"{counted(n, 'file')} {_is(n)} {'an ' if n == 1 else ''}exact "
                f"{'duplicate' if n == 1 else 'duplicates'} of another in the same class and split "
                f"and {_is(n)} counted twice." + ("" if dataset.splits else _NO_SPLIT),
                within,
                _excluding(_KEEP_ONE, (i for each in within for i in each[1:])),
            )
        )
    return findings


def near_duplicate_findings(dataset: Dataset, pairs: Sequence[Pair]) -> tuple[list[Finding], int]:
    """Return the findings on images that are nearly the same.

    Parameters
    ----------
    dataset
        The data set.
    pairs
        Result of `near_duplicates`, with positions in `dataset.images`. Pairs of the same content
        are skipped, because they are exact duplicates.

    Returns
    -------
    findings
        Up to three: across splits, across classes, and the rest.
    n_expected
        Pairs of images of one group, which are expected to be similar and are not part of a
        finding.
    """
    images = dataset.images
    alike = [
        (images[i], images[j], (i, j)) for i, j in pairs if not _same_content(images[i], images[j])
    ]
    of_one_group = [entry for entry in alike if entry[0].group and entry[0].group == entry[1].group]
    expected = {pair for _, _, pair in of_one_group}
    others = [entry for entry in alike if entry[2] not in expected]
    across_splits = [pair for first, second, pair in others if first.split != second.split]
    across_classes = [pair for first, second, pair in others if first.label != second.label]
    elsewhere = {*across_splits, *across_classes}
    within = [pair for _, _, pair in others if pair not in elsewhere]
    findings = []
    if across_splits:
        n = len(across_splits)
        findings.append(
            _finding(
                "near-duplicates-across-splits",
                "severe",
                f"{counted(n, 'near-duplicate pair')} in different splits",
                f"{counted(n, 'pair')} of images that look nearly the same {_is(n)} in different "
                "splits, so the model would be tested on images it was almost trained on.",
                _sets(images, across_splits),
                _excluding(
                    _KEEP_TEST,
                    (
                        image
                        for i, j in across_splits
                        for image in _outside_test((images[i], images[j]))
                    ),
                ),
            )
        )
    if across_classes:
        n = len(across_classes)
        findings.append(
            _finding(
                "near-duplicates-across-classes",
                "warning",
                f"{counted(n, 'near-duplicate pair')} with different labels",
                f"{counted(n, 'pair')} of images that look nearly the same "
                f"{'has' if n == 1 else 'have'} different labels. Check them, because a label may "
                "be wrong.",
                _sets(images, across_classes),
                _excluding(_DROP_ALL, (images[i] for pair in across_classes for i in pair)),
            )
        )
    if within:
        sets = _sets(images, within)
        n = sum(map(len, sets))
        findings.append(
            _finding(
                "near-duplicates",
                "note",
                f"{counted(len(sets), 'set')} of near-duplicates",
                f"{counted(n, 'image')} of the same class and split look nearly the same as "
                "another." + ("" if dataset.splits else _NO_SPLIT),
                sets,
                _excluding(_KEEP_ONE, (image for each in sets for image in each[1:])),
            )
        )
    return findings, len(expected)


def group_findings(dataset: Dataset) -> list[Finding]:
    """Return the finding on groups with images in more than one split, if there are any."""
    members: dict[str, list[ImageRecord]] = defaultdict(list)
    for image in dataset.images:
        if image.group:
            members[image.group].append(image)
    leaking = [tuple(each) for each in members.values() if len({image.split for image in each}) > 1]
    if not leaking:
        return []
    n = len(leaking)
    return [
        _finding(
            "groups-across-splits",
            "severe",
            f"{counted(n, 'group')} in more than one split",
            f"{n:,} of {counted(len(members), 'group')} (patients, lesions) {_is(n)} in more than "
            "one split, so the model would be tested on patients it was trained on.",
            leaking,
            _excluding(
                "Excludes their images outside the test part, so that the test part does not "
                "change.",
                (image for each in leaking for image in _outside_test(each)),
            ),
        )
    ]


def _finding(
    kind: str,
    severity: str,
    title: str,
    words: str,
    sets: Iterable[Sequence[ImageRecord]],
    remedy: Remedy,
) -> Finding:
    paths = tuple(tuple(image.path for image in each) for each in sets)
    return Finding(
        kind,
        severity,
        title,
        words,
        images=tuple(sorted({path for each in paths for path in each})),
        sets=paths,
        remedy=remedy,
    )


def _excluding(words: str, images: Iterable[ImageRecord]) -> Remedy:
    return Remedy(words, tuple(sorted({image.path for image in images})))


def _without_repeated_class(
    dataset: Dataset, copies: Sequence[Sequence[ImageRecord]]
) -> Remedy | None:
    """Return the remedy that excludes a class that only repeats others, if there is one.

    A folder that contains the class folders a second time gives such a class.
    """
    n_of_class = Counter(image.label for image in dataset.images)
    n_copied = Counter(image.label for each in copies for image in each)
    repeated = [
        label
        for label, n in n_of_class.items()
        if n_copied[label] == n
        and all(len({image.label for image in each} - {label}) == 1 for each in copies)
        and len({i.label for each in copies for i in each if i.label != label}) > 1
    ]
    return exclude_classes(dataset, repeated) if len(repeated) == 1 else None


def _is(n: int) -> str:
    return "is" if n == 1 else "are"


def _sets(images: Sequence[ImageRecord], pairs: Sequence[Pair]) -> list[tuple[ImageRecord, ...]]:
    return [tuple(images[i] for i in each) for each in connected_sets(pairs, len(images))]


def _outside_test(images: Sequence[ImageRecord]) -> list[ImageRecord]:
    """Return the images outside the first split in the order of preference that has any."""
    kept = min((image.split for image in images), key=_KEPT_FIRST.index)
    return [image for image in images if image.split != kept]


def _same_content(first: ImageRecord, second: ImageRecord) -> bool:
    return first.content is not None and first.content == second.content
