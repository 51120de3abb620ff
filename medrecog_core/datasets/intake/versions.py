"""Images that are versions of one another by their names: augmented, rotated, in grey."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from shlex import quote

from medrecog_core.datasets.dataset import DatasetWarning, ImageRecord
from medrecog_core.datasets.intake.folder_roles import split_of
from medrecog_core.wording import counted

_CHANGES = (
    "aug(?:mented|mentation)?|rot(?:ated?|ation)?|flip(?:ped)?|[hv]flip|hor(?:izontal)?flip|"
    "mirror(?:ed)?|nois[ey]|bright(?:er|ness|ened)?|dark(?:er|ened)?|contrast|blur(?:red)?|shear|"
    "zoom(?:ed)?|crop(?:ped)?|shift(?:ed)?|translated?|clahe|equalized?|gr[ae]yscale|copy"
)
_AFTER = re.compile(
    rf"(?P<base>.*?[^ _.-])(?P<change>(?:[ _.-]+\(?(?:{_CHANGES})(?![a-z])\)?"
    r"(?:[ _.-]?\d+(?![0-9a-z]))?)+)",
    re.IGNORECASE,
)
_BEFORE = re.compile(rf"(?:{_CHANGES})[ _-]+(?:\d+[ _-]+)?(?P<base>\S.*)", re.IGNORECASE)
_ROBOFLOW = re.compile(r"(?P<base>.+)\.rf\.[0-9a-f]{16,}", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")
_MASKED = re.compile(r"(?P<base>.+?)_(?:final_)?masked", re.IGNORECASE)
_FOLDERS = frozenset(
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
_WAYS = (_ROBOFLOW, _AFTER, _MASKED, _BEFORE)


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
    plain = [folder for folder in kept if folder.lower() not in _FOLDERS or folder == image.label]
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
    if way is _BEFORE:
        return rf"(?i)(?:(?:{words})[ _-]+(?:\d+[ _-]+)?)?([^/]+){_ENDING}"
    return rf"(?i)([^/]+?)(?:[ _.-]+\(?(?:{words})\)?[ _.-]?\d*)*{_ENDING}"
