"""Classes of an import: spellings, missing labels, measurements, and the choice of classes."""

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from shlex import quote

from medrecog_core.datasets import catalogue
from medrecog_core.datasets.dataset import DatasetWarning, ImageRecord, LeftOut, unit_of
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.wording import counted

# A comma before three digits may part thousands, so such a text is no number.
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{0,30}|,(?!\d{3}$)\d{0,30})?", re.ASCII)
_WIDTHS = ("<wide>", "<narrow>", "<noBreak>")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
# A hyphen between words is a separator; a minus sign before a number is not.
_SEPARATORS = re.compile(r"(?<=\w)(?:[\s_]*-[\s_]+(?=\w)|-(?=\w)|[\s_]+(?=\w))|\s+")

_MISSING = frozenset(
    (
        *("", "nan", "n/a", "na", "n.a", "n.a.", "#n/a", "<na>", "nat", "null", "nil", "?", "."),
        *("missing", "not available", "unlabelled", "unlabeled", "not labelled", "not labeled"),
        *("no label", "without label", "undefined", "#n/v", "#null!"),
    )
)
_DASHES = frozenset(("-", "--", "---"))
_SIGNS = frozenset(("+", "++", "+++"))
_DOUBTFUL = frozenset(("none", "unknown", "unk"))

DOUBTFUL_SHARE = 0.1
"""Words such as `None` mean a missing label where fewer of the labels than this are such words."""


@lru_cache(maxsize=4096)
def spelling_key(name: str) -> str:
    """Return what the spellings of one name have in common.

    Spellings differ in case, in spaces, `_` and `-` between words, in the Unicode form (composed
    or not, full-width letters, no-break spaces), in characters that do not show; or they are
    numbers of one value, such as `1`, `1.0` and `01`.
    """
    value = number_of(name)
    if value is not None:
        return f"{value.normalize():f}" if value else "0"
    visible = name.translate(_INVISIBLE)
    plain = "".join(
        unicodedata.normalize("NFKC", character)
        if unicodedata.decomposition(character).startswith(_WIDTHS)
        else character
        for character in visible
    )
    dashed = "".join("-" if unicodedata.category(c) == "Pd" else c for c in plain)
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", dashed).casefold())
    key = _SEPARATORS.sub(" ", folded).strip()
    # A full-width number, for example.
    return key if number_of(key) is None else spelling_key(key)


