import numpy as np

from medrecog_core.runs import Run
from medrecog_core.runs.cell_images import cell_images


def test_each_square_of_the_confusion_matrix_holds_as_many_images(finished: Run) -> None:
    for result in finished.cells():
        images = cell_images(finished, result)
        labels = [row.label for row in result.metrics.classes]
        for true, row in zip(labels, result.metrics.confusion, strict=True):
            for predicted, n in zip(labels, row, strict=True):
                found = [i for i in images if (i.label, i.predicted) == (true, predicted)]
                assert len(found) == n
        assert sum(image.is_right for image in images) == sum(np.diag(result.metrics.confusion))


def test_the_greatest_score_comes_first_and_is_that_of_its_image(finished: Run) -> None:
    result = finished.cells()[0]
    images = cell_images(finished, result)
    assert [i.score for i in images] == sorted((i.score for i in images), reverse=True)
    scores = dict(
        zip((i.path for i in finished.tested_images()), finished.scores(result.cell), strict=True)
    )
    assert all(image.score == scores[image.path].max() for image in images)
