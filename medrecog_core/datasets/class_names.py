"""Findings on the names of classes: spellings of one name, and names that mean no label."""

from collections import Counter, defaultdict

from medrecog_core.datasets.dataset import Dataset
from medrecog_core.datasets.health.finding import Finding, Remedy, exclude_classes, quoted
from medrecog_core.datasets.intake.spelling import merged_spellings, missing_words
from medrecog_core.wording import counted


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
