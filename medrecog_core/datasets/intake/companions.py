"""Files made from an image, by their names: masks, overlays, thumbnails, and other versions."""

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from shlex import quote

from medrecog_core.datasets.dataset import DatasetWarning, ImageRecord, LeftOut
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.folder_roles import (
    IMAGE_WORDS,
    is_plain,
    split_in,
    split_of,
    words,
)
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


# --- Versions: augmented, rotated, in grey -------------------------------------------------------

_CHANGES = (
    "aug(?:mented|mentation)?|rot(?:ated?|ation)?|flip(?:ped)?|[hv]flip|hor(?:izontal)?flip|"
    "mirror(?:ed)?|nois[ey]|bright(?:er|ness|ened)?|dark(?:er|ened)?|contrast|blur(?:red)?|shear|"
    "zoom(?:ed)?|crop(?:ped)?|shift(?:ed)?|translated?|clahe|equalized?|gr[ae]yscale|copy"
)
_CHANGED_AFTER = re.compile(
    rf"(?P<base>.*?[^ _.-])(?P<change>(?:[ _.-]+\(?(?:{_CHANGES})(?![a-z])\)?"
    r"(?:[ _.-]?\d+(?![0-9a-z]))?)+)",
    re.IGNORECASE,
)
_CHANGED_BEFORE = re.compile(rf"(?:{_CHANGES})[ _-]+(?:\d+[ _-]+)?(?P<base>\S.*)", re.IGNORECASE)
_ROBOFLOW = re.compile(r"(?P<base>.+)\.rf\.[0-9a-f]{16,}", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")
_MASKED = re.compile(r"(?P<base>.+?)_(?:final_)?masked", re.IGNORECASE)
_CHANGED_FOLDERS = frozenset(
    {
        *("color", "colour", "rgb", "grayscale", "greyscale", "gray", "grey", "segmented"),
        *("original", "originals", "raw", "augmented", "augmentation", "aug", "enhanced"),
        *("clahe", "resized", "cropped", "rotated", "flipped", "preprocessed", "processed"),
        *("unprocessed", "filtered", "denoised"),
    }
)
"""Names of folders with different versions of the same images, in lower case."""

_ENDING = r"\.[^./]+$"
_BY_NAME = rf"([^/]+){_ENDING}"
_WAYS = (_ROBOFLOW, _CHANGED_AFTER, _MASKED, _CHANGED_BEFORE)


@dataclass(frozen=True)
class _Version:
    """An image, and the image that it is a version of."""

    image: ImageRecord
    is_changed: bool
    way: re.Pattern[str] | None
    words: frozenset[str]

    @property
    def folder(self) -> str:
        return self.image.path.rpartition("/")[0]


def version_warnings(images: Sequence[ImageRecord]) -> list[DatasetWarning]:
    """Return the warning on versions of an image that can be in both training and test images.

    Versions are known by their names: `X_aug1.jpg` or `X rotated.png` of `X`, files that Roboflow
    made of one image, and files of one name in folders such as `color` and `grayscale`. They are
    safe where one group holds them all, or where a given split or fold does.
    """
    loose: list[list[_Version]] = []
    for versions in _clusters(images):
        groups = {version.image.group for version in versions}
        parts = {(version.image.split, version.image.fold) for version in versions}
        if (len(groups) > 1 or "" in groups) and (len(parts) > 1 or ("", "") in parts):
            loose.append(versions)
    if not loose:
        return []
    n_images = sum(map(len, loose))
    across = sum(
        {"train", "test"} <= {version.image.split for version in versions}
        or len({version.image.fold for version in versions} - {""}) > 1
        for versions in loose
    )
    first = loose[0]
    example = " and ".join(version.image.path for version in (first[0], first[-1]))
    pattern = _proposed([version for versions in loose for version in versions])
    so = (
        f"{across:,} of these have versions in both training and test, so results of this split "
        "are too good."
        if across
        else "A random split puts some of them into training and others into test."
    )
    return [
        DatasetWarning(
            "image-versions",
            f"{counted(n_images, 'image')} look like versions of only {len(loose):,} by their "
            f"names, for example {example}. {so} Use --group-pattern {quote(pattern)} to keep "
            "versions of an image together with the protocols hold-out and k-fold.",
            tuple(sorted(v.image.path for versions in loose for v in versions)),
        )
    ]


def _clusters(images: Iterable[ImageRecord]) -> list[list[_Version]]:
    """Return the sets of two or more versions of one image."""
    by_key: dict[tuple[str, ...], list[_Version]] = defaultdict(list)
    for image in images:
        key, version = _version(image)
        by_key[key].append(version)
    found: list[list[_Version]] = []
    for versions in by_key.values():
        if len(versions) < 2 or not any(version.is_changed for version in versions):
            continue
        # An image in the same folder is what others there are versions of.
        homes: dict[str, list[_Version]] = {}
        for version in versions:
            if not version.is_changed:
                homes.setdefault(version.folder, []).append(version)
        first = next(iter(homes), "")
        for version in versions:
            if version.is_changed:
                place = version.folder if version.folder in homes else first
                homes.setdefault(place, []).append(version)
        found += [
            cluster
            for cluster in homes.values()
            if len(cluster) > 1 and any(version.is_changed for version in cluster)
        ]
    return found


def _version(image: ImageRecord) -> tuple[tuple[str, ...], _Version]:
    *folders, name = image.path.split("/")
    stem = name.rpartition(".")[0] or name
    kept = [folder for folder in folders if not split_of(folder)]
    plain = [
        folder for folder in kept if folder.lower() not in _CHANGED_FOLDERS or folder == image.label
    ]
    base, way, words = stem, None, frozenset[str]()
    for each in _WAYS:
        told = each.fullmatch(stem)
        if told:
            base, way = told["base"], each
            words = frozenset(_WORD.findall(stem.removeprefix(base).removesuffix(base).lower()))
            break
    is_changed = way is not None or len(plain) < len(kept)
    return (*plain, base.lower()), _Version(image, is_changed, way, words)


def _proposed(versions: Sequence[_Version]) -> str:
    """Return a group pattern that gives versions of an image one group."""
    ways = Counter(version.way for version in versions if version.way is not None)
    if not ways:
        return _BY_NAME
    way = ways.most_common(1)[0][0]
    words = "|".join(sorted({w for v in versions if v.way is way for w in v.words}))
    if way is _ROBOFLOW:
        return rf"([^/]+?)(?:\.rf\.[0-9a-f]+)?{_ENDING}"
    if way is _CHANGED_BEFORE:
        return rf"(?i)(?:(?:{words})[ _-]+(?:\d+[ _-]+)?)?([^/]+){_ENDING}"
    return rf"(?i)([^/]+?)(?:[ _.-]+\(?(?:{words})\)?[ _.-]?\d*)*{_ENDING}"
