"""Test of a model on another data set: its result, and what limits it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from medrecog_core.bounds import Count, Timestamp
from medrecog_core.classification import ClassEstimates, Estimate, wilson_interval
from medrecog_core.classification.differences import Difference, subtract
from medrecog_core.classification.novelty import ALARM
from medrecog_core.datasets import check_name
from medrecog_core.errors import UsageError
from medrecog_core.wording import counted


@dataclass(frozen=True)
class OutsideTest:
    """Result of a model on all images of another data set.

    Attributes
    ----------
    dataset, fingerprint
        Name of the data set, and its fingerprint.
    created
        Seconds since 1970.
    classes
        Classes of the model, sorted.
    positive
        The positive class, with two classes.
    matches
        The model's class by class of the data set.
    left_out
        Number of images by class of the data set that has no class of the model.
    n_unreadable
        Images that could not be read or have changed.
    estimates
        All measures with 95 % confidence intervals over groups.
    per_class
        Precision, recall and F1 of the classes.
    confusion
        Counts, a row a true class, a column a predicted one.
    own
        Measures of the run's cell on its test images of the same classes; empty if not known.
    n_training_copies, n_test_copies
        Images that are copies or near-copies of training images, and of test images only; None if
        the model cannot recognise any.
    without_copies
        Measures without the copies of training images; empty if there are none, or no others.
    n_unlike
        Images unlike the training images; None if the model cannot tell.

    Raises
    ------
    ValueError
        If the parts do not belong together.
    """

    dataset: str
    fingerprint: str
    created: Timestamp
    classes: tuple[str, ...]
    positive: str | None
    matches: Mapping[str, str]
    left_out: Mapping[str, Count]
    n_unreadable: Count
    estimates: tuple[Estimate, ...]
    per_class: tuple[ClassEstimates, ...]
    confusion: tuple[tuple[Count, ...], ...]
    own: tuple[Estimate, ...] = ()
    n_training_copies: Count | None = None
    n_test_copies: Count | None = None
    without_copies: tuple[Estimate, ...] = field(default=())
    n_unlike: Count | None = None

    def __post_init__(self) -> None:
        check_name(self.dataset)
        n = len(self.classes)
        if len(self.confusion) != n or any(len(row) != n for row in self.confusion):
            raise ValueError("the confusion matrix does not fit the classes")
        if not set(self.matches.values()) <= set(self.classes):
            raise ValueError("a class is matched with one that the model does not have")
        if self.positive is not None and self.positive not in self.classes:
            raise ValueError("the positive class is not one of the classes")
        if "accuracy" not in {each.measure for each in self.estimates}:
            raise ValueError("the test has no accuracy")

    @property
    def n_images(self) -> int:
        """Tested images."""
        return int(np.sum(self.confusion))

    @property
    def n_units(self) -> int:
        """Groups among them, an image without one counting as one."""
        return self.of("accuracy").n_units

    def of(self, measure: str) -> Estimate:
        """Return one of the estimates; raises KeyError if it is not available."""
        return {each.measure: each for each in self.estimates}[measure]

    @property
    def untested(self) -> tuple[str, ...]:
        """Classes of the model that the data set has no image of."""
        rows = zip(self.classes, self.confusion, strict=True)
        return tuple(label for label, row in rows if not sum(row))

    @property
    def differences(self) -> dict[str, Difference]:
        """By measure, this test minus the model's own test, as far as both are known."""
        own = {each.measure: each for each in self.own}
        return {
            each.measure: subtract(each, own[each.measure])
            for each in self.estimates
            if each.measure in own
        }

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what limits the result."""
        said = []
        n = self.n_images
        if self.left_out:
            rows = ", ".join(f"{label} ({k:,})" for label, k in self.left_out.items())
            said.append(
                f"{counted(sum(self.left_out.values()), 'image')} of "
                f"{counted(len(self.left_out), 'class', 'classes')} that the model does not have "
                f"{'was' if sum(self.left_out.values()) == 1 else 'were'} left out: {rows}."
            )
        if self.n_unreadable:
            said.append(f"{counted(self.n_unreadable, 'image')} could not be read or has changed.")
        if self.untested:
            said.append(
                f"The data set has no images of {', '.join(self.untested)}; both results are for "
                "the other classes."
            )
        if self.n_training_copies:
            rest = {each.measure: each for each in self.without_copies}.get("accuracy")
            said.append(
                f"{self.n_training_copies:,} of {counted(n, 'image')} "
                f"{'is a copy or near-copy' if n == 1 else 'are copies or near-copies'} of "
                "training images of the model, so the results are too optimistic. "
                + (
                    "There are no other images."
                    if rest is None
                    else f"Without them: accuracy {rest.value:.3f} (95 % CI {rest.low:.3f} to "
                    f"{rest.high:.3f}, n = {rest.n_images:,})."
                )
            )
        if self.n_test_copies:
            said.append(
                f"{counted(self.n_test_copies, 'copy or near-copy', 'copies or near-copies')} of "
                "the model's own test images: the two tests are not independent, and the interval "
                "of their difference is not exact."
            )
        if self.n_training_copies is None:
            said.append("The model cannot recognise copies of its training images.")
        if self.n_unlike and wilson_interval(self.n_unlike, n)[0] > ALARM:
            said.append(
                f"{self.n_unlike:,} of {counted(n, 'image')} ({self.n_unlike / n:.0%}) are unlike "
                f"the training images; about {ALARM:.0%} are expected if both data sets are alike."
            )
        return tuple(said)

    def to_document(self) -> dict[str, Any]:
        """Return the test as JSON values."""
        return asdict(self)


_TESTS = TypeAdapter(tuple[OutsideTest, ...])


def tests_of_document(document: Any) -> tuple[OutsideTest, ...]:
    """Return the tests in a document, a list of what `to_document` gives.

    Raises
    ------
    UsageError, ValueError
        If it is not valid.
    """
    tests = _TESTS.validate_python(document)
    if len({test.dataset for test in tests}) != len(tests):
        raise ValueError("a data set is tested twice")
    return tests


def match_classes(
    theirs: Mapping[str, int],
    ours: Sequence[str],
    given: Mapping[str, str] | None = None,
    leaves_out: bool = False,
) -> dict[str, str]:
    """Return the model's class of each class of another data set that has one.

    Identical names match.

    Parameters
    ----------
    theirs
        Number of images by class of the data set.
    ours
        Classes of the model.
    given
        Chosen matches, which take precedence over identical names; an empty class of the model
        leaves the class of the data set out.
    leaves_out
        Whether classes without a match are left out; otherwise they are refused.

    Raises
    ------
    UsageError
        If a given class is unknown, a class has no match, or none has one.
    """
    given = given or {}
    for label, known, whose in (
        *((label, theirs, "the data set") for label in given),
        *((label, ours, "the model") for label in given.values() if label),
    ):
        if label not in known:
            raise UsageError(f"Unknown class “{label}” of {whose}. Available: {', '.join(known)}.")
    found = {label: given.get(label, label) for label in theirs}
    unmatched = [label for label in theirs if label not in given and label not in ours]
    if unmatched and not leaves_out:
        n_images = sum(theirs[label] for label in unmatched)
        raise UsageError(
            f"{counted(n_images, 'image')} of "
            f"{counted(len(unmatched), 'class', 'classes')} that the model does not have: "
            f"{', '.join(unmatched)}. Match each with one of {', '.join(ours)}, or leave them out."
        )
    matches = {label: own for label, own in found.items() if own in ours}
    if not matches:
        raise UsageError(
            f"No class of the data set matches a class of the model. Match at least one of "
            f"{', '.join(theirs)} with one of {', '.join(ours)}."
        )
    return matches
