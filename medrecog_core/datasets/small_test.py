"""Test parts that are too small for a figure to be read without its interval."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from medrecog_core.datasets.dataset import unit_of
from medrecog_core.wording import counted

LEAST_TESTED = 30
"""A class with fewer test images, or groups if there are any, is small."""

_MOST_NAMED = 4


class Tested(Protocol):
    """A test image: where its file is, its class, and its patient or lesion."""

    @property
    def path(self) -> str:
        """Path of the file."""

    @property
    def label(self) -> str:
        """Class of the image."""

    @property
    def group(self) -> str:
        """Patient or lesion; empty if there is none."""


@dataclass(frozen=True)
class SmallTest:
    """The classes with few test images, the smallest first.

    Attributes
    ----------
    classes
        Label and number of test images (or groups) of each small class.
    noun
        What was counted: `image` or `group`.

    Raises
    ------
    ValueError
        If there is no class, or one is not small.
    """

    classes: tuple[tuple[str, int], ...]
    noun: str = "image"

    def __post_init__(self) -> None:
        if not self.classes or any(n >= LEAST_TESTED for _, n in self.classes):
            raise ValueError(f"a small test has classes of fewer than {LEAST_TESTED}")

    @property
    def words(self) -> str:
        """Sentences for every place that shows the results of the test."""
        named = ", ".join(f"{label} ({n})" for label, n in self.classes[:_MOST_NAMED])
        if len(self.classes) > _MOST_NAMED:
            rest = counted(len(self.classes) - _MOST_NAMED, "other class", "other classes")
            named += f" and {rest}"
        return (
            f"Small test: fewer than {LEAST_TESTED} test {self.noun}s in {named}. Read every value "
            "with its 95 % confidence interval, and use more test images or cross-validation."
        )


def find_small_test(tested: Iterable[Tested], classes: Collection[str] = ()) -> SmallTest | None:
    """Return the classes with too few test images; None if every class has enough.

    An image that is tested several times counts once. If any image has a group, groups are counted,
    an image without one as one.

    Parameters
    ----------
    tested
        The test images.
    classes
        All classes, for those without a test image.
    """
    images = list(tested)
    units = {(image.label, unit_of(image.group, image.path)) for image in images}
    counts = Counter(dict.fromkeys(classes, 0))
    counts.update(label for label, _ in units)
    small = sorted(
        ((label, n) for label, n in counts.items() if n < LEAST_TESTED),
        key=lambda each: (each[1], each[0]),
    )
    noun = "group" if any(image.group for image in images) else "image"
    return SmallTest(tuple(small), noun) if small else None
