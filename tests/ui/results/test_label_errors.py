import pytest

from medrecog_core.datasets import Dataset, FileState, ImageRecord, library
from tests.made_runs import made_run
from tests.ui.explore.test_embedding_map import opened

pytestmark = pytest.mark.slow


@pytest.fixture
def doubtful(cache, tmp_path):
    """Give a run with two images whose scores contradict their labels, and its data set."""
    run = made_run(
        n=60, n_folds=3, separations=(6.0,), pictures=tmp_path / "pictures", dataset="made"
    )
    library.save(
        Dataset(
            "made",
            tmp_path / "pictures",
            tuple(
                ImageRecord(image.file.name, image.label, file=FileState(image.sha256, 1, 1))
                for image in sorted(run.images(), key=lambda image: image.path)
            ),
            "made",
        )
    )
    result = run.cells()[0]
    scores = run.scores(result.cell).copy()
    scores[:2] = scores[:2, ::-1]
    run.write_cell(result, scores)
    return run


def button(test, label):
    return next(each for each in test.button if each.label.startswith(label))


def test_a_decision_is_stored_shown_and_undone(doubtful):
    test = opened(doubtful, tab="Label errors")
    assert not test.exception
    button(test, "Relabel as").click().run()
    assert not test.exception
    (changed,) = library.load("made").relabelled
    assert changed.label != changed.imported
    button(test, "Undo").click().run()
    assert library.load("made").reviewed == ()


def test_labels_that_nothing_contradicts_are_said_so(finished):
    result = finished.cells()[0]
    classes = [row.label for row in result.metrics.classes]
    scores = finished.scores(result.cell).copy()
    for row, image in zip(scores, finished.tested_images(), strict=True):
        row[:] = -1
        row[classes.index(image.label)] = 1
    finished.write_cell(result, scores)
    test = opened(finished, tab="Label errors", cell=result.cell.name)
    assert not test.exception
    assert [each.value for each in test.success] == ["No doubtful labels to review."]
