"""Files that belong to an image and are not samples: masks, overlays, thumbnails."""

import functools
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from medrecog_core.datasets.dataset import DatasetWarning, LeftOut
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.folder_roles import IMAGE_WORDS, is_plain, split_in, words
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.wording import counted

_WORDS = (
    "segmentations?|segmented|segm|seg|masks?|lesions?|labels?|annotations?|annotated|annot|"
    "ground[ _-]?truths?|gts?|overlays?|rois?|contours?|outlines?|bbox(?:es)?|heat[ _-]?maps?|"
    "saliency|thumb(?:nail)?s?|previews?|super[ _-]?pixels?"
)
_FOLDER_WORDS = (
    "segmentations?|segmented|seg|masks?|labels?|annotations?|annot|ground[ _-]?truths?|gts?|"
    "overlays?|rois?|contours?|outlines?|heat[ _-]?maps?|thumb(?:nail)?s?|previews?|lesions?"
)
_AFTER = re.compile(rf"(?P<base>.*?\S)[ _.-]+(?:{_WORDS})(?:[ _.-]*\d+)?", re.IGNORECASE)
_NUMBERED_AFTER = re.compile(
    rf"(?P<base>.*?\S)[ _.-]+[A-Z]\d+[ _.-]+(?:{_WORDS})(?:[ _.-]*\d+)?", re.IGNORECASE
)
_BEFORE = re.compile(rf"(?:{_WORDS})[ _.-]+(?P<base>\S.*)", re.IGNORECASE)
_IMAGE_AFTER = re.compile(r"(.*\S)[ _.-]+(?:images?|imgs?|originals?|orig|raw)", re.IGNORECASE)
_IMAGE_BEFORE = re.compile(r"(?:images?|imgs?|originals?|orig|raw)[ _.-]+(\S.*)", re.IGNORECASE)
_FOLDER = re.compile(
    rf"(?:(?P<base>.*?\S)??[ _.-]*)(?<![^\W\d_])(?:{_FOLDER_WORDS})(?:[ _.-]*\d+)?", re.IGNORECASE
)
_CLASS_WORDS = frozenset({"with", "without", "no", "non", "not", "wearing", "face", "incorrect"})
_FOLDER_CLASS = frozenset({"mask", "lesion", "lesions", "label", "labels", "roi"})
_VIEWER_FILES = frozenset({"dicomdir", "autorun.inf"})
_VIEWED = (".dcm", ".dicom")


def without_companions(survey: Survey, decisions: Decisions) -> Survey:
    """Return the survey without the images that are companions of others.

    A companion is skipped only if the image that it belongs to exists:

    - `X_mask.png`, `X-segmentation`, `mask_X` and the like, where the same folder holds an image
      named `X` (or `X_image`, `image_X`);
    - files in a folder named `masks`, `GroundTruth`, `X_lesion` and the like, where the same path
      with that folder left out or in place of its siblings leads to an image of the same name, with
      or without such a word. A folder of that name may as well be a class, as in sets of face
      masks. So it must lie in or beside a folder that holds all images (`images`, `data`, `train`),
      bear the name of its sibling (`train_masks` beside `train`), or mirror the images of several
      siblings;
    - pictures of a viewer on a disc of DICOM files.
    """
    if decisions.keeps_companions or not survey.images:
        return survey
    reasons = _by_name(survey.images)
    rest = [path for path in survey.images if path not in reasons]
    reasons |= _by_folder(rest)
    rest = [path for path in rest if path not in reasons]
    reasons |= _of_viewers(rest, survey.left_out)
    if not reasons:
        return survey
    n = len(reasons)
    warning = DatasetWarning(
        "companions",
        f"{counted(n, 'file')} not imported, because {'it belongs' if n == 1 else 'they belong'} "
        "to other images (masks, overlays, thumbnails). Use --keep-companions to import "
        f"{'it' if n == 1 else 'them'}.",
        tuple(sorted(reasons)),
    )
    left_out = (LeftOut(path, reason) for path, reason in reasons.items())
    return replace(
        survey,
        images=tuple(path for path in survey.images if path not in reasons),
        left_out=tuple(sorted((*survey.left_out, *left_out), key=lambda entry: entry.path)),
        warnings=(*survey.warnings, warning),
    )


