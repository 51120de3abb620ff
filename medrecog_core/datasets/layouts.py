"""Layouts of well-known data sets, recognised by their files."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from medrecog_core.datasets import catalogue
from medrecog_core.datasets.chest_patients import PATIENT_OF, chest_patient
from medrecog_core.datasets.class_folders import read_class_folders
from medrecog_core.datasets.dataset import ImageRecord, LeftOut
from medrecog_core.datasets.files import files_below, shown
from medrecog_core.datasets.label_table import choose_columns, read_label_table, read_rows
from medrecog_core.errors import MedrecogError
from medrecog_core.images import is_image_file

_HAM10000_TABLES = ("ham10000_metadata", *(f"ham10000_metadata.{s}" for s in ("csv", "tab", "tsv")))
_MIT_LISTS = {"train": "trainimages.txt", "test": "testimages.txt"}

Found = tuple[list[ImageRecord], list[LeftOut], str]
"""Images sorted by path, what was left out, and in words what was recognised."""


def read_layout(root: Path, classes: Iterable[str] = ()) -> Found:
    """Find the images and labels below a folder, by the layout that its files tell.

    Known are HAM10000's table, MIT-67's lists, chest X-ray images with the patient in their names,
    and Kvasir's eight folders; anything else is read as class folders.

    Parameters
    ----------
    root
        The folder, as it comes out of the original archives or with folders around it.
    classes
        Where given, MIT-67's other classes are left out.

    Raises
    ------
    MedrecogError
        If the folder cannot be read, or has no images with labels.
    """
    if not root.is_dir():
        raise MedrecogError(f"There is no folder {root}: give the folder that holds the images.")
    files = files_below(root)
    by_name = {file.name.lower(): file for file in reversed(files)}
    tables = [by_name[name] for name in _HAM10000_TABLES if name in by_name]
    if tables:
        return _read_ham10000(root, tables[0])
    if all(name in by_name for name in _MIT_LISTS.values()):
        lists = {split: by_name[name] for split, name in _MIT_LISTS.items()}
        return _read_mit(root, files, lists, frozenset(classes))
    images, left_out, layout = read_class_folders(root)
    labels = {image.label for image in images}
    if labels == set(PATIENT_OF) and any(chest_patient(image) for image in images):
        images = [replace(image, group=chest_patient(image)) for image in images]
        patients = "groups are the patients that the file names tell"
        layout = f"chest X-ray images, {layout}, {patients}{_share(images, 'chest-xray')}"
    elif labels == set(catalogue.find("kvasir-v2").classes):
        layout = f"Kvasir, {layout}; the files do not tell patients"
    return images, left_out, layout


def _read_ham10000(root: Path, table: Path) -> Found:
    header, rows = read_rows(table)
    columns = choose_columns(header, table, "image_id", "dx", "lesion_id", "")
    images, left_out, layout = read_label_table(root, table, rows, columns)
    layout = f"HAM10000, {layout}, groups are the lesions (lesion_id)"
    left_out = [entry for entry in left_out if entry.path != table.relative_to(root).as_posix()]
    return images, left_out, layout + _share(images, "ham10000")


def _read_mit(
    root: Path, files: list[Path], lists: dict[str, Path], classes: frozenset[str]
) -> Found:
    """Read MIT-67's lists, whose lines are `class/file`, and leave out all other images."""
    paths = {
        "/".join(file.parts[-2:]): file.relative_to(root).as_posix()
        for file in files
        if is_image_file(file)
    }
    images: list[ImageRecord] = []
    left_out: list[LeftOut] = []
    listed: set[str] = set()
    for split, file in lists.items():
        for line in _lines(file):
            label = line.partition("/")[0]
            if classes and label not in classes:
                continue
            reason = ""
            if line in listed:
                reason = "an earlier line has the same image"
            elif line not in paths:
                reason = "its image is not in the folder"
            elif paths[line] != shown(paths[line]):
                reason = "the name of the file or its folder is not UTF-8; rename it"
            if reason:
                left_out.append(LeftOut(f"{file.name}: {shown(line)}", reason))
            else:
                images.append(ImageRecord(paths[line], label, split))
            listed.add(line)
    unlisted = sorted(path for line, path in paths.items() if line not in listed)
    where = f"in neither {lists['train'].name} nor {lists['test'].name}"
    if classes:
        where += " for these classes"
    left_out += [LeftOut(shown(path), where) for path in unlisted]
    if not images:
        raise MedrecogError(
            f"No image of {lists['train']} is below {root}: "
            "put the lists beside the folder that holds the class folders."
        )
    entry = "mini-mit" if classes else "mit67"
    layout = f"MIT-67 indoor scenes, split by {lists['train'].name} and {lists['test'].name}"
    if classes:
        layout += f", {len(classes)} of 67 classes"
    return sorted(images, key=lambda image: image.path), left_out, layout + _share(images, entry)


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise MedrecogError(f"The list {file} cannot be read ({error.strerror}).") from error
    lines = (line.strip().replace("\\", "/").removeprefix("./") for line in text.splitlines())
    return [line for line in lines if line]


def _share(images: list[ImageRecord], name: str) -> str:
    published = catalogue.find(name).n_images
    if not published or len(images) == published:
        return ""
    return f"; {len(images):,} of the {published:,} images published"
