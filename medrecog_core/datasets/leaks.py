"""Findings on what stands on both sides of a split, or under two labels, or twice."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from medrecog_core.datasets.counting import counted
from medrecog_core.datasets.dataset import Dataset, ImageRecord
from medrecog_core.datasets.duplicates import Pair, connected_sets, exact_duplicates
from medrecog_core.datasets.finding import Finding

_KEPT_FIRST = ("test", "val", "train", "")
"""Of copies in several splits those of the first of these stay: the test is left as it is."""
_KEEP_TEST = "the copies outside the test are excluded, so that the test stays as it is"
_DROP_ALL = "all of them are excluded, since which label is right is not known"
_KEEP_ONE = "all but the first of each set, by path, are excluded"
_NO_SPLIT = (
    " The data set gives no split, and a split by chance puts copies on both sides unless they are "
    "of one group."
)


def duplicate_findings(dataset: Dataset) -> list[Finding]:
    """Return the findings on files that hold the same bytes."""
    copies = exact_duplicates(dataset.images)
    across_classes = [each for each in copies if len({image.label for image in each}) > 1]
    across_splits = [each for each in copies if len({image.split for image in each}) > 1]
    elsewhere = {id(each) for each in (*across_classes, *across_splits)}
    within = [each for each in copies if id(each) not in elsewhere]
    findings = []
    if across_splits:
        findings.append(
            _finding(
                "duplicates-across-splits",
                "severe",
                f"{counted(len(across_splits), 'image')} in more than one split",
                "The same file stands in more than one split, "
                f"{counted(len(across_splits), 'time')}: a model is tested on what it has learnt "
                "by heart.",
                across_splits,
                (image for each in across_splits for image in _outside_test(each)),
                _KEEP_TEST,
            )
        )
    if across_classes:
        findings.append(
            _finding(
                "duplicates-across-classes",
                "severe",
                f"{counted(len(across_classes), 'image')} under more than one label",
                "The same file stands under different labels, "
                f"{counted(len(across_classes), 'time')}: at least one of the labels is wrong.",
                across_classes,
                (image for each in across_classes for image in each),
                _DROP_ALL,
            )
        )
    if within:
        n_more = sum(len(each) - 1 for each in within)
        findings.append(
            _finding(
                "duplicates",
                "warning",
                f"{counted(len(within), 'image')} more than once",
                f"{counted(n_more, 'file')} hold the bytes of another of the same class and split: "
                "they count twice." + ("" if dataset.splits else _NO_SPLIT),
                within,
                (image for each in within for image in each[1:]),
                _KEEP_ONE,
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
        As `near_duplicates` gives them, of positions in `dataset.images`. Pairs of one content are
        passed over: they are exact duplicates.

    Returns
    -------
    findings
        Up to three: across splits, across classes, and the rest.
    n_expected
        Pairs of images of one group, which one expects to look alike; they are in no finding.
    """
    images = dataset.images
    alike = [
        (images[i], images[j], (i, j)) for i, j in pairs if not _same_content(images[i], images[j])
    ]
    of_one_group = [entry for entry in alike if entry[0].group and entry[0].group == entry[1].group]
    expected = {pair for _, _, pair in of_one_group}
    told = [entry for entry in alike if entry[2] not in expected]
    across_splits = [pair for first, second, pair in told if first.split != second.split]
    across_classes = [pair for first, second, pair in told if first.label != second.label]
    elsewhere = {*across_splits, *across_classes}
    within = [pair for _, _, pair in told if pair not in elsewhere]
    findings = []
    if across_splits:
        outside = (
            image for i, j in across_splits for image in _outside_test((images[i], images[j]))
        )
        findings.append(
            _finding(
                "near-duplicates-across-splits",
                "severe",
                f"{counted(len(across_splits), 'pair')} of nearly the same image in two splits",
                "Images that look nearly the same stand in different splits, in "
                f"{counted(len(across_splits), 'pair')}: a model is tested on what it has almost "
                "seen.",
                _sets(images, across_splits),
                outside,
                _KEEP_TEST,
            )
        )
    if across_classes:
        findings.append(
            _finding(
                "near-duplicates-across-classes",
                "warning",
                f"{counted(len(across_classes), 'pair')} of nearly the same image under two labels",
                "Images that look nearly the same have different labels, in "
                f"{counted(len(across_classes), 'pair')}: look at them, a label may be wrong.",
                _sets(images, across_classes),
                (images[i] for pair in across_classes for i in pair),
                _DROP_ALL,
            )
        )
    if within:
        sets = _sets(images, within)
        findings.append(
            _finding(
                "near-duplicates",
                "note",
                f"{counted(len(sets), 'set')} of nearly the same image",
                f"{counted(sum(map(len, sets)), 'image')} of the same class and split look nearly "
                "the same as another." + ("" if dataset.splits else _NO_SPLIT),
                sets,
                (image for each in sets for image in each[1:]),
                _KEEP_ONE,
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
    return [
        _finding(
            "groups-across-splits",
            "severe",
            f"{counted(len(leaking), 'group')} in more than one split",
            f"{counted(len(leaking), 'group')} of {len(members):,} (patients, lesions) have images "
            "in more than one split: a model is tested on whom it has learnt from.",
            leaking,
            (image for each in leaking for image in _outside_test(each)),
            "their images outside the test are excluded, so that the test stays as it is",
        )
    ]


def _finding(
    kind: str,
    severity: str,
    title: str,
    words: str,
    sets: Iterable[Sequence[ImageRecord]],
    to_exclude: Iterable[ImageRecord],
    rule: str,
) -> Finding:
    paths = tuple(tuple(image.path for image in each) for each in sets)
    return Finding(
        kind,
        severity,
        title,
        words,
        images=tuple(sorted({path for each in paths for path in each})),
        sets=paths,
        to_exclude=tuple(sorted({image.path for image in to_exclude})),
        rule=rule,
    )


def _sets(images: Sequence[ImageRecord], pairs: Sequence[Pair]) -> list[tuple[ImageRecord, ...]]:
    return [tuple(images[i] for i in each) for each in connected_sets(pairs, len(images))]


def _outside_test(images: Sequence[ImageRecord]) -> list[ImageRecord]:
    """Return the images that are not in the first split, of those kept first, that has any."""
    kept = min((image.split for image in images), key=_KEPT_FIRST.index)
    return [image for image in images if image.split != kept]


def _same_content(first: ImageRecord, second: ImageRecord) -> bool:
    return first.content is not None and first.content == second.content
