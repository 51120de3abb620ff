"""Data sets whose labels are the names of folders, perhaps below train and test folders."""

from pathlib import Path

from medrecog_core.datasets.dataset import ImageRecord, LeftOut
from medrecog_core.datasets.files import files_below, shown
from medrecog_core.errors import MedrecogError
from medrecog_core.images import is_image_file

_SPLIT_OF_FOLDER = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "val",
    "valid": "val",
    "validation": "val",
}
_LAYOUT = "a folder a class"
_SPLIT_LAYOUT = "{} folders, a folder a class in each"


def read_class_folders(root: Path) -> tuple[list[ImageRecord], list[LeftOut], str]:
    """Find the images below a folder that has a folder a class.

    The class folders lie in the folder itself, or in folders named train, test and val (also
    training, testing, valid, validation) in it. A folder that holds nothing but one folder is
    entered, as unpacked archives have it.

    Returns
    -------
    images
        Sorted by path.
    left_out
        Files that are no images by their name, or lie in no class folder.
    layout
        In words, what was recognised.

    Raises
    ------
    MedrecogError
        If the folder cannot be read or has no class folders with images.
    """
    if not root.is_dir():
        raise MedrecogError(f"There is no folder {root}: give the folder that holds the images.")
    top = _enter_wrapping_folders(root)
    folders = _subfolders(top)
    split_folders = {f: _SPLIT_OF_FOLDER[f.name.lower()] for f in folders if _names_split(f)}
    class_folders = {
        class_folder: split_folders.get(folder, "")
        for folder in folders
        for class_folder in (_subfolders(folder) if folder in split_folders else [folder])
    }
    if split_folders:
        # Beside train and test, another folder (a licence, an archive's leftovers) is no class.
        class_folders = {f: split for f, split in class_folders.items() if split}
    label_and_split = {
        file: (class_folder.name, split)
        for class_folder, split in class_folders.items()
        for file in files_below(class_folder)
    }
    images: list[ImageRecord] = []
    left_out: list[LeftOut] = []
    for file in sorted({*label_and_split, *files_below(top)}):
        path = file.relative_to(root).as_posix()
        reason = ""
        if not is_image_file(file):
            reason = "not an image, by its name"
        elif file not in label_and_split:
            reason = "not in a class folder"
        elif path != shown(path):
            reason = "the name of the file or its folder is not UTF-8; rename it"
        if reason:
            left_out.append(LeftOut(shown(path), reason))
        else:
            images.append(ImageRecord(path, *label_and_split[file]))
    if not images:
        raise MedrecogError(
            f"{root} has no class folders with images: put the images of each class into a folder "
            "named after it, or give a table of labels."
        )
    order = {split: i for i, split in enumerate(("train", "test", "val"))}
    splits = sorted(set(split_folders.values()), key=lambda split: order[split])
    layout = _SPLIT_LAYOUT.format(" and ".join(splits)) if splits else _LAYOUT
    return sorted(images, key=lambda image: image.path), left_out, layout


def _enter_wrapping_folders(root: Path) -> Path:
    top = root
    while True:
        entries = [e for e in _entries(top) if e.name != "__MACOSX"]
        if len(entries) != 1 or not entries[0].is_dir():
            return top
        if not _subfolders(entries[0]) or _names_split(entries[0]):
            return top
        top = entries[0]


def _names_split(folder: Path) -> bool:
    return folder.name.lower() in _SPLIT_OF_FOLDER and bool(_subfolders(folder))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise MedrecogError(
            f"{folder} cannot be read ({error.strerror}): allow reading it, or move it away."
        ) from error


def _subfolders(folder: Path) -> list[Path]:
    return [entry for entry in _entries(folder) if entry.is_dir()]
