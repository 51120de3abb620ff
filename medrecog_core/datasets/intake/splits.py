"""Splits of an import, and problems between training and test images."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from shlex import quote

from medrecog_core.datasets.dataset import DatasetWarning, ImageRecord
from medrecog_core.datasets.intake.classes import (
    class_option,
    is_name_like,
    missing_words,
    number_of,
    spelling_key,
)
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.errors import MedrecogError
from medrecog_core.wording import counted

_WORDS_OF = {
    "train": (
        *("train", "training", "trained", "trainval", "trn", "tr", "learn", "learning"),
        *("derivation", "discovery"),
    ),
    "test": (
        *("test", "testing", "tested", "tst", "te", "eval", "evaluation", "privatetest"),
        *("heldout", "holdout", "externaltest", "internaltest"),
    ),
    "val": (
        *("val", "valid", "validation", "validate", "validating", "vali", "tune", "tuning"),
        *("publictest", "internalvalidation"),
    ),
    "dev": ("dev", "development"),
    "": ("unused", "excluded", "exclude", "ignore", "ignored"),
}
_PART_OF_WORD = {word: part for part, words in _WORDS_OF.items() for word in words}
_DECORATIONS = frozenset(
    (
        *("set", "sets", "split", "data", "dataset", "subset", "part", "partition", "phase"),
        *("cohort", "image", "images", "imgs", "img", "samples", "sample", "ds", "the"),
    )
)
_ENDINGS = ("set", "data", "split", "images", "imgs")
_TOKEN = re.compile(r"[A-Za-z]+|\d+")
# A minus sign before a number alone is no hyphen.
_FOLD_WORD = re.compile(
    r"(?:(?:(?:cv|k)?[ _-]*(?:folds?|split|part|f)|cv|k)[ _-]*)?(\d{1,3})(?:\.0*)?", re.I
)
_FOLD_NAME = re.compile(r"(?i)fold|(?<![a-z])k?cv(?![a-z])|(?<![a-z])xval")
_FLAG = {"0": False, "1": True, "false": False, "true": True, "no": False, "yes": True}
_IS_PART = {
    "train": ("train", "training", "istrain", "istraining", "istrainingimage", "trainflag"),
    "test": ("test", "testing", "istest", "istesting", "istestimage", "testflag"),
    "val": ("val", "valid", "validation", "isval", "isvalid", "isvalidation", "valflag"),
}
_N_SHOWN = 3


def split_of_word(word: str) -> str | None:
    """Return the meaning of a word: `train`, `test`, `val`, `dev`, or empty for unused.

    Such as `Training`, `TRAIN_set`, `PrivateTest`, `held-out`, `validation`. `dev` is validation
    where there is a training part, and the training part otherwise. None if it has no such meaning.
    """
    tokens = [token.casefold() for token in _TOKEN.findall(word)]
    plain = [token for token in tokens if token not in _DECORATIONS] or tokens
    text = "".join(plain)
    for ending in ("", *_ENDINGS):
        if text.endswith(ending) and text.removesuffix(ending) in _PART_OF_WORD:
            return _PART_OF_WORD[text.removesuffix(ending)]
    return None


def with_splits(found: Interpretation, decisions: Decisions) -> Interpretation:
    """Return it with the splits according to the decisions and the evidence.

    Raises
    ------
    MedrecogError
        If the split column has unknown values, or 0 and 1, which can mean folds or parts.
    """
    if found.split_values and decisions.split_column != "":
        found = _by_values(found, found.split_column)
    if decisions.keeps_val and any(image.split == "val" for image in found.images):
        images = tuple(
            replace(image, split="train") if image.split == "val" else image
            for image in found.images
        )
        found = found.with_images(images, remark="val added to the training images")
    warnings = [
        *_different_classes(found.images),
        *_groups_across(found.images),
    ]
    return replace(found, warnings=(*found.warnings, *warnings))


def _by_values(found: Interpretation, column: str) -> Interpretation:
    """Give images the part or the fold that the split column says."""
    values = {image.path: found.split_values.get(image.path, "").strip() for image in found.images}
    missing, _ = missing_words(values.values())
    flag = _flagged_part(column)
    if flag and {value.casefold().partition(".")[0] for value in values.values()} <= set(_FLAG):
        other = "train" if flag != "train" else "test"
        is_part = {p: _FLAG[v.casefold().partition(".")[0]] for p, v in values.items()}
        images = tuple(
            replace(image, split=flag if is_part[image.path] else other) for image in found.images
        )
        return found.with_images(images, remark=f"split from the column {column}")
    is_fold_column = bool(_FOLD_NAME.search(column))
    part_of: dict[str, tuple[str, str]] = {}
    for path, value in values.items():
        if value not in part_of:
            part_of[value] = _part(
                value, value in missing, is_fold_column, found.split_places.get(path, path)
            )
    parts = {split for split, _ in part_of.values()}
    dev = "val" if "train" in parts else "train"
    folds = {fold for _, fold in part_of.values() if fold}
    _check_folds(folds, parts, is_fold_column, column)
    if folds and "test" in parts:
        # The folds divide the training part.
        part_of = {v: ("train" if fold else split, fold) for v, (split, fold) in part_of.items()}
    images = tuple(
        replace(
            image,
            split=dev
            if part_of[values[image.path]][0] == "dev"
            else part_of[values[image.path]][0],
            fold=part_of[values[image.path]][1],
        )
        if values[image.path]
        else image
        for image in found.images
    )
    what = f"{len(folds)} folds" if folds else "split"
    return found.with_images(
        images,
        remark=f"{what} from the column {column}" if column else f"{what} from the table",
        warnings=(
            *_about_folds(images, folds, is_fold_column, column),
            *_about_dev(images, part_of, values, dev),
        ),
    )


def _flagged_part(column: str) -> str:
    """Return the part that a column such as `is_train` says of yes or no of."""
    name = "".join(token.casefold() for token in _TOKEN.findall(column))
    return next((part for part, names in _IS_PART.items() if name in names), "")


def _part(value: str, is_missing: bool, is_fold_column: bool, place: str) -> tuple[str, str]:
    """Return the part and the fold of a value."""
    if not value or is_missing:
        return "", ""
    part = split_of_word(value)
    if part is not None:
        return part, ""
    fold = _FOLD_WORD.fullmatch(value.strip())
    if fold:
        return "", str(int(fold[1]))
    if is_fold_column and number_of(value) is None:
        return "", value
    number = number_of(value)
    meaning = (
        " A negative number can mean the test part, or images that are never tested."
        if number is not None and number < 0
        else ""
    )
    raise MedrecogError(
        f"Unknown split “{value}” in {place}.{meaning} Write train, test, val or a fold number, or "
        "ignore the column with --split-column ''."
    )


def _check_folds(
    folds: Collection[str], parts: Collection[str], is_fold_column: bool, column: str
) -> None:
    if folds == {"0", "1"} and not is_fold_column and not any(parts):
        name = f"The split column “{column}”" if column else "The split column"
        raise MedrecogError(
            f"{name} has only 0 and 1, which can be two folds, or training and test. Rename the "
            "column to “fold”, write train and test instead of numbers, or ignore the column with "
            "--split-column ''."
        )


def _about_folds(
    images: Sequence[ImageRecord], folds: Collection[str], is_fold_column: bool, column: str
) -> list[DatasetWarning]:
    """Return the warning on numbers in a column whose name does not mean folds."""
    if not folds or is_fold_column:
        return []
    name = f"the column “{column}”" if column else "the split column"
    return [
        DatasetWarning(
            "given-folds",
            f"The numbers in {name} are imported as {len(folds)} folds of a cross-validation "
            "(protocol given-folds). If they mean training and test, write train, test and val "
            "instead, or ignore the column with --split-column ''.",
            tuple(image.path for image in images if image.fold),
        )
    ]


def _about_dev(
    images: Sequence[ImageRecord],
    part_of: Mapping[str, tuple[str, str]],
    values: Mapping[str, str],
    dev: str,
) -> list[DatasetWarning]:
    words = sorted(value for value, (split, _) in part_of.items() if split == "dev")
    if not words or dev == "val":
        return []
    return [
        DatasetWarning(
            "split-ignored",
            f"The split “{words[0]}” is imported as training, because no other part is. Write "
            "train or val in the split column to decide otherwise.",
            tuple(image.path for image in images if values[image.path] in words),
        )
    ]


def _different_classes(images: Sequence[ImageRecord]) -> list[DatasetWarning]:
    """Warn about classes to be tested that none is trained on, and propose merges by name."""
    by_part: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for image in images:
        by_part[image.split][image.label].append(image.path)
    trained = by_part.get("train", {})
    warnings = []
    if trained and "test" in by_part:
        warnings += _unlike(trained, by_part["test"])
    return [*warnings, *_single_folds(images)]


def _unlike(
    trained: Mapping[str, list[str]], tested: Mapping[str, list[str]]
) -> list[DatasetWarning]:
    missing = sorted(set(tested) - set(trained))
    merges: dict[str, str] = {}
    unmatched: list[str] = []
    for label in missing:
        key = spelling_key(label)
        like = [name for name in trained if is_name_like(key, spelling_key(name))]
        # A class in both parts was not renamed.
        like = [name for name in like if name not in tested] or like
        if len(like) == 1:
            old, new = sorted((label, like[0]), key=len, reverse=True)
            merges[old] = new
        else:
            unmatched.append(label)
    warnings = []
    if merges:
        options = " ".join(f"--merge-class {quote(f'{old}={new}')}" for old, new in merges.items())
        named = {*merges, *merges.values()}
        paths = {
            path
            for part in (trained, tested)
            for label in named & set(part)
            for path in part[label]
        }
        warnings.append(
            DatasetWarning(
                "class-names-differ",
                f"{counted(len(merges), 'class', 'classes')} of the test part "
                f"{'has' if len(merges) == 1 else 'have'} another name in the training part, as it "
                f"seems, and are imported as different classes. Use {options} to merge them.",
                tuple(sorted(paths)),
            )
        )
    if unmatched:
        warnings.append(
            _missing_from_training(unmatched, tested, "the test part", "the training part")
        )
    return warnings


def _single_folds(images: Sequence[ImageRecord]) -> list[DatasetWarning]:
    """Warn about classes of a single fold, which the other folds cannot train for."""
    folds: dict[str, set[str]] = defaultdict(set)
    paths: dict[str, list[str]] = defaultdict(list)
    for image in images:
        if image.fold:
            folds[image.label].add(image.fold)
            paths[image.label].append(image.path)
    if len(set().union(*folds.values())) < 2:
        return []
    single = sorted(label for label, of_label in folds.items() if len(of_label) == 1)
    if not single:
        return []
    return [_missing_from_training(single, paths, "a single fold", "the other folds")]


def _missing_from_training(
    labels: Sequence[str], paths: Mapping[str, list[str]], here: str, there: str
) -> DatasetWarning:
    named = ", ".join(f"“{label}”" for label in labels[:_N_SHOWN])
    more = f" and {len(labels) - _N_SHOWN} more" if len(labels) > _N_SHOWN else ""
    return DatasetWarning(
        "class-missing-from-training",
        f"{counted(len(labels), 'class', 'classes')} {'has' if len(labels) == 1 else 'have'} "
        f"images in {here} and none in {there}: {named}{more}. Runs with this split will fail. "
        f"Use {class_option('--exclude-class', *labels)} to exclude them, or --merge-class "
        "OLD=NEW if a class has another name there.",
        tuple(sorted(path for label in labels for path in paths[label])),
    )


def _groups_across(images: Sequence[ImageRecord]) -> list[DatasetWarning]:
    """Warn about groups in both training and test, or in several given folds."""
    parts: dict[str, set[str]] = defaultdict(set)
    folds: dict[str, set[str]] = defaultdict(set)
    for image in images:
        if image.group and image.split in ("train", "test"):
            parts[image.group].add(image.split)
        if image.group and image.fold:
            folds[image.group].add(image.fold)
    return [
        *_across(images, parts, "both the training and the test part", ("train", "test")),
        *_across(images, folds, "several folds", ()),
    ]


def _across(
    images: Sequence[ImageRecord],
    parts: Mapping[str, Collection[str]],
    where: str,
    splits: Iterable[str],
) -> list[DatasetWarning]:
    across = {group for group, of_group in parts.items() if len(of_group) > 1}
    if not across:
        return []
    splits = tuple(splits)
    return [
        DatasetWarning(
            "groups-across-splits",
            f"{counted(len(across), 'group')} (patients, lesions) "
            f"{'has' if len(across) == 1 else 'have'} images in {where}, so results of this split "
            "are too good. Run it with the protocol hold-out or k-fold, which keep groups whole. "
            "If the groups are wrong, use --no-groups, or choose others with --group-column, "
            "--group-level or --group-pattern.",
            tuple(
                image.path
                for image in images
                if image.group in across and (image.split in splits if splits else image.fold)
            ),
        )
    ]
