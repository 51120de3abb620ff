"""A part of a data set's images, drawn so that it looks like the whole."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.datasets.counting import counted
from medrecog_core.datasets.dataset import ImageRecord
from medrecog_core.errors import MedrecogError


@dataclass(frozen=True)
class Sample:
    """Images drawn from a data set.

    Attributes
    ----------
    images
        Those that were drawn, in the data set's order.
    n_all
        Images that there were to draw from.
    """

    images: tuple[ImageRecord, ...]
    n_all: int

    @property
    def is_part(self) -> bool:
        """Whether there are images that were not drawn."""
        return len(self.images) < self.n_all

    @property
    def words(self) -> str:
        """What was drawn, as words of a sentence; empty where that is everything."""
        if not self.is_part:
            return ""
        return f"a sample of {len(self.images):,} of {self.n_all:,} images"


def draw_sample(images: Sequence[ImageRecord], n: int, seed: int) -> Sample:
    """Draw images at random, stratified by class and split.

    Each part of a class (its training and its test images, where the data set gives a split) keeps
    its share, rounded so that the shares add up (the largest remainders are rounded up), and no
    part goes empty. Images of `val` beside a given train and test are not drawn, since no run uses
    them. Where the data set gives folds and no such split, each fold of a class keeps its share.
    Groups are not drawn whole: a group has as many images in the sample as chance gives it, and a
    split keeps them on one side as it does in the whole.

    Parameters
    ----------
    images
        All images.
    n
        How many to draw; all are returned where there are not more.
    seed
        Of the random choice.

    Raises
    ------
    MedrecogError
        If so few images cannot hold every part.
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
    # A hold-out needs two images of a class: one to learn from, one to test on.
    n_parts = Counter(label for label, _ in strata)
    least = [
        min(len(stratum), 1 if is_given or n_parts[label] > 1 else 2)
        for (label, _), stratum in strata.items()
    ]
    if n < sum(least):
        raise MedrecogError(
            f"A sample of {counted(n, 'image')} cannot hold every class to learn from and to test "
            f"on: ask for at least {sum(least)}."
        )
    rng = np.random.default_rng(seed)
    sizes = _share(n, [len(stratum) for stratum in strata.values()], least)
    drawn: list[int] = []
    for stratum, size in zip(strata.values(), sizes, strict=True):
        shuffled = [int(i) for i in rng.permutation(stratum)]
        drawn += _two_groups_first(shuffled, images)[:size]
    return Sample(tuple(images[i] for i in sorted(drawn)), n_all)


def _share(n: int, sizes: list[int], least: list[int]) -> list[int]:
    """Part n in proportion to sizes by largest remainders, none below its least."""
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
    """Move an image of another group to the second place, where the first two share theirs.

    A hold-out keeps groups whole, so a class that is drawn with two images needs two groups.
    """
    group = images[stratum[0]].group
    if group and len(stratum) > 1:
        other = next((i for i in stratum[1:] if images[i].group != group), stratum[1])
        stratum.remove(other)
        stratum.insert(1, other)
    return stratum
