"""The Methods page: every lesson by its address, and what the shorter lessons show."""

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from medrecog_core.images import REPORT_SCALES
from medrecog_core.networks import find_network
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from medrecog_core.ui.methods import lessons
from medrecog_core.ui.methods.cross_validation import made_images, mean_accuracy, split
from medrecog_core.ui.methods.input_size import LAYERS, positions
from medrecog_core.ui.methods.linear_svm import train_as_runs
from medrecog_core.ui.methods.one_vs_rest import made_points
from medrecog_core.ui.methods.pooling import MAPS, pooled
from tests.ui.test_pages import opened, words

PAGE = "pages/7_Methods.py"
NAMES = [
    lessons.SVM,
    lessons.CONVOLUTION,
    lessons.INPUT_SIZE,
    lessons.POOLING,
    lessons.ONE_VS_REST,
    lessons.FOLDS,
]
VGG19 = find_network("vgg19")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["", VIEWER])
@pytest.mark.parametrize("name", NAMES)
def test_every_lesson_opens_by_its_link_without_data(name, mode, monkeypatch):
    if mode:
        monkeypatch.setenv(MODE_VARIABLE, mode)
    address = urlsplit(re.search(r"\(([^)]+)\)", lessons.lesson_links(name))[1])
    assert address.path == "Methods"
    test = opened(PAGE, **{key: value for key, (value,) in parse_qs(address.query).items()})
    assert not test.exception
    assert not test.error
    assert words(test).count("Sources: ") == 1  # only the open lesson is computed
    assert [tab.label for tab in test.tabs] == NAMES


@pytest.mark.slow
def test_pages_link_to_the_lessons_of_what_they_show():
    assert lessons.lesson_links(lessons.CONVOLUTION, lessons.INPUT_SIZE) in words(
        opened("pages/5_Networks.py")
    )
    test = opened("pages/2_Experiments.py")
    helps = {
        each.label: each.help for kind in ("multiselect", "selectbox") for each in test.get(kind)
    }
    helps |= {each.label: each.help for each in [*test.text_input, *test.get("button_group")]}
    for label, name in {
        "Input size (px)": lessons.INPUT_SIZE,
        "Layers": lessons.CONVOLUTION,
        "Poolings": lessons.POOLING,
        "C": lessons.SVM,
        "Protocol": lessons.FOLDS,
    }.items():
        assert lessons.lesson_links(name) in helps[label]


# --- Input size ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "sides", "window"),
    [("block5", [7, 17, 27, 37], 32), ("fc1", [1, 11, 21, 31], 224), ("fc2", [1, 11, 21, 31], 224)],
)
def test_positions_are_those_of_the_reports_networks(layer, sides, window):
    assert layer in LAYERS
    found = [positions(VGG19, layer, scale) for scale in REPORT_SCALES]
    assert [each.side for each in found] == sides
    assert {each.window for each in found} == {window}


@pytest.mark.parametrize("layer", LAYERS)
def test_tiles_lie_in_the_middle_of_their_windows(layer):
    found = positions(VGG19, layer, 544)
    table = found.table()
    assert len(table) == found.side**2
    middles = (table["left"] + table["right"]) / 2
    assert middles.min() == found.window / 2
    assert middles.max() == 544 - found.window / 2


# --- Pooling -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAPS)
def test_features_are_pooled_and_a_stronger_image_has_the_same_direction(name):
    channels = np.array(MAPS[name], float).reshape(2, -1)
    vectors, stronger = pooled(name, 1.0), pooled(name, 1.5)
    np.testing.assert_allclose(vectors["max"], channels.max(axis=1))
    np.testing.assert_allclose(vectors["average"], channels.mean(axis=1))
    np.testing.assert_allclose(vectors["gem"], np.cbrt((channels**3).mean(axis=1)))
    for pooling, vector in vectors.items():
        np.testing.assert_allclose(stronger[pooling], 1.5 * vector)


# --- One-vs-rest ---------------------------------------------------------------------------------


def test_borders_are_those_of_scikit_learn_for_each_class_against_the_rest():
    places, labels = made_points()
    found = train_as_runs(places, labels, 1.0)
    expected = LinearSVC(C=1.0, tol=1e-9, max_iter=1_000_000, random_state=0).fit(places, labels)
    assert list(found.classes) == list(expected.classes_)
    np.testing.assert_allclose(found.weights, expected.coef_, atol=1e-4)
    np.testing.assert_allclose(found.biases, expected.intercept_, atol=1e-4)


@pytest.mark.slow
def test_the_class_of_the_largest_score_is_said():
    test = opened(PAGE, lesson=lessons.ONE_VS_REST)
    for x, y, label in ((-3.0, 2.0, "circle"), (3.0, 3.0, "square"), (0.0, -3.0, "diamond")):
        test.slider(key="ovr-x").set_value(x)
        test.slider(key="ovr-y").set_value(y).run()
        table = test.dataframe[0].value
        assert table["class"][table["score"].idxmax()] == label
        assert f"The new image is a **{label}**." in words(test)


# --- Cross-validation ----------------------------------------------------------------------------


@pytest.mark.parametrize("n_folds", [2, 4, 6])
def test_no_patient_is_in_two_folds_unless_groups_are_divided(n_folds):
    images = made_images()
    kept, mixed = (split(n_folds, keep, 0) for keep in (True, False))
    for each in (kept, mixed):
        assert sorted(each.tested) == list(range(len(images)))
    patients = [{images[i].group for i in fold.test} for fold in kept.folds]
    assert sum(map(len, patients)) == len(set.union(*patients))
    assert not kept.leaks
    assert mixed.n_leaking_groups > 0


def test_features_without_the_disease_seem_good_only_when_patients_leak():
    assert mean_accuracy(4, True, 0) == pytest.approx(0.5, abs=0.06)
    assert mean_accuracy(4, False, 0) > 0.9
