"""Findings on classes: their names, and sizes that are uneven, too small or not trained."""

from collections import Counter, defaultdict

from medrecog_core.datasets.dataset import Dataset, ImageRecord, unit_of
from medrecog_core.datasets.health.finding import (
    Advice,
    Finding,
    Remedy,
    class_command,
    exclude_classes,
    quoted,
)
from medrecog_core.datasets.intake.classes import merged_spellings, missing_words
from medrecog_core.wording import counted

UNEVEN = 3.0
VERY_UNEVEN = 10.0
"""Ratio of the largest to the smallest class from which accuracy is misleading."""
FEW = 20
"""With fewer test images than this, one mistake changes a class's recall by more than 5 %; a class
with fewer images in total cannot be tested that well either."""
LEAST_UNITS = 5
"""Groups, or images without one, that a class needs to be in every fold of the usual 5."""


def balance_findings(dataset: Dataset) -> list[Finding]:
    """Return the finding on class imbalance, if the classes are uneven or one has few images."""
    counts = Counter(image.label for image in dataset.images)
    largest, n_largest = max(counts.items(), key=lambda entry: (entry[1], entry[0]))
    smallest, n_smallest = min(counts.items(), key=lambda entry: (entry[1], entry[0]))
    ratio = n_largest / n_smallest
    if ratio < UNEVEN and not LEAST_UNITS <= n_smallest < FEW:
        return []  # an even smaller class is a separate finding
    words = f"The smallest class, “{smallest}”, has {counted(n_smallest, 'image')}."
    title = "Small class"
    if ratio >= UNEVEN:
        title = f"Uneven classes, {ratio:.1f} to 1"
        always = n_largest / len(dataset.images)
        words = (
            f"The largest class, “{largest}”, has {counted(n_largest, 'image')}, the smallest, "
            f"“{smallest}”, {n_smallest:,}. Always predicting “{largest}” would give {always:.0%} "
            "accuracy; use balanced accuracy."
        )
    if n_smallest < FEW:
        words += f" Metrics for “{smallest}” depend on very few images."
    severe = ratio >= VERY_UNEVEN or n_smallest < FEW
    return [Finding("class-imbalance", "warning" if severe else "note", title, words)]


def small_class_findings(dataset: Dataset) -> list[Finding]:
    """Return the finding on classes with too few images or groups for the usual protocols."""
    members: dict[str, list[ImageRecord]] = defaultdict(list)
    for image in dataset.images:
        members[image.label].append(image)
    # One group for all images is a separate finding, not one of every class.
    has_groups = len({unit_of(image.group, image.path) for image in dataset.images}) > 1
    n_units = {
        label: len({unit_of(image.group if has_groups else "", image.path) for image in images})
        for label, images in members.items()
    }
    small = sorted(label for label, n in n_units.items() if n < LEAST_UNITS)
    if not small:
        return []
    sizes = ", ".join(_size(label, len(members[label]), n_units[label]) for label in small[:5])
    more = f" and {len(small) - 5} more" if len(small) > 5 else ""
    is_alone = min(n_units[label] for label in small) < 2
    too_few = (
        "A class with a single image or group cannot be both trained on and tested."
        if is_alone
        else f"In {LEAST_UNITS}-fold cross-validation, not every fold tests such a class."
    )
    n = len(small)
    return [
        Finding(
            "small-class",
            "severe" if is_alone and not _has_test(dataset) else "warning",
            f"{counted(n, 'class', 'classes')} with fewer than {LEAST_UNITS} images or groups",
            f"{counted(n, 'class has', 'classes have')} fewer than {LEAST_UNITS} images or groups: "
            f"{sizes}{more}. {too_few}",
            images=tuple(sorted(image.path for label in small for image in members[label])),
            remedy=exclude_classes(dataset, small),
            advice=(
                Advice(
                    "Merges a class with another one; replace OTHER.",
                    class_command(dataset, "--merge-class", f"{small[0]}=OTHER"),
                ),
            ),
        )
    ]


