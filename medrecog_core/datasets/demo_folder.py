"""The demo data set on disk, generated at its first use."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from medrecog_core.datasets import demo
from medrecog_core.datasets.dataset import Dataset, ImageRecord
from medrecog_core.errors import StorageError
from medrecog_core.jobs.locks import waited_for
from medrecog_core.locations import cache_folder, create_folder, unwritable

NAME = "demo"
LAYOUT = "synthetic dermoscopy-like pictures, drawn by the program; none shows a patient"


def is_drawn() -> bool:
    """Return whether the images are on disk."""
    return _folder().is_dir()


def drawn_so_far() -> tuple[int, int]:
    """Return how many images have been generated, by any process, and their total number."""
    total = len(demo.demo_images())
    if is_drawn():
        return total, total
    try:
        return sum(1 for _ in _folder().parent.glob(".drawing-*/*/*.png")), total
    except FileNotFoundError:
        # The generating process moved the images to their place while they were counted.
        return (total if is_drawn() else 0), total


def load(report: Callable[[int, int], None] = lambda done, total: None) -> Dataset:
    """Return the demo data set, generating its images if needed.

    Parameters
    ----------
    report
        Called with the number of images generated and the total number.

    Raises
    ------
    StorageError
        If the images cannot be written.
    """
    images = demo.demo_images()
    if not is_drawn():
        create_folder(_folder().parent)
        try:
            with waited_for(_folder().parent / "drawing.lock", lambda: None):
                for unfinished in _folder().parent.glob(".drawing-*"):
                    shutil.rmtree(unfinished)
                if not is_drawn():
                    _draw(images, report)
        except OSError as error:
            raise StorageError(unwritable(_folder(), error)) from error
    records = (ImageRecord(_path(image), image.label, group=image.lesion) for image in images)
    return Dataset(
        NAME,
        _folder(),
        tuple(sorted(records, key=lambda record: record.path)),
        LAYOUT,
        synthetic=True,
    )


def _folder() -> Path:
    return cache_folder().datasets / NAME / "images"


def _path(image: demo.DemoImage) -> str:
    return f"{image.label}/{image.name}"


def _draw(images: tuple[demo.DemoImage, ...], report: Callable[[int, int], None]) -> None:
    # Generated next to its place and moved when complete, so that a killed process leaves nothing.
    temporary = Path(tempfile.mkdtemp(prefix=".drawing-", dir=_folder().parent))
    try:
        for i, image in enumerate(images, start=1):
            file = temporary / _path(image)
            file.parent.mkdir(exist_ok=True)
            Image.fromarray(demo.draw(image)).save(file, "PNG", compress_level=1)
            report(i, len(images))
        temporary.replace(_folder())
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
