"""Meaning of folder names: a split, a fold, a person, nothing, or a class."""

import functools
import re

SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trn", "tr", "trainset", "traindata"), "train"),
    **dict.fromkeys(("test", "testing", "tst", "testset", "testdata"), "test"),
    **dict.fromkeys(("holdout", "evaluation", "eval"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "vali", "valset", "dev", "development"), "val"),
}
"""Words for the splits, in lower case."""

_EMPTY = frozenset(
    {
        *("set", "sets", "data", "dataset", "datasets", "folder", "dir", "split", "file", "files"),
        *("image", "images", "img", "imgs", "pic", "pics", "picture", "pictures", "photo"),
        *("photos", "input", "inputs", "jpg", "jpeg", "jpegs", "png", "pngs", "tif", "tiff"),
        *("bmp", "dicom", "dicoms", "dcm", "unzipped", "archive", "extracted", "upload"),
        *("uploads", "download", "downloads", "batch", "part", "chunk", "shard", "subset", "vol"),
        *("disc", "disk", "bilder", "export"),
    }
)
"""Words without information about the content of a folder."""
_MODIFIERS = frozenset(
    {
        *("final", "scan", "scans", "raw", "original", "originals", "new", "copy", "all", "full"),
        *("the", "of", "public", "private", "hq", "resized", "cropped", "crops", "sample"),
        *("samples", "labeled", "labelled", "volume", "stage", "task", "phase", "collection"),
        *("only", "processed", "preprocessed", "cleaned", "clean", "v"),
    }
)
"""Words that say nothing beside one of these or beside a split, and may be classes alone."""
_NEUTRAL = _EMPTY | _MODIFIERS
IMAGE_WORDS = frozenset(
    {
        *("image", "images", "img", "imgs", "pic", "pics", "picture", "pictures", "photo"),
        *("photos", "input", "inputs", "scan", "scans", "raw", "original", "originals", "jpg"),
        *("jpeg", "png", "dicom", "dcm", "dermoscopic", "rgb", "cxr"),
    }
)
_CLASS_WORDS = frozenset(
    {
        *("grade", "class", "type", "level", "category", "cat", "label", "birads", "rads", "kl"),
        *("score", "stage", "degree", "severity", "group", "c", "g", "t", "n", "m", "dr"),
    }
)
"""Words before a number that make it the name of a class."""
_PERSON_WORDS = frozenset(
    {
        *("patient", "pat", "pt", "pid", "subject", "subj", "sub", "person", "case", "animal"),
        *("mouse", "rat", "donor", "individual", "participant", "lesion", "nodule", "p", "s", "id"),
    }
)
_VISIT_WORDS = frozenset(
    {
        *("study", "series", "ser", "visit", "session", "ses", "exam", "scan", "acq", "seq"),
        *("run", "video", "vid", "slide", "frame", "frames", "sequence"),
    }
)
_VIEWS = frozenset(
    {
        *("left", "right", "l", "r", "ap", "pa", "lat", "lateral", "frontal", "cc", "mlo"),
        *("axial", "coronal", "sagittal", "40x", "100x", "200x", "400x", "5x", "10x", "20x"),
        *("t1", "t2", "flair", "dwi", "od", "os"),
    }
)
"""Views, that is how an image was taken; such a folder below a class is part of the class."""
_GENERIC_NAMES = frozenset(
    {"dcim", "misc", "tmp", "temp", "content", "home", "root", "input", "output", "src", "bilder"}
)
UNLABELLED_NAMES = frozenset(
    {
        *("unknown", "unlabelled", "unlabeled", "unclassified", "nolabel", "no_label", "none"),
        *("test", "testing", "images", "all", "data", "dummy", "pred", "predict", "unseen"),
    }
)
"""Folders of a test part without labels, as some programs ask for, in lower case."""
FLAT_TEST_NAMES = frozenset(
    {
        *("test", "testing", "test_images", "test1", "testset", "unlabelled", "unlabeled"),
        *("unclassified", "nolabel", "no_label", "predict", "prediction", "predictions", "unseen"),
    }
)
"""Folders of images without labels where they lie beside classes, in lower case."""
_FOLD = re.compile(r"(?:k[ _-]?)?(?:fold|cv|cvfold|partition)[ _-]*(\d+)", re.IGNORECASE)
_UID = re.compile(r"[0-2](\.\d+){3,}")
_HEX = re.compile(r"(?=.*\d)[0-9a-f]{12,}|[0-9a-f]{8}-[0-9a-f-]{20,}", re.IGNORECASE)
WORDNET = re.compile(r"n\d{8}")
"""Names of the classes of ImageNet."""
_CAMERA = re.compile(r"\d{3}[A-Z_]{4,5}[A-Z0-9_]*")

