"""Which images of a data set cannot be read."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from medrecog_core.datasets.dataset import Dataset, LeftOut
from medrecog_core.images import UnreadableImageError, read_image


def unreadable_images(
    dataset: Dataset, report: Callable[[int, int], None] = lambda done, total: None
) -> list[LeftOut]:
    """Decode every image and return those that fail, each with its reason.

    Parameters
    ----------
    dataset
        The data set.
    report
        Called with (done, total) after each image; what it raises ends the check at once.
    """
    failed = []
    paths = [dataset.absolute_path(image) for image in dataset.images]
    with ThreadPoolExecutor(2) as readers:
        try:
            reasons = readers.map(_reason, paths)
            for done, (image, reason) in enumerate(zip(dataset.images, reasons, strict=True), 1):
                if reason:
                    failed.append(LeftOut(image.path, reason))
                report(done, len(paths))
        finally:
            readers.shutdown(cancel_futures=True)
    return failed


def _reason(path: Path) -> str:
    try:
        read_image(path)
    except UnreadableImageError as error:
        return str(error)
    return ""
