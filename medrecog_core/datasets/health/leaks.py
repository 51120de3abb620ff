"""Findings on copies, near-copies and groups in several splits or with several labels."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

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

_COMPARED_AT_ONCE = 2**22
_CORRELATED_AT_ONCE = 2**14
_LINKS_AT_ONCE = 2**20
_BLANK_CONTRAST = 2.0
_MOST_LISTED_OF_IMAGE = 20
_MOST_LISTED = 200_000

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
) -> Iterator[np.ndarray]:
    """Give the pairs of images that are nearly the same, or the same, some at a time.

    Two images are when their perceptual hashes differ in at most `MAX_HAMMING_DISTANCE` of 64 bits
    and their grey squares correlate by at least `MIN_CORRELATION`. Unreadable and blank images
    have no pairs. All pairs of many near-copies, such as the frames of a video, would not fit into
    memory.

    Parameters
    ----------
    measurements
        Measurements of n images.
    report
        Called with the number of images compared with all others, and the total.

    Yields
    ------
    numpy.ndarray
        Positions, intp, shape (k, 2), the smaller first. Sorted, and behind those given before.
    """
    positions = np.array(
        [i for i, m in enumerate(measurements) if not m.reason and not is_blank(m)], np.intp
    )
    n = len(positions)
    if n < 2:
        return
    hashes = np.array([measurements[i].perceptual_hash for i in positions], np.uint64)
    squares = _standardised(np.stack([measurements[i].grey_values for i in positions]))
    block = max(1, _COMPARED_AT_ONCE // n)
    for start in range(0, n, block):
        # Only pairs with the later image behind this block's start: every pair once.
        distances = np.bitwise_count(hashes[start : start + block, None] ^ hashes[None, start:])
        first, second = np.nonzero(distances <= MAX_HAMMING_DISTANCE)
        each_once = second > first
        pairs = np.stack([first[each_once], second[each_once]], axis=1) + start
        yield positions[pairs[_correlations(squares, pairs) >= MIN_CORRELATION]]
        report(min(start + block, n), n)


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


def _standardised(squares: np.ndarray) -> np.ndarray:
    """Return rows with mean 0 and length 1, so that their products are correlations."""
    centred: np.ndarray = squares - squares.mean(axis=1, keepdims=True)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
    return centred


def _correlations(squares: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Correlate pairs of rows, a bounded number of pairs at a time."""
    found = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), _CORRELATED_AT_ONCE):
        part = slice(start, start + _CORRELATED_AT_ONCE)
        first, second = pairs[part].T
        found[part] = np.einsum("ij,ij->i", squares[first], squares[second])
    return found


class ConnectedSets:
    """The sets of some of n positions that pairs connect, directly or through others."""

    def __init__(self, n: int) -> None:
        self._set_of = np.arange(n)
        self._is_connected = np.zeros(n, bool)
        self._links: list[np.ndarray] = []

    def add(self, pairs: np.ndarray) -> None:
        """Connect pairs of positions, shape (k, 2)."""
        self._is_connected[pairs] = True
        self._links.append(np.unique(self._set_of[pairs] @ (len(self._set_of), 1)))
        if sum(map(len, self._links)) > _LINKS_AT_ONCE:
            self._join()

    def sets(self) -> list[tuple[int, ...]]:
        """Return the sets as sorted positions."""
        self._join()
        members: dict[int, list[int]] = defaultdict(list)
        for position in np.flatnonzero(self._is_connected):
            members[int(self._set_of[position])].append(int(position))
        return sorted(tuple(positions) for positions in members.values())

    def _join(self) -> None:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        if not self._links:
            return
        n = len(self._set_of)
        ends = np.divmod(np.concatenate(self._links), n)
        links = coo_array((np.ones(len(ends[0]), bool), ends), shape=(n, n))
        self._set_of = connected_components(links, directed=False)[1][self._set_of]
        self._links = []


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


@dataclass(frozen=True)
class NearDuplicates:
    """What is found out about images that are nearly the same.

    Attributes
    ----------
    findings
        Up to three: across splits, across classes, and the rest.
    n_expected
        Pairs of images of one group, which are expected to be similar and are not part of a
        finding.
    n_pairs
        Pairs of nearly the same images in all.
    listed
        The pairs, or of many near-copies some of each image.
    n_unlisted
        Number of pairs that are not listed of each image, shape (n,).
    """

    findings: tuple[Finding, ...]
    n_expected: int
    n_pairs: int
    listed: tuple[Pair, ...]
    n_unlisted: np.ndarray