GENERIC, VIEW, VISIT, NUMBER, PERSON, STRONG = (
    *("generic", "view", "visit", "number"),
    *("person", "strong"),
)
"""Kinds of names, those that are never classes first."""


@functools.cache
def words(name: str) -> tuple[str, ...]:
    """Return the words and numbers of a name in lower case: `trainImages_2` has three."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return tuple(re.findall(r"[^\W\d_]+|\d+", spaced.lower()))


@functools.cache
def split_of(name: str) -> str:
    """Return the split that a name means by itself, such as `Training`, `test_images` or `val2`."""
    found = [SPLIT_WORDS[w] for w in words(name) if w in SPLIT_WORDS]
    rest = [w for w in words(name) if w not in SPLIT_WORDS and w not in _NEUTRAL]
    return found[0] if len(found) == 1 and all(map(str.isdigit, rest)) else ""


def split_in(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the split that one word of a name means, and its other words."""
    found = [SPLIT_WORDS[w] for w in words(name) if w in SPLIT_WORDS]
    if len(found) != 1:
        return "", ()
    rest = (w for w in words(name) if w not in SPLIT_WORDS and not w.isdigit())
    return found[0], tuple(rest)


def fold_of(name: str) -> str:
    """Return the number of the fold that a name means, else an empty string."""
    told = _FOLD.fullmatch(name)
    return str(int(told[1])) if told else ""


@functools.cache
def kind_of(name: str) -> str:
    """Return the kind of a folder's name.

    `GENERIC` has no meaning (`images`, `part_1`, `batch2`, `DCIM`, `100CANON`, a UID); `VIEW` is
    how the image was taken; `VISIT` is a study, series or video; `NUMBER` is digits alone; `PERSON`
    is a word for a patient or lesion with a number, or any name with four digits in a row; and
    `STRONG` is any other, which may be a class.
    """
    if WORDNET.fullmatch(name):
        return STRONG
    parts = words(name)
    letters = [w for w in parts if not w.isdigit()]
    if _UID.fullmatch(name) or _HEX.fullmatch(name) or _CAMERA.fullmatch(name):
        return GENERIC
    is_empty = not _EMPTY.isdisjoint(letters) and all(w in _NEUTRAL for w in letters)
    if name.lower() in _GENERIC_NAMES or is_empty:
        return GENERIC
    if name.strip().lower() in _VIEWS:
        return VIEW
    if parts and not letters and re.fullmatch(r"\d+", name.strip()):
        return NUMBER
    if letters and len(parts) > len(letters):
        if letters[0] in _CLASS_WORDS and len(letters) == 1:
            return STRONG
        if letters[0] in _VISIT_WORDS:
            return VISIT
        if letters[0] in _PERSON_WORDS:
            return PERSON
    if re.search(r"\d{4}", name):
        return PERSON
    return STRONG


def is_doubled(name: str, parent: str) -> bool:
    """Return whether a name says no more than that of the folder it is in, as `nv/nv_images`."""
    own, known = set(words(name)), set(words(parent))
    return bool(own & known) and own <= known | _NEUTRAL and not any(map(str.isdigit, own))


def is_plain(name: str) -> bool:
    """Return whether a name is one for all images, such as `images`, `data` or `train`."""
    return kind_of(name) == GENERIC or bool(split_of(name))
