import numpy as np

from medrecog_core.datasets import library
from medrecog_core.datasets.label_review import EXCLUDE, RELABEL, RIGHT
from medrecog_core.runs.label_errors import find_doubtful_labels, reviewed_images
from medrecog_core.runs.neighbours import similar_images, unit_features
from tests.made_runs import made_run


def test_images_with_flipped_labels_are_found_first():
    run = made_run(n=240, n_folds=4, separations=(4.0,))
    images = run.images()
    flipped = {7, 30, 101, 200}
    other = {"NORMAL": "PNEUMONIA", "PNEUMONIA": "NORMAL"}
    scores = run.scores(run.cells()[0].cell).copy()
    place = {int(i): row for row, i in enumerate(run.split().tested)}
    for i in flipped:  # the scores of the other class, as they are of an image of that class
        scores[place[i]] = scores[place[i]][::-1]
    run.write_cell(run.cells()[0], scores)
    found = find_doubtful_labels(run, run.cells()[0])
    assert {each.position for each in found.images[: len(flipped)]} == flipped
    assert all(each.suggested == other[images[each.position].label] for each in found.images)
    assert (found.n_images, found.n_untested, found.is_calibrated) == (240, 0, True)
    assert found.no_neighbours


def test_images_that_only_train_are_counted_and_few_are_not_calibrated():
    found = find_doubtful_labels(*with_best(made_run(n=60)))
    assert (found.n_images, found.n_untested) == (30, 30)
    few = made_run(n=8, n_groups=2)
    assert not find_doubtful_labels(*with_best(few)).is_calibrated


def with_best(run):
    return run, run.cells()[-1]


def test_neighbours_are_those_of_a_loop_over_all_images(finished):
    cell = finished.cells()[0].cell
    rows = unit_features(finished, cell)
    images = finished.images()
    (near,) = similar_images(finished, cell, [3], 4)
    distances = [(1 - float(rows[3] @ row), i) for i, row in enumerate(rows) if i != 3]
    expected = sorted(distances)[:4]
    assert [each.sha256 for each in near] == [images[i].sha256 for _, i in expected]
    assert np.allclose([each.distance for each in near], [d for d, _ in expected], atol=1e-5)


def test_images_of_the_same_group_are_no_neighbours(finished):
    images = finished.images()
    finished.write_images([_grouped(image, i // 2) for i, image in enumerate(images)])
    cell = finished.cells()[0].cell
    (others,) = similar_images(finished, cell, [4], len(images))
    assert len(others) == len(images) - 2
    (every,) = similar_images(finished, cell, [4], len(images), other_groups=False)
    assert len(every) == len(images) - 1


def _grouped(image, number):
    return type(image)(image.path, image.sha256, image.label, f"group {number}", image.rendering)


def test_decisions_are_found_by_the_images_of_the_run(finished):
    name = finished.specification().dataset
    paths = {place: each.path for place, each in reviewed_images(finished).items()}
    assert sorted(paths) == list(range(len(finished.images())))
    labels = sorted({image.label for image in finished.images()})
    other = next(label for label in labels if label != finished.images()[0].label)
    library.review_labels(name, [paths[0]], RELABEL, other)
    library.review_labels(name, [paths[1]], RIGHT)
    library.review_labels(name, [paths[2]], EXCLUDE)
    found = reviewed_images(finished)
    assert [found[i].decision for i in range(4)] == [RELABEL, RIGHT, EXCLUDE, ""]
    assert found[0].label == other
