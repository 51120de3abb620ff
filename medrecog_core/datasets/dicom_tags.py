"""Labels and patients that the tags of DICOM files tell."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from medrecog_core.datasets.dataset import ImageRecord, LeftOut
from medrecog_core.datasets.files import files_below, shown
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import is_image_file
from medrecog_core.images.dicom import UnusableDicomError, is_dicom_file, keyword_of, read_tags

PATIENT = "PatientID"

_NEVER_DICOM = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
"""Endings of files that are not opened to see whether they are DICOM."""


def check_tag(tag: str) -> str:
    """Return the keyword of a tag that was named by keyword or number.

    Raises
    ------
    UsageError
        If there is no such tag.
    """
    keyword = keyword_of(tag)
    if keyword is None:
        raise UsageError(
            f"There is no DICOM tag “{tag}”: give a keyword such as PatientID, or a number such as "
            "0010,0020."
        )
    return keyword


def read_tagged_images(root: Path, label_tag: str) -> tuple[list[ImageRecord], list[LeftOut], str]:
    """Find the DICOM files below a folder, whose label stands in a tag.

    Returns
    -------
    images
        Sorted by path, without groups.
    left_out
        Other files, and those that cannot be read or have no label.
    layout
        In words, what was read.

    Raises
    ------
    UsageError
        If there is no such tag.
    MedrecogError
        If the folder cannot be read or has no DICOM file with a label.
    """
    keyword = check_tag(label_tag)
    if not root.is_dir():
        raise MedrecogError(f"There is no folder {root}: give the folder that holds the images.")
    images: list[ImageRecord] = []
    left_out: list[LeftOut] = []
    for file in files_below(root):
        path = file.relative_to(root).as_posix()
        label, reason = "", ""
        if path != shown(path):
            reason = "the name of the file or its folder is not UTF-8; rename it"
        elif not is_image_file(file) or not is_dicom_file(file):
            reason = "not a DICOM file"
        else:
            try:
                label = read_tags(file, [keyword])[keyword]
            except UnusableDicomError as error:
                reason = str(error)
            else:
                reason = "" if label else f"its tag {keyword} is empty"
        if reason:
            left_out.append(LeftOut(shown(path), reason))
        else:
            images.append(ImageRecord(path, label))
    if not images:
        first = f" ({left_out[0].path}: {left_out[0].reason})" if left_out else ""
        raise MedrecogError(
            f"{root} has no DICOM file with a label in the tag {keyword}{first}: "
            "check the folder and the tag."
        )
    return images, left_out, f"labels from the DICOM tag {keyword}"


def with_patients(
    root: Path, images: Sequence[ImageRecord], group_tag: str = PATIENT
) -> tuple[list[ImageRecord], str]:
    """Give DICOM images that have no group the one that a tag tells, the patient by default.

    Parameters
    ----------
    root
        The folder the images lie under.
    images
        Of any kind; others than DICOM stay as they are.
    group_tag
        Keyword or number of the tag; empty leaves the groups as they are.

    Returns
    -------
    images
        In the same order.
    remark
        In words, what was taken from tags.

    Raises
    ------
    UsageError
        If there is no such tag.
    """
    # PatientID needs no look into the dictionary of tags, which takes long to load.
    keyword = check_tag(group_tag) if group_tag not in ("", PATIENT) else group_tag
    if not keyword:
        return list(images), ""
    found = [
        replace(image, group=group)
        if not image.group and (group := _tag(root / image.file_path, keyword))
        else image
        for image in images
    ]
    is_given = any(one is not image for one, image in zip(found, images, strict=True))
    return found, f"groups from the DICOM tag {keyword}" if is_given else ""


def _tag(path: Path, keyword: str) -> str:
    """Return a tag, empty where the file is no DICOM; damage shows when the image is read."""
    if path.suffix.lower() in _NEVER_DICOM or not is_dicom_file(path):
        return ""
    try:
        return read_tags(path, [keyword])[keyword]
    except UnusableDicomError:
        return ""
