"""Patients of the paediatric chest X-ray images, from their file names."""

import re
from collections import defaultdict

from medrecog_core.datasets.dataset import Dataset, ImageRecord
from medrecog_core.datasets.health.finding import Finding
from medrecog_core.wording import counted

PATIENT_OF = {
    "PNEUMONIA": re.compile(r"(person\d+(?:_bacteria|_virus)?)_"),
    "NORMAL": re.compile(r"((?:NORMAL\d*-)?IM-\d+)-"),
}
"""Patterns by class whose first group is the patient in a file name."""

_PERSON_OF_A_KIND = re.compile(r"(person\d+)_(?:bacteria|virus)$")
_SPLITS = {"train", "test"}


def chest_patient(image: ImageRecord) -> str:
    """Return the patient in the file name of a chest X-ray image; empty if there is none.

    Such as `person115_bacteria`, `IM-0115` or `NORMAL2-IM-0115`.

    Notes
    -----
    The publisher does not say how patients are numbered. The names of the 5,808 of 5,856 images
    that were examined show it: persons are numbered for bacteria and for virus each from 1 on. In
    the order of the persons of one kind the images' own numbers, the last ones of the names, ascend
    as well, with one exception in 4,237, while 864 of those numbers occur in both kinds. And the
    official split was made by persons of a kind: its test holds all bacteria from person 78 to 175,
    and of its 203 persons of a kind none is in training too, where a split by images would divide
    about 170, among the 647 with several images. So `person115` of bacteria and of virus are two
    patients. Were they one, 170 of the 202 persons of the test would be in training too, which is
    about what unrelated persons would give (139 if the split is drawn at random among persons of a
    kind).

    The numbers after `IM` and `NORMAL2-IM` are two series in the same way: none of the test's 224
    is in training, and 94 of 201 would be if the two were one.
    """
    told = PATIENT_OF[image.label].match(image.path.rpartition("/")[2])
    return told[1] if told else ""


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
