"""Patients of the paediatric chest X-ray images, from their file names."""

import re

from medrecog_core.datasets.dataset import ImageRecord

PATIENT_OF = {
    "PNEUMONIA": re.compile(r"(person\d+(?:_bacteria|_virus)?)_"),
    "NORMAL": re.compile(r"((?:NORMAL\d*-)?IM-\d+)-"),
}
"""Patterns by class whose first group is the patient in a file name."""


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
