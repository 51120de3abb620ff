"""Labels and patients from the tags of DICOM files."""

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
"""Endings of files that are not checked for DICOM."""


def check_tag(tag: str) -> str:
    """Return the keyword of a tag given by keyword or number.

    Raises
    ------
    UsageError
        If the tag is unknown.
    """
    keyword = keyword_of(tag)
    if keyword is None:
        raise UsageError(
            f"Unknown DICOM tag “{tag}”. Use a keyword such as PatientID, or a number such as "
            "0010,0020."
        )
    return keyword


def read_tagged_images(root: Path, label_tag: str) -> tuple[list[ImageRecord], list[LeftOut], str]:
    """Find the DICOM files below a folder whose label is in a tag.

    Returns
    -------
    images
        Sorted by path, without groups.
    left_out
        Other files, and those that cannot be read or have no label.
    layout
        Description of what was read.

    Raises
    ------
    UsageError
        If the tag is unknown.
    MedrecogError
        If the folder cannot be read or has no DICOM file with a label.
    """
    keyword = check_tag(label_tag)
    if not root.is_dir():
        raise MedrecogError(f"Folder {root} not found. Enter the folder of the images.")
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
            f"{root} has no DICOM file with a label in the tag {keyword}{first}. Check the folder "
            "and the tag."
        )
    return images, left_out, f"labels from the DICOM tag {keyword}"


def with_patients(
    root: Path, images: Sequence[ImageRecord], group_tag: str = PATIENT
) -> tuple[list[ImageRecord], str]:
    """Set the missing groups of DICOM images from a tag, by default the patient.

    Parameters
    ----------
    root
        The folder of the images.
    images
        Images of any kind; only DICOM images change.
    group_tag
        Keyword or number of the tag; empty: change nothing.

    Returns
    -------
    images
        In the same order.
    remark
        Description of what was read from tags.

    Raises
    ------
    UsageError
        If the tag is unknown.
    """
    # PatientID does not need the dictionary of tags, which is slow to load.
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
    """Return a tag, empty if the file is not DICOM; damage is reported when the image is read."""
    if path.suffix.lower() in _NEVER_DICOM or not is_dicom_file(path):
        return ""
    try:
        return read_tags(path, [keyword])[keyword]
    except UnusableDicomError:
        return ""
