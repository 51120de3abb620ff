import numpy as np

from medrecog_core.classification import measure
from medrecog_core.reports.figures.confusion_matrix import (
    SELECTION,
    describe_confusion_matrix,
    draw_confusion_matrix,
)


def metrics_of(n_classes):
    labels = [f"class {i:02}" for i in range(n_classes)]
    scores = np.eye(n_classes)[[0, *range(1, n_classes), 0]]
    return measure([*labels, labels[1]], scores, labels)


def test_squares_hold_the_counts_and_their_share_of_the_true_class(rows_of):
    rows = rows_of(draw_confusion_matrix(metrics_of(3)))
    found = {(row["true"], row["predicted"]): (row["images"], row["share"]) for row in rows}
    assert len(found) == 9
    assert found["class 00", "class 00"] == (1, 1.0)
    assert found["class 01", "class 00"] == (1, 0.5)
    assert found["class 01", "class 01"] == (1, 0.5)
    assert found["class 02", "class 00"] == (0, 0.0)


def test_many_classes_are_drawn_without_numbers():
    assert len(draw_confusion_matrix(metrics_of(20)).to_dict()["layer"]) == 3
    assert len(draw_confusion_matrix(metrics_of(21)).to_dict()["layer"]) == 1


def test_hits_and_errors_of_the_same_share_have_other_colours(rows_of):
    rows = rows_of(draw_confusion_matrix(metrics_of(3)))
    fill = {(row["true"], row["predicted"]): row["fill"] for row in rows}
    assert fill["class 01", "class 01"] != fill["class 01", "class 00"]
    assert fill["class 00", "class 00"] == fill["class 02", "class 02"]


def test_only_a_clickable_one_has_a_selection():
    assert "params" not in draw_confusion_matrix(metrics_of(2)).to_dict()
    params = draw_confusion_matrix(metrics_of(2), clickable=True).to_dict()["params"]
    assert [param["name"] for param in params] == [SELECTION]


def test_words_tell_every_row():
    words = describe_confusion_matrix(metrics_of(3))
    assert "class 01 [1, 1, 0]" in words