def training_findings(dataset: Dataset) -> list[Finding]:
    """Return the finding on classes that a given split tests and does not train on."""
    trained = {image.label for image in dataset.images if image.split == "train"}
    missing = sorted(
        {image.label for image in dataset.images if image.split in ("test", "val")} - trained
    )
    if not (trained and missing):
        return []
    images = [image.path for image in dataset.images if image.label in missing]
    n = len(missing)
    return [
        Finding(
            "class-missing-from-training",
            "severe",
            f"{counted(n, 'class', 'classes')} without training images",
            f"{counted(n, 'class has', 'classes have')} no images in the training part: "
            f"{quoted(missing)} ({counted(len(images), 'image')}). A model cannot be tested on a "
            "class it was not trained on.",
            images=tuple(sorted(images)),
            remedy=exclude_classes(dataset, missing),
            advice=(
                Advice(
                    "Merges the class with a training class, if both names mean the same; replace "
                    "OTHER.",
                    class_command(dataset, "--merge-class", f"{missing[0]}=OTHER"),
                ),
            ),
        )
    ]


def _size(label: str, n_images: int, n_units: int) -> str:
    images = counted(n_images, "image")
    if n_units == n_images:
        return f"“{label}” ({images})"
    return f"“{label}” ({images} in {counted(n_units, 'group')})"


def _has_test(dataset: Dataset) -> bool:
    return {"train", "test"} <= set(dataset.splits)


# --- Names ---------------------------------------------------------------------------------------


def spelling_findings(dataset: Dataset) -> list[Finding]:
    """Return the finding on class names that are spellings of one name, if there are any."""
    counts = Counter(image.label for image in dataset.images)
    merges = {old: new for old, new in merged_spellings(counts).items() if old != new}
    if not merges:
        return []
    spellings: dict[str, list[str]] = defaultdict(list)
    for old, new in sorted(merges.items()):
        spellings[new].append(old)
    named = "; ".join(
        ", ".join(f"“{name}” ({counted(counts[name], 'image')})" for name in (new, *old))
        for new, old in sorted(spellings.items())
    )
    return [
        Finding(
            "similar-class-names",
            "severe",
            f"{counted(len(spellings), 'class', 'classes')} spelled in different ways",
            f"{counted(len(merges) + len(spellings), 'class name')} differ only in case, spaces or "
            f"Unicode form: {named}.",
            images=tuple(image.path for image in dataset.images if image.label in merges),
            remedy=Remedy(
                "Merges "
                + ", ".join(f"“{old}” with “{new}”" for old, new in sorted(merges.items()))
                + ".",
                merges=tuple(sorted(merges.items())),
            ),
        )
    ]


def unlabelled_findings(dataset: Dataset) -> list[Finding]:
    """Return the finding on images without a label, whether kept apart or in a class."""
    missing, doubtful = missing_words(image.label for image in dataset.images)
    classes = sorted(missing | doubtful)
    images = tuple(image.path for image in dataset.images if image.label in classes)
    if not (classes or dataset.unlabelled):
        return []
    words = []
    if classes:
        n = len(classes)
        words.append(
            f"{counted(n, 'class name')} can mean that there is no label: {quoted(classes)} "
            f"({counted(len(images), 'image')}). The model would be trained on "
            f"{'it as a class' if n == 1 else 'them as classes'}."
        )
    if dataset.unlabelled:
        n = len(dataset.unlabelled)
        words.append(
            f"{counted(n, 'image')} without a label {'is' if n == 1 else 'are'} not used in runs. "
            f"A saved model can classify {'it' if n == 1 else 'them'} on the Predict page."
        )
    n = len(images) + len(dataset.unlabelled)
    return [
        Finding(
            "unlabelled",
            "warning" if classes else "note",
            f"{counted(n, 'image')} without a label",
            " ".join(words),
            images=images,
            files=dataset.unlabelled,
            remedy=exclude_classes(dataset, classes) if classes else None,
        )
    ]
