"""One answer for several images of one patient."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medrecog_core.classification import choose_positive_class
from medrecog_core.classification.scored_groups import pool_scores
from medrecog_core.errors import MedrecogError
from medrecog_core.models.answers import Answer
from medrecog_core.models.model import ModelCard
from medrecog_core.models.prediction import Prediction
from medrecog_core.wording import counted


@dataclass(frozen=True)
class PatientAnswer:
    """One answer for several images.

    Attributes
    ----------
    label
        The class with the highest score.
    scores
        Combined scores of the classifier by class; not probabilities.
    how
        One of `medrecog_core.classification.scored_groups.WAYS`.
    votes
        Number of images by their own label.
    n_unread
        Images that could not be read, which do not count.
    """

    label: str
    scores: Mapping[str, float]
    how: str
    votes: Mapping[str, int]
    n_unread: int

    @property
    def words(self) -> str:
        """A sentence on what it is based on."""
        n_images = sum(self.votes.values())
        votes = ", ".join(f"{n:,} {label}" for label, n in self.votes.items())
        unread = (
            f" {counted(self.n_unread, 'image')} could not be read and "
            f"{'does' if self.n_unread == 1 else 'do'} not count."
            if self.n_unread
            else ""
        )
        return (
            f"{'Mean' if self.how == 'mean' else 'Maximum'} score of {counted(n_images, 'image')}; "
            f"single images: {votes}. It has no probability, because the calibration is for single "
            f"images.{unread}"
        )

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "label": self.label,
            "scores": dict(self.scores),
            "how": self.how,
            "n_images": sum(self.votes.values()),
            "votes": dict(self.votes),
            "n_unread": self.n_unread,
        }


def answer_for_patient(card: ModelCard, answers: Sequence[Answer], how: str) -> PatientAnswer:
    """Return one answer for the images of one patient.

    Parameters
    ----------
    card
        Card of the model.
    answers
        Its answers for the images.
    how
        One of `medrecog_core.classification.scored_groups.WAYS`.

    Raises
    ------
    UsageError
        If there is no such way.
    MedrecogError
        If no image could be read.
    """
    read = [answer for answer in answers if isinstance(answer, Prediction)]
    if not read:
        raise MedrecogError("None of the images could be read. Choose other images.")
    positive = choose_positive_class(card.classes, card.positive)
    scores = pool_scores(
        np.array([[answer.scores[label] for label in card.classes] for answer in read]),
        how,
        None if positive is None else card.classes.index(positive),
    )
    return PatientAnswer(
        card.classes[int(scores.argmax())],
        dict(zip(card.classes, map(float, scores), strict=True)),
        how,
        dict(sorted(Counter(answer.label for answer in read).items())),
        len(answers) - len(read),
    )
