from dataclasses import replace

import pytest

from medrecog_core.errors import MedrecogError
from medrecog_core.images import UnreadableImageError
from medrecog_core.models import Model, Prediction, answer_for_patient

pytestmark = pytest.mark.slow


def answers(*rows: tuple[float, ...]) -> list[Prediction | UnreadableImageError]:
    classes = ("noise", "stripes", "waves")
    found = [dict(zip(classes, row, strict=True)) for row in rows]
    return [Prediction(max(row, key=lambda label: row[label]), row) for row in found]


def test_scores_are_combined_and_unread_images_do_not_count(model: Model) -> None:
    given = [*answers((1, 0, -1), (-2, 0.5, 0.25)), UnreadableImageError("broken")]
    mean = answer_for_patient(model.card, given, "mean")
    assert mean.scores == pytest.approx({"noise": -0.5, "stripes": 0.25, "waves": -0.375})
    assert (mean.label, mean.n_unread) == ("stripes", 1)
    assert mean.votes == {"noise": 1, "stripes": 1}
    highest = answer_for_patient(model.card, given, "max")
    assert highest.label == "noise"
    assert highest.scores == pytest.approx({"noise": 1, "stripes": 0.5, "waves": 0.25})


def test_of_two_classes_the_image_with_the_highest_positive_score_decides(model: Model) -> None:
    card = replace(model.card, classes=("noise", "waves"), positive="noise")
    given = answers((-1, 0, 1), (0.25, 0, -0.25), (-3, 0, 3))
    assert answer_for_patient(card, given, "max").scores == {"noise": 0.25, "waves": -0.25}


def test_without_a_readable_image_there_is_no_answer(model: Model) -> None:
    with pytest.raises(MedrecogError):
        answer_for_patient(model.card, [UnreadableImageError("broken")], "mean")
