"""The finding on classes of very different size."""

from collections import Counter

from medrecog_core.datasets.counting import counted
from medrecog_core.datasets.dataset import Dataset
from medrecog_core.datasets.finding import Finding

UNEVEN = 3.0
VERY_UNEVEN = 10.0
"""Images of the largest class for one of the smallest: from here on accuracy says little."""
FEW = 20
"""With fewer test images than this, one mistake changes a class's recall by more than 5 %; a class
with fewer images in all cannot even be tested that well."""


def balance_findings(dataset: Dataset) -> list[Finding]:
    """Return the finding on class imbalance, if the classes are uneven or one has few images."""
    counts = Counter(image.label for image in dataset.images)
    largest, n_largest = max(counts.items(), key=lambda entry: (entry[1], entry[0]))
    smallest, n_smallest = min(counts.items(), key=lambda entry: (entry[1], entry[0]))
    ratio = n_largest / n_smallest
    if ratio < UNEVEN and n_smallest >= FEW:
        return []
    words = (
        f"The largest class, “{largest}”, has {counted(n_largest, 'image')}, the smallest, "
        f"“{smallest}”, {n_smallest:,}: {ratio:.1f} to 1."
    )
    if ratio >= UNEVEN:
        always = n_largest / len(dataset.images)
        words += (
            f" Who always says “{largest}” is right for {always:.0%} of the images; read the "
            "balanced accuracy."
        )
    if n_smallest < FEW:
        words += f" What is measured for “{smallest}” hangs on single images."
    title = f"Uneven classes, {ratio:.1f} to 1" if ratio >= UNEVEN else "A class of few images"
    severe = ratio >= VERY_UNEVEN or n_smallest < FEW
    return [
        Finding(
            "class-imbalance",
            "warning" if severe else "note",
            title,
            words,
        )
    ]