def examine_near_duplicates(dataset: Dataset, parts: Iterable[np.ndarray]) -> NearDuplicates:
    """Return the findings on images that are nearly the same.

    Parameters
    ----------
    dataset
        The data set.
    parts
        Result of `near_duplicates`, with positions in `dataset.images`. Pairs of the same content
        are in no finding, because they are exact duplicates.
    """
    images = dataset.images
    n = len(images)
    # In the order of preference, of which the test shows the side to exclude.
    split_of = np.array([_KEPT_FIRST.index(image.split) for image in images], np.intp)
    label_of = _numbered([image.label for image in images])
    group_of = _numbered([image.group or None for image in images])
    content_of = _numbered([image.content for image in images])
    across_splits, across_classes, within = (_Alike(n) for _ in range(3))
    listed = _Listed(n)
    n_expected = n_pairs = 0
    for part in parts:
        n_pairs += len(part)
        listed.add(part)
        alike = part[~_are_same(content_of, part)]
        is_expected = _are_same(group_of, alike)
        n_expected += int(is_expected.sum())
        pairs = alike[~is_expected]
        of_split, of_class = (~_are_same(each, pairs) for each in (split_of, label_of))
        outside_test = np.take_along_axis(pairs, split_of[pairs].argmax(axis=1)[:, None], axis=1)
        across_splits.add(pairs[of_split], outside_test[of_split])
        across_classes.add(pairs[of_class], pairs[of_class])
        within.add(pairs[~(of_split | of_class)])
    findings = []
    if across_splits.n_pairs:
        n = across_splits.n_pairs
        findings.append(
            _finding(
                "near-duplicates-across-splits",
                "severe",
                f"{counted(n, 'near-duplicate pair')} in different splits",
                f"{counted(n, 'pair')} of images that look nearly the same {_is(n)} in different "
                "splits, so the model would be tested on images it was almost trained on.",
                across_splits.sets(images),
                _excluding(_KEEP_TEST, across_splits.marked(images)),
            )
        )
    if across_classes.n_pairs:
        n = across_classes.n_pairs
        findings.append(
            _finding(
                "near-duplicates-across-classes",
                "warning",
                f"{counted(n, 'near-duplicate pair')} with different labels",
                f"{counted(n, 'pair')} of images that look nearly the same "
                f"{'has' if n == 1 else 'have'} different labels. Check them, because a label may "
                "be wrong.",
                across_classes.sets(images),
                _excluding(_DROP_ALL, across_classes.marked(images)),
            )
        )
    if within.n_pairs:
        sets = within.sets(images)
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
    return NearDuplicates(tuple(findings), n_expected, n_pairs, listed.pairs(), listed.n_unlisted())


class _Alike:
    """Pairs of one kind: their number, the sets that they connect, and marked images."""

    def __init__(self, n: int) -> None:
        self.n_pairs = 0
        self._sets = ConnectedSets(n)
        self._is_marked = np.zeros(n, bool)

    def add(self, pairs: np.ndarray, marked: Sequence[int] | np.ndarray = ()) -> None:
        self.n_pairs += len(pairs)
        self._sets.add(pairs)
        self._is_marked[np.asarray(marked, np.intp)] = True

    def sets(self, images: Sequence[ImageRecord]) -> list[tuple[ImageRecord, ...]]:
        return [tuple(images[i] for i in each) for each in self._sets.sets()]

    def marked(self, images: Sequence[ImageRecord]) -> list[ImageRecord]:
        return [images[i] for i in np.flatnonzero(self._is_marked).tolist()]


class _Listed:
    """Of the pairs of each image the first ones, so that their number is bounded."""

    def __init__(self, n: int) -> None:
        self._most = min(_MOST_LISTED_OF_IMAGE, max(1, _MOST_LISTED // max(n, 1)))
        self._seen = np.zeros((2, n), np.intp)  # pairs until now with the image first, and second
        self._parts: list[np.ndarray] = []

    def add(self, pairs: np.ndarray) -> None:
        ranks = [self._seen[i][of] + _ranks(of) for i, of in enumerate(pairs.T)]
        for i, of in enumerate(pairs.T):
            self._seen[i] += np.bincount(of, minlength=self._seen.shape[1])
        self._parts.append(pairs[np.minimum(*ranks) < self._most])

    def n_unlisted(self) -> np.ndarray:
        n_unlisted: np.ndarray = self._seen.sum(axis=0)
        for part in self._parts:
            n_unlisted -= np.bincount(part.ravel(), minlength=len(n_unlisted))
        return n_unlisted

    def pairs(self) -> tuple[Pair, ...]:
        return tuple((int(i), int(j)) for part in self._parts for i, j in part.tolist())


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return how many equal values are before each value."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(values) else order
    lengths = np.diff(np.r_[starts, len(values)])
    ranks = np.empty(len(values), np.intp)
    ranks[order] = np.arange(len(values)) - np.repeat(starts, lengths)
    return ranks


def _numbered(values: Iterable[Hashable]) -> np.ndarray:
    """Return a number for each value, the same for equal ones; each None has its own."""
    numbers: dict[Hashable, int] = {}
    return np.array(
        [-i if v is None else numbers.setdefault(v, len(numbers)) for i, v in enumerate(values, 1)],
        np.intp,
    )


def _are_same(number_of: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    same: np.ndarray = number_of[pairs[:, 0]] == number_of[pairs[:, 1]]
    return same


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


def _outside_test(images: Sequence[ImageRecord]) -> list[ImageRecord]:
    """Return the images outside the first split in the order of preference that has any."""
    kept = min((image.split for image in images), key=_KEPT_FIRST.index)
    return [image for image in images if image.split != kept]