def number_of(name: str) -> Decimal | None:
    """Return a name as a number, with a decimal point or comma; None if it is not a number."""
    text = name.strip()
    return Decimal(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def merged_spellings(counts: Mapping[str, int]) -> dict[str, str]:
    """Map each name to the most frequent spelling of it, the first in order where several are.

    Parameters
    ----------
    counts
        From name to the number of its images.
    """
    spellings: dict[str, list[str]] = {}
    for name in sorted(counts):
        spellings.setdefault(spelling_key(name), []).append(name)
    return {
        name: max(names, key=lambda each: counts[each])
        for names in spellings.values()
        for name in names
    }


def missing_words(words: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the labels that mean a missing label.

    `nan`, `N/A`, `?`, an empty one and their like always do; a dash does where no label is a plus
    sign; `None` and `unknown` do where fewer than a tenth of the labels are such words and no other
    label is as rare, since they can be the name of a class.

    Parameters
    ----------
    words
        Every label, repeated as often as it occurs.

    Returns
    -------
    missing
        Those that mean a missing label.
    doubtful
        Those that can mean one and are taken as a class.
    """
    counts = Counter(words)
    key_of = {word: " ".join(word.casefold().split()) for word in counts}
    sure = _MISSING if _SIGNS & set(key_of.values()) else _MISSING | _DASHES
    missing = {word for word, key in key_of.items() if key in sure}
    doubtful = {word for word, key in key_of.items() if key in _DOUBTFUL}
    if doubtful:
        n_doubtful = sum(counts[word] for word in doubtful)
        others = [counts[word] for word in counts if word not in missing | doubtful]
        is_rare = n_doubtful < DOUBTFUL_SHARE * (n_doubtful + sum(others))
        if is_rare and n_doubtful < min(others):
            return frozenset(missing | doubtful), frozenset()
    return frozenset(missing), frozenset(doubtful)


# --- Measurements --------------------------------------------------------------------------------

MOST_CLASSES = 10
"""Up to this many different numbers are used as classes without a warning."""

_RARE = 3
_RARE_SHARE = 0.2
_N_BINS = 3


def is_measurement(labels: Sequence[str]) -> bool:
    """Return whether labels are numbers that are unlikely to be classes.

    That is, more than ten different fractional ones, or of which more than half are
    different, or of which a fifth has fewer than three images.
    """
    counts: Counter[float] = Counter()
    for label in labels:
        value = number_of(label)
        if value is None:
            return False
        counts[float(value)] += 1
    if len(counts) <= MOST_CLASSES:
        return False
    return (
        any(value != int(value) for value in counts)
        or len(counts) > len(labels) / 2
        or sum(n < _RARE for n in counts.values()) >= _RARE_SHARE * len(counts)
    )


def proposed_limits(labels: Iterable[str]) -> tuple[float, ...]:
    """Return limits that part measurements into three bins of about equally many images."""
    values = sorted(float(value) for label in labels if (value := number_of(label)) is not None)
    limits: list[float] = []
    for i in range(1, _N_BINS):
        limit = _rounded(values[i * len(values) // _N_BINS], values)
        if any((limits[-1] if limits else values[0] - 1) <= value < limit for value in values):
            limits.append(limit)
    # Where most values are one, rounding leaves no limit.
    return tuple(limits) or tuple(value for value in values if value > values[0])[:1]


def binned(label: str, limits: Sequence[float]) -> str:
    """Return the bin of a measurement, such as `< 60`, `60 to 120` or `>= 120`.

    A value that is a limit belongs to the bin above it.

    Raises
    ------
    MedrecogError
        If the label is no number.
    """
    value = number_of(label)
    if value is None:
        raise MedrecogError(
            f"The label “{label}” is not a number, so --bins cannot be used. Correct the label, "
            "or omit --bins."
        )
    i = bisect_right(limits, float(value))
    if i == 0:
        return f"< {limits[0]:g}"
    if i == len(limits):
        return f">= {limits[-1]:g}"
    return f"{limits[i - 1]:g} to {limits[i]:g}"


def _rounded(limit: float, values: Sequence[float]) -> float:
    """Round a limit as far as it parts the values in about the same places."""
    span = values[-1] - values[0]
    for step in (50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1):
        if step <= span / 10:
            return float(f"{round(limit / step) * step:g}")
    return float(f"{limit:.3g}")


# --- Choice --------------------------------------------------------------------------------------

_LEAST_UNITS = 2
_N_SHOWN = 3
_TEST_PARTS = ("test", "val")


def choose_classes(found: Interpretation, decisions: Decisions) -> Interpretation:
    """Return it with the classes according to the decisions and the evidence.

    In this order: labels that mean a missing one are set apart; measurements are binned; classes
    are merged as chosen, then by spelling; classes that were not chosen are skipped.

    Raises
    ------
    UsageError
        If a named class does not exist.
    MedrecogError
        If the labels are a measurement and no bins are given, or fewer than two classes are left.
    """
    found = _without_unlabelled(found, decisions)
    found = _with_bins(found, decisions)
    found = _with_merges(found, decisions)
    found = _with_wanted(found, decisions)
    if len(found.classes) == 1:
        raise MedrecogError(_one_class(found))
    return found


def renamed(
    images: Sequence[ImageRecord], merges: Mapping[str, str]
) -> tuple[tuple[ImageRecord, ...], Counter[str]]:
    """Return the images with classes merged, and how many each old name had.

    Raises
    ------
    UsageError
        If a class to merge does not exist.
    """
    counts = Counter(image.label for image in images)
    check_known(merges, counts, "--merge-class")
    images = tuple(
        replace(image, label=merges[image.label])
        if merges.get(image.label, image.label) != image.label
        else image
        for image in images
    )
    return images, counts


def is_wanted(only: Collection[str], excluded: Collection[str]) -> Callable[[ImageRecord], bool]:
    """Return whether the class of an image was chosen; an empty `only` means every class."""
    return lambda image: (not only or image.label in only) and image.label not in excluded


def check_known(names: Collection[str], known: Collection[str], option: str) -> None:
    """Reject names of classes that do not exist.

    Raises
    ------
    UsageError
        If there is one.
    """
    for name in names:
        if name not in known:
            raise UsageError(
                f"Unknown class “{name}” for {option}. Available: {', '.join(sorted(known))}."
            )


def class_option(option: str, *names: str) -> str:
    """Return an option with names of classes, as it is written in a shell."""
    return " ".join(f"{option} {quote(name)}" for name in names)


def small_classes(images: Sequence[ImageRecord]) -> list[DatasetWarning]:
    """Return the warning on classes that are too small for a random split.

    Hold-out and k-fold need two images of each class, and two groups where groups are given.
    """
    if {"train", "test"} <= {image.split for image in images} or any(i.fold for i in images):
        return []
    # One group for all images is reported once, not for each class.
    has_groups = len({unit_of(image.group, image.path) for image in images}) > 1
    members_of: dict[str, list[ImageRecord]] = {}
    for image in images:
        members_of.setdefault(image.label, []).append(image)
    small = [
        label
        for label, members in sorted(members_of.items())
        if len({unit_of(i.group if has_groups else "", i.path) for i in members}) < _LEAST_UNITS
    ]
    if not small:
        return []
    first = small[0]
    if len(small) == 1:
        n = len(members_of[first])
        held = counted(n, "image") if n == 1 else f"{counted(n, 'image')}, all of one group,"
        what = f"The class “{first}” has {held} and is imported."
    else:
        named = ", ".join(f"“{label}”" for label in small[:_N_SHOWN])
        more = f" and {len(small) - _N_SHOWN:,} more" if len(small) > _N_SHOWN else ""
        held = "one image or one group each"
        what = f"{len(small):,} classes have {held} and are imported: {named}{more}."
    return [
        DatasetWarning(
            "small-class",
            f"{what} Hold-out and k-fold need at least two to train on and to test on, so this "
            "data set cannot be split with them. Use "
            f"{class_option('--exclude-class', *small[:_N_SHOWN])} to exclude "
            f"{'it' if len(small) == 1 else 'such classes'}, or --merge-class "
            f"{quote(f'{first}=OTHER')} to merge it with another one.",
            tuple(image.path for label in small for image in members_of[label]),
        )
    ]


def unlabelled_warning(words: Collection[str], paths: Sequence[str]) -> DatasetWarning:
    """Return the warning on images whose label means a missing one."""
    named = ", ".join(f"“{word}”" for word in sorted(words)) or "empty"
    keep = " ".join(f"--merge-class {quote(f'{w}={w}')}" for w in sorted(words) if w)
    otherwise = f" To import them as a class all the same, use {keep}." if keep else ""
    return DatasetWarning(
        "unlabelled",
        f"{counted(len(paths), 'image')} without a label (the label is {named}) "
        f"{'is' if len(paths) == 1 else 'are'} not imported and kept apart for Predict.{otherwise}",
        tuple(paths),
    )


def doubtful_warning(word: str, paths: Sequence[str]) -> DatasetWarning:
    """Return the warning on a class whose name can mean a missing label."""
    return DatasetWarning(
        "unlabelled",
        f"The class “{word}” ({counted(len(paths), 'image')}) is imported as a class, but its "
        f"name can mean that there is no label. Use {class_option('--exclude-class', word)} to "
        "exclude these images.",
        tuple(paths),
    )


def _without_unlabelled(found: Interpretation, decisions: Decisions) -> Interpretation:
    """Set images apart whose class is a missing one by its name, or by its place."""
    confirmed = {*decisions.merges, *decisions.only_classes, *decisions.excluded_classes}
    missing, doubtful = missing_words(image.label for image in found.images)
    by_place = _unlabelled_by_place(found.images)
    missing = (missing | by_place) - confirmed
    # Missing labels in the rows of a table were reported when they were read.
    said = {
        path for warning in found.warnings if warning.id == "unlabelled" for path in warning.paths
    }
    warnings = []
    for word in sorted(doubtful - missing - confirmed):
        paths = [image.path for image in found.images if image.label == word]
        if not said.issuperset(paths):
            warnings.append(doubtful_warning(word, paths))
    apart = [image for image in found.images if image.label in missing]
    if apart:
        paths = [image.path for image in apart]
        warnings.append(unlabelled_warning({image.label for image in apart}, paths))
    if not warnings:
        return found
    return found.with_images(
        tuple(image for image in found.images if image.label not in missing),
        warnings=tuple(warnings),
        unlabelled=tuple(image.path for image in apart),
        remark=f"{counted(len(apart), 'image')} without a label kept apart" if apart else "",
    )


def _unlabelled_by_place(images: Sequence[ImageRecord]) -> frozenset[str]:
    """Return classes with all images of the test or val part that are not training classes.

    Such as `test/unknown` and `test/images` beside `train/CLASS`. A name that begins like one of
    the training classes is a spelling of it, and is reported separately.
    """
    labels: dict[str, set[str]] = {}
    for image in images:
        labels.setdefault(image.split, set()).add(image.label)
    trained = labels.get("train", set())
    found = set()
    for part in _TEST_PARTS:
        tested = labels.get(part, set())
        if len(trained) < 2 or len(tested) != 1 or tested & trained:
            continue
        (name,) = tested
        key = spelling_key(name)
        if not any(is_name_like(key, spelling_key(other)) for other in trained):
            found.add(name)
    return frozenset(found)


def is_name_like(one: str, other: str) -> bool:
    """Return whether two spelling keys are of one class, as one begins with the other."""
    short, long = sorted((one, other), key=len)
    if not short or not long.startswith(short):
        return False
    return len(short) == len(long) or not long[len(short)].isalnum()


def _with_bins(found: Interpretation, decisions: Decisions) -> Interpretation:
    labels = [image.label for image in found.images]
    if decisions.bins:
        images = tuple(
            replace(image, label=binned(image.label, decisions.bins)) for image in found.images
        )
        return found.with_images(images, remark="measurements in bins")
    n_values = len(set(labels))
    if not is_measurement(labels):
        return _with_many_numbers(found)
    limits = ",".join(f"{limit:g}" for limit in proposed_limits(labels))
    values = sorted(set(labels), key=lambda label: float(number_of(label) or 0))
    raise MedrecogError(
        f"The labels look like a measurement: {n_values:,} different numbers in "
        f"{counted(len(labels), 'image')}, from {values[0]} to {values[-1]}. Use --bins {limits} "
        "to make classes of them, or choose another label column."
    )


def _with_many_numbers(found: Interpretation) -> Interpretation:
    """Warn about more numbers than people number classes with, unless they count up."""
    counts = Counter(image.label for image in found.images)
    values = [number_of(label) for label in counts]
    if len(counts) <= MOST_CLASSES or None in values:
        return found
    whole = sorted(int(value) for value in values if value is not None)
    if whole[0] in (0, 1) and whole == list(range(whole[0], whole[-1] + 1)):
        return found
    limits = ",".join(f"{limit:g}" for limit in proposed_limits(counts.elements()))
    warning = DatasetWarning(
        "measurement",
        f"The labels are {len(counts):,} different numbers from {whole[0]} to {whole[-1]}, each "
        f"imported as a class. If they are a measurement, use --bins {limits} to make classes of "
        "them.",
        tuple(image.path for image in found.images),
    )
    return found.with_images(found.images, warnings=(warning,))


def _with_merges(found: Interpretation, decisions: Decisions) -> Interpretation:
    merges = {old: new for old, new in decisions.merges.items() if old != new}
    images, _ = renamed(found.images, merges)
    remarks = [f"{old} merged into {new}" for old, new in merges.items()]
    counts = Counter(image.label for image in images)
    spellings = {old: new for old, new in merged_spellings(counts).items() if old != new}
    warnings: tuple[DatasetWarning, ...] = ()
    if decisions.merges_spellings:
        images, _ = renamed(images, spellings)
        remarks += [f"{old} merged into {new}" for old, new in spellings.items()]
    elif spellings:
        warnings = _similar_names(images, counts, spellings)
    if not (merges or spellings):
        return found
    return found.with_images(images, remark=", ".join(remarks), warnings=warnings)


def _similar_names(
    images: Sequence[ImageRecord], counts: Mapping[str, int], spellings: Mapping[str, str]
) -> tuple[DatasetWarning, ...]:
    by_target: dict[str, list[str]] = {}
    for old, new in spellings.items():
        by_target.setdefault(new, []).append(old)
    warnings = []
    for new, olds in sorted(by_target.items()):
        named = ", ".join(f"“{name}” ({counted(counts[name], 'image')})" for name in (new, *olds))
        merges = " ".join(f"--merge-class {quote(f'{old}={new}')}" for old in olds)
        warnings.append(
            DatasetWarning(
                "similar-class-names",
                f"These classes differ in case, spaces or the way they are written only, and are "
                f"imported as different classes: {named}. Use --merge-spellings, or {merges}, to "
                "merge them.",
                tuple(image.path for image in images if image.label in olds),
            )
        )
    return tuple(warnings)


def _with_wanted(found: Interpretation, decisions: Decisions) -> Interpretation:
    only, excluded = decisions.only_classes, decisions.excluded_classes
    if decisions.entry:
        found = _of_entry(found, decisions.entry)
    if not (only or excluded):
        return found
    # A class that was set apart for its name may be named all the same.
    known = {image.label for image in found.images}
    check_known(only, known, "--only-class")
    check_known(excluded, known, "--exclude-class")
    wanted = is_wanted(only, excluded)
    left_out = tuple(
        LeftOut(image.path, f"its class “{image.label}” is not imported, as chosen")
        for image in found.images
        if not wanted(image)
    )
    images = tuple(image for image in found.images if wanted(image))
    n_classes = counted(len(known), "class", "classes")
    remark = f"{len({image.label for image in images})} of {n_classes}, as chosen"
    return found.with_images(images, remark=remark, left_out=left_out)


def _of_entry(found: Interpretation, name: str) -> Interpretation:
    """Return it with the classes of a catalogue entry only."""
    classes = catalogue.find(name).classes
    images = tuple(image for image in found.images if image.label in classes)
    if not images:
        raise UsageError(
            f"No class of the catalogue entry “{name}” is there. Leave out --catalogue, or add a "
            f"folder with classes such as {', '.join(sorted(classes)[:3])}."
        )
    if len(images) == len(found.images):
        return found
    left_out = tuple(
        LeftOut(image.path, f"its class “{image.label}” is not in {name}")
        for image in found.images
        if image.label not in classes
    )
    return found.with_images(images, remark=f"the classes of {name}", left_out=left_out)


def _one_class(found: Interpretation) -> str:
    apart = (
        f" and {counted(len(found.unlabelled), 'image')} without a label"
        if found.unlabelled
        else ""
    )
    # A table that lies in the folder and may have the labels.
    table = next((reason for reason in found.reasons if "--labels" in reason), "")
    hint = f" {table.removesuffix('.')}." if table else ""
    return (
        f"There {'is' if len(found.images) == 1 else 'are'} {counted(len(found.images), 'image')} "
        f"of the only class “{found.classes[0]}”{apart}. A data set needs at least two classes. "
        "Choose other labels with --label-column or --class-level, or other classes with "
        f"--only-class, --exclude-class and --merge-class.{hint}"
    )
