"""Findings on groups: too large, not made although names contain patients, or doubtful."""

import re
from collections import Counter, defaultdict

from medrecog_core.datasets.dataset import Dataset, ImageRecord
from medrecog_core.datasets.health.finding import Advice, Finding, import_command
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.groups import USUAL_PATTERNS
from medrecog_core.wording import counted

MOST_IN_GROUP = 0.5
"""Share of the images above which a group leaves no balanced split."""

_FEWEST_IMAGES = 10
_MATCHED = 0.95
_MOST_GROUPS = 0.8
"""Ratio of groups to images above which hardly any image shares its group."""
_GROUPS_PER_CLASS = 2
"""With fewer groups per class, they are probably the classes themselves."""

# Names that begin with a number and have more parts may be those of patients.
_NUMBERED_PREFIX = r"(?:^|/)([A-Za-z]{0,8}\d+)[_-][^/]*$"
_PERSON_OF_A_KIND = re.compile(r"(person\d+)_(?:bacteria|virus)$")
_SPLITS = {"train", "test"}


def grouping_findings(dataset: Dataset) -> list[Finding]:
    """Return the findings on one group for nearly all images, and on patients in names."""
    return [*_one_group(dataset), *_patients_in_names(dataset)]


def likely_pattern(dataset: Dataset) -> str:
    """Return a path pattern whose first group seems to be the patient; empty if none does."""
    return next(
        (p for p in (*USUAL_PATTERNS, _NUMBERED_PREFIX) if _makes_groups(dataset, p)),
        "",
    )


def _one_group(dataset: Dataset) -> list[Finding]:
    counts = Counter(image.group for image in dataset.images if image.group)
    if not counts:
        return []
    group, n = counts.most_common(1)[0]
    if n <= MOST_IN_GROUP * len(dataset.images):
        return []
    every = n == len(dataset.images)
    how_many = f"All {n:,} images" if every else f"{n:,} of {counted(len(dataset.images), 'image')}"
    pattern = likely_pattern(dataset)
    without = import_command(dataset, Decisions(has_groups=False))
    advice = [
        Advice(
            "Import the images again without groups, if the images are of different patients: use "
            "the same options as before, and --no-groups.",
            without,
        )
    ]
    if pattern:
        advice.insert(0, _again_with(dataset, pattern))
    else:
        advice.append(
            Advice(
                "Or import them again with --group-pattern and a regular expression, if the paths "
                "name the patient."
            )
        )
    return [
        Finding(
            "one-group",
            "severe",
            "One group for " + ("all images" if every else "most images"),
            f"{how_many} are in the group “{group}”. Images of one group stay in one part of a "
            "split, so there is "
            + ("no way to split them." if every else "no balanced way to split them."),
            images=tuple(image.path for image in dataset.images if image.group == group),
            advice=tuple(advice),
        )
    ]


def _patients_in_names(dataset: Dataset) -> list[Finding]:
    pattern = "" if dataset.groups else likely_pattern(dataset)
    if not pattern:
        return []
    groups = _groups(dataset, pattern)
    names = sorted(set(groups.values()))
    return [
        Finding(
            "patients-in-names",
            "note" if pattern == _NUMBERED_PREFIX else "warning",
            "No groups, but names that may contain patients",
            f"The data set has no groups, but the names of {len(groups):,} of "
            f"{counted(len(dataset.images), 'image')} may contain {len(names):,} patients, such as "
            f"“{names[0]}”. Without groups, images of one patient can be in the training and the "
            "test part.",
            images=tuple(sorted(groups)),
            advice=(_again_with(dataset, pattern),),
        )
    ]


def _again_with(dataset: Dataset, pattern: str) -> Advice:
    return Advice(
        "Import the images again with groups from their paths: use the same options as before, and "
        "--group-pattern.",
        import_command(dataset, Decisions(group_pattern=pattern)),
    )


def _makes_groups(dataset: Dataset, pattern: str) -> bool:
    """Return whether a pattern gives groups of several images other than the classes."""
    n = len(dataset.images)
    groups = _groups(dataset, pattern)
    if n < _FEWEST_IMAGES or len(groups) < _MATCHED * n:
        return False
    counts = Counter(groups.values())
    return (
        _GROUPS_PER_CLASS * len(dataset.classes) < len(counts) <= _MOST_GROUPS * n
        and max(counts.values()) <= MOST_IN_GROUP * n
    )


def _groups(dataset: Dataset, pattern: str) -> dict[str, str]:
    """Return the groups that a pattern gives by path."""
    compiled = re.compile(pattern)
    found = {image.path: compiled.search(image.path) for image in dataset.images}
    return {path: match[1] for path, match in found.items() if match and match[1]}


def number_findings(dataset: Dataset) -> list[Finding]:
    """Return the finding on leakage if persons were numbered across bacteria and virus.

    At most one, if groups are chest X-ray patients and the splits share such numbers.
    """
    groups: dict[str, set[str]] = defaultdict(set)
    members: dict[str, list[ImageRecord]] = defaultdict(list)
    for image in dataset.images:
        told = _PERSON_OF_A_KIND.match(image.group)
        if told and image.split in _SPLITS:
            groups[told[1]].add(image.group)
            members[told[1]].append(image)
    shared = {
        number: images
        for number, images in members.items()
        if len(groups[number]) > 1 and {image.split for image in images} == _SPLITS
    }
    if not shared:
        return []
    tested = {
        number for number, images in members.items() if any(i.split == "test" for i in images)
    }
    return [
        Finding(
            "person-numbers-across-splits",
            "note",
            f"{counted(len(shared), 'person number')} in both splits, as bacteria here and as "
            "virus there",
            "Persons are numbered separately for bacteria and virus, so these count as different "
            f"patients. If they were the same, {len(shared):,} of the {len(tested):,} persons in "
            "the test images would be in the training images too.",
            images=tuple(sorted(image.path for images in shared.values() for image in images)),
            sets=tuple(
                tuple(sorted(image.path for image in shared[number])) for number in sorted(shared)
            ),
        )
    ]
