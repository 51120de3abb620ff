"""Stratified random sample of images."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.datasets.dataset import ImageRecord
from medrecog_core.errors import MedrecogError
from medrecog_core.wording import counted


@dataclass(frozen=True)
class Sample:
    """Images drawn from a data set.

    Attributes
    ----------
    images
        The sampled images, in the order of the data set.
    n_all
        Number of images to sample from.
    """

    images: tuple[ImageRecord, ...]
    n_all: int

    @property
    def is_part(self) -> bool:
        """Whether some images were not sampled."""
        return len(self.images) < self.n_all

    @property
    def words(self) -> str:
        """Description of the sample; empty if it contains all images."""
        if not self.is_part:
            return ""
        return f"a sample of {len(self.images):,} of {self.n_all:,} images"


def draw_sample(images: Sequence[ImageRecord], n: int, seed: int) -> Sample:
    """Draw images at random, stratified by class and split.

    Each part of a class (its training and its test images, if there is a given split) keeps its
    share, rounded by largest remainders, and no part is empty. With a given split, images of `val`
    are not sampled, because no run uses them. With given folds instead, each fold of a class keeps
    its share. Groups are not sampled as a whole: a group has a random number of images in the
    sample, which a split keeps on one side.

    Parameters
    ----------
    images
        All images.
    n
        Size of the sample; all images are returned if there are not more.
    seed
        Random seed.

    Raises
    ------
    MedrecogError
        If n is too small to contain every part.
    """
    splits = {image.split for image in images}
    is_given = {"train", "test"} <= splits
    strata: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, image in enumerate(images):
        if not is_given:
            strata[image.label, image.fold].append(i)
        elif image.split in ("train", "test"):
            strata[image.label, image.split].append(i)
    n_all = sum(map(len, strata.values()))
    if n >= n_all:
        return Sample(tuple(images), len(images))
    # A hold-out needs two images of a class, one for training and one for the test.
    n_parts = Counter(label for label, _ in strata)
    least = [
        min(len(stratum), 1 if is_given or n_parts[label] > 1 else 2)
        for (label, _), stratum in strata.items()
    ]
    if n < sum(least):
        raise MedrecogError(
            f"A sample of {counted(n, 'image')} is too small to train and test every class. Use "
            f"at least {sum(least)} images."
        )
    rng = np.random.default_rng(seed)
    sizes = _share(n, [len(stratum) for stratum in strata.values()], least)
    drawn: list[int] = []
    for stratum, size in zip(strata.values(), sizes, strict=True):
        shuffled = [int(i) for i in rng.permutation(stratum)]
        drawn += _two_groups_first(shuffled, images)[:size]
    return Sample(tuple(images[i] for i in sorted(drawn)), n_all)


def _share(n: int, sizes: list[int], least: list[int]) -> list[int]:
    """Divide n in proportion to sizes by largest remainders, with a minimum for each."""
    exact = np.array(sizes) * n / sum(sizes)
    shares = np.maximum(np.floor(exact).astype(int), least)
    while shares.sum() < n:
        lacking = np.where(shares < sizes, exact - shares, -np.inf)
        shares[lacking.argmax()] += 1
    while shares.sum() > n:
        spare = np.where(shares > least, shares - exact, -np.inf)
        shares[spare.argmax()] -= 1
    return [int(share) for share in shares]


def _two_groups_first(stratum: list[int], images: Sequence[ImageRecord]) -> list[int]:
    """Move an image of another group to the second place if the first two share a group.

    A hold-out keeps groups whole, so a class with two sampled images needs two groups.
    """
    group = images[stratum[0]].group
    if group and len(stratum) > 1:
        other = next((i for i in stratum[1:] if images[i].group != group), stratum[1])
        stratum.remove(other)
        stratum.insert(1, other)
    return stratum
