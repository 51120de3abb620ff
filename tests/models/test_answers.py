import csv

import pytest

from medrecog_core.images import UnreadableImageError
from medrecog_core.models import (
    KnownCopy,
    Prediction,
    Resemblance,
    SimilarImage,
    answer_document,
    answers_csv,
    answers_table,
)

BARE = Prediction("b", {"a": -1.0, "b": 1.0})
FULL = Prediction(
    "b",
    {"a": -1.0, "b": 1.0},
    {"a": 0.25, "b": 0.75},
    "a",
    Resemblance(
        True,
        0.5,
        0.01,
        (
            SimilarImage("/x/1.png", "00", "a", distance=0.25),
            SimilarImage("/x/2.png", "11", "b", distance=0.5),
        ),
    ),
    copies=(KnownCopy("00", "a", is_test=False, is_exact=True),),
)
UNREAD = UnreadableImageError("the file is empty")


def test_a_document_says_all_that_the_model_can_tell() -> None:
    assert answer_document("1.png", FULL) == {
        "file": "1.png",
        "label": "b",
        "scores": {"a": -1.0, "b": 1.0},
        "probabilities": {"a": 0.25, "b": 0.75},
        "at_threshold": "a",
        "unlike_training": True,
        "distance": 0.5,
        "p_value": 0.01,
        "nearest": [
            {"path": "/x/1.png", "label": "a", "sha256": "00", "distance": 0.25, "is_copy": True},
            {"path": "/x/2.png", "label": "b", "sha256": "11", "distance": 0.5, "is_copy": False},
        ],
        "copies": [{"part": "training", "label": "a", "sha256": "00", "is_exact": True}],
        "remark": None,
    }
    bare = answer_document("1.png", BARE)
    assert (bare["label"], bare["probabilities"]) == ("b", None)
    assert (bare["nearest"], bare["copies"]) == (None, None)
    assert answer_document("2.png", UNREAD) == {"file": "2.png", "error": "the file is empty"}


@pytest.mark.parametrize("answers", [[FULL, UNREAD], [UNREAD, FULL]])
def test_a_table_has_the_same_columns_in_every_row(answers) -> None:
    rows = answers_table(["1.png", "2.png"], answers)
    assert rows[0].keys() == rows[1].keys()
    assert list(rows[0])[:2] == ["file", "label"]
    assert list(rows[0])[-1] == "error"
    full = rows[answers.index(FULL)]
    assert full["probability of b"] == 0.75
    assert full["known image"] == "This exact image is in the training data, labelled a."
    assert (full["unlike the training images"], full["nearest label"]) == (True, "a")


def test_the_table_is_read_back_from_csv() -> None:
    text = answers_csv(["=1,“x”.png", "2.png"], [FULL, UNREAD])
    first, second = csv.DictReader(text.splitlines())
    assert first["file"] == "'=1,“x”.png"
    assert float(first["score of a"]) == -1
    assert (second["label"], second["error"]) == ("", "the file is empty")
    assert answers_csv([], []).strip() == "file"