def _stem(name: str) -> str:
    for ending in (".nii.gz", ".ome.tif", ".ome.tiff"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    stem, dot, _ = name.rpartition(".")
    return stem if dot and stem else name


def _bases(stem: str) -> list[str]:
    """Return the names of the image that a companion of this name may belong to."""
    told = (pattern.fullmatch(stem) for pattern in (_AFTER, _NUMBERED_AFTER, _BEFORE))
    return [match["base"] for match in told if match]


def _keys(stem: str) -> list[str]:
    """Return the names that an image may be called by its companions."""
    told = (pattern.fullmatch(stem) for pattern in (_IMAGE_AFTER, _IMAGE_BEFORE))
    return [stem, *(match[1] for match in told if match)]


def _by_name(images: Iterable[str]) -> dict[str, str]:
    """Find `X_mask` beside `X`."""
    in_folder: dict[str, dict[str, str]] = defaultdict(dict)
    candidates: list[tuple[str, str, list[str]]] = []
    for path in images:
        folder, _, name = path.rpartition("/")
        stem = _stem(name)
        bases = _bases(stem)
        if bases:
            candidates.append((path, folder, bases))
        for key in _keys(stem):
            in_folder[folder].setdefault(key, path)
    found: dict[str, str] = {}
    for path, folder, bases in candidates:
        own = in_folder[folder]
        image = next((own[b] for b in bases if b in own and own[b] != path), "")
        if image:
            found[path] = f"a companion of {image}"
    return found


def _by_folder(images: list[str]) -> dict[str, str]:
    """Find files in `masks/` beside `images/`."""
    inside: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in images:
        parts = path.split("/")
        for i, part in enumerate(parts[:-1]):
            if _is_companion_folder(part):
                inside[("/".join(parts[:i]), part)].append(path)
    if not inside:
        return {}
    parents = {parent for parent, _ in inside}
    # From a folder that has companions below it, and a sibling, to names to images.
    below: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for path in images:
        parts = path.split("/")
        # What lies deeper than the last folder of companions.
        last = max((i for i, p in enumerate(parts[:-1]) if _is_companion_folder(p)), default=-1)
        for i in range(last + 1, len(parts)):
            parent = "/".join(parts[:i])
            if parent in parents:
                sibling = parts[i] if i < len(parts) - 1 else ""
                inner = "/".join(parts[i + 1 : -1]) if sibling else ""
                for key in _keys(_stem(parts[-1])):
                    below[parent][sibling].setdefault(f"{inner}/{key}", path)
                    below[parent][sibling].setdefault(f"*/{key}", path)
                if sibling:  # the same path without the companions' folder
                    whole = "/".join(parts[i:-1])
                    for key in _keys(_stem(parts[-1])):
                        below[parent][""].setdefault(f"{whole}/{key}", path)
    found: dict[str, str] = {}
    for (parent, folder), paths in inside.items():
        found |= _mirrored(parent, folder, paths, below[parent])
    return found


@functools.cache
def _is_companion_folder(name: str) -> bool:
    return bool(_FOLDER.fullmatch(name)) and _CLASS_WORDS.isdisjoint(words(name))


def _mirrored(
    parent: str, folder: str, paths: list[str], siblings: dict[str, dict[str, str]]
) -> dict[str, str]:
    """Return the files of one folder of companions whose images are there, with the reason."""
    told = _FOLDER.fullmatch(folder)
    base = (told["base"] or "") if told else ""
    image_of: dict[str, dict[str, str]] = defaultdict(dict)
    for path in paths:
        below = path[len(parent) + 1 if parent else 0 :].split("/", 1)[1]
        inner, _, name = below.rpartition("/")
        stem = _stem(name)
        for sibling, images in siblings.items():
            for key in (stem, *_bases(stem)):
                image = images.get(f"{inner}/{key}") or (
                    images.get(f"*/{key}", "") if not inner else ""
                )
                if image:
                    image_of[sibling].setdefault(path, image)
        if base and path not in image_of[base]:
            # PH2: IMD001_roi/IMD001_R1_Label3 beside IMD001_Dermoscopic_Image/IMD001
            for sibling, images in siblings.items():
                image = images.get(f"*/{base}", "")
                if image and sibling.startswith(base) and stem.startswith(base):
                    image_of[base].setdefault(path, image)
    found: dict[str, str] = {}
    mirrors = {s: got for s, got in image_of.items() if got}
    for sibling, got in mirrors.items():
        if _is_place_of_images(folder, base, sibling, mirrors, siblings, len(paths)):
            for path, image in got.items():
                found.setdefault(path, f"a companion of {image}")
    return found


def _is_place_of_images(
    folder: str,
    base: str,
    sibling: str,
    mirrors: dict[str, dict[str, str]],
    siblings: dict[str, dict[str, str]],
    n_files: int,
) -> bool:
    """Return whether the images of a sibling are what the companions' folder goes with."""
    if not sibling or sibling == base:
        return True
    if base and words(base) == words(sibling):
        return True
    if is_plain(sibling) or not IMAGE_WORDS.isdisjoint(words(sibling)):
        return True
    if base and split_in(base)[0] and split_in(base)[0] == split_in(sibling)[0]:
        return True
    # Each file belongs to an image of one of several siblings, such as class folders.
    several = [name for name in mirrors if name]
    owners = [
        sum(path in mirrors[name] for name in several)
        for path in {path for got in mirrors.values() for path in got}
    ]
    is_partition = len(several) > 1 and all(n == 1 for n in owners) and len(owners) == n_files
    return is_partition and folder.lower() not in _FOLDER_CLASS


def _of_viewers(images: Iterable[str], left_out: Iterable[LeftOut]) -> dict[str, str]:
    """Find the pictures of a viewer: on a disc of DICOM files, in folders without any of these."""
    discs = {
        entry.path.rpartition("/")[0]
        for entry in left_out
        if entry.path.rpartition("/")[2].lower() in _VIEWER_FILES
    }
    if not discs:
        return {}
    dicom_folders: set[str] = set()
    pictures: list[tuple[str, str]] = []
    for path in images:
        folder, _, name = path.rpartition("/")
        ending = name.rpartition(".")[2] if "." in name else ""
        if name.lower().endswith(_VIEWED) or not ending or ending.isdigit():
            dicom_folders.add(folder)
        else:
            pictures.append((path, folder))
    return {
        path: "a picture of the viewer on the disc"
        for path, folder in pictures
        for disc in discs
        if (not disc or folder == disc or folder.startswith(disc + "/"))
        and folder not in dicom_folders
        and any(not disc or f == disc or f.startswith(disc + "/") for f in dicom_folders)
    }
