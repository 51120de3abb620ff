"""The form of the Experiments page in its address, and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.classification import CLASS_WEIGHTS, NORMALISATIONS
from medrecog_core.classification.registry import HYPER_PARAMETERS
from medrecog_core.datasets import PROTOCOLS
from medrecog_core.features import POOLINGS
from medrecog_core.images import PREPROCESSINGS
from medrecog_core.networks import PRECISIONS, find_network
from medrecog_core.runs import RunSpecification
from medrecog_core.ui.experiments.form_address import PARAMETER, _read, _written, key_of
from tests.ui.test_pages import opened, words

pytestmark = pytest.mark.slow

PAGE = "pages/2_Experiments.py"
VGG19 = find_network("vgg19")
WHOLE = {
    "layers": ["block3", "block5"],
    "scales": [224, 256, 544],
    "poolings": ["max", "vlad"],
    "protocol": "k-fold",
    "n_folds": 3,
    "n_repeats": 2,
    "keep_groups": False,
    "fuse": ["layers", "block4+block5-224-average"],
    "normalisation": "pca",
    "n_components": 16,
    "C": [0.01, 1.0, 12345678.0],
    "class_weight": "balanced",
    "precision": "float32",
    "seed": 7,
    "n_words": 16,
    "preprocessing": "centre-crop",
    "sample": 120,
}


def link(**settings):
    return {PARAMETER: json.dumps(settings)}


def settings_in(test):
    text = test.query_params[PARAMETER]
    return json.loads(text if isinstance(text, str) else text[0])


def some(values):
    return st.lists(st.sampled_from(list(values)), min_size=1, unique=True)


specifications = st.fixed_dictionaries(
    {"dataset": st.just("demo"), "network": st.just("vgg19")},
    optional={
        "layers": some([layer.name for layer in VGG19.layers]),
        "scales": st.lists(st.integers(224, 2048), min_size=1, max_size=5, unique=True),
        "poolings": some(POOLINGS),
        "protocol": st.sampled_from(PROTOCOLS),
        "n_folds": st.integers(2, 100),
        "keep_groups": st.booleans(),
        "normalisation": st.sampled_from(list(NORMALISATIONS)),
        "C": st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=4),
        "class_weight": st.sampled_from(CLASS_WEIGHTS),
        "precision": st.sampled_from(PRECISIONS),
        "seed": st.integers(0, 2**32 - 1),
        "n_words": st.none() | st.integers(1, 4096),
        "preprocessing": st.sampled_from(list(PREPROCESSINGS)),
        "sample": st.none() | st.integers(1, 10**6),
    },
)
classifiers = st.just({}) | st.fixed_dictionaries(
    {"classifier": st.just("knn"), "k": st.lists(st.integers(1, 99), min_size=1)}
)
specifications = st.builds(
    lambda chosen, rest: RunSpecification.from_document(
        {**{k: v for k, v in rest.items() if not (chosen and k == "C")}, **chosen}
    ),
    classifiers,
    specifications,
)


@given(specifications)
def test_what_is_written_into_an_address_is_read_from_it(specification):
    text = _written(specification)
    if text:
        assert _read(text, "demo", VGG19) == specification
    else:
        assert RunSpecification.from_document({"dataset": "demo"}) == specification


@given(st.floats(1e-300, 1e300))
def test_a_number_is_shown_so_that_it_can_be_read_again(value):
    assert float(HYPER_PARAMETERS["C"].word(value)) == value


def test_another_classifier_has_its_own_number_in_the_form():
    test = opened(PAGE, **link(classifier="knn", k=[1, 15]))
    assert not test.exception
    assert not test.warning
    assert test.text_input(key="experiment-k").value == "1, 15"
    assert settings_in(test) == {"classifier": "knn", "k": [1, 15]}
    test.selectbox(key="experiment-classifier").set_value("logistic-regression").run()
    assert test.text_input(key="experiment-C").value == "1"
    assert settings_in(test) == {"classifier": "logistic-regression"}


def test_the_usual_form_needs_no_words_in_the_address():
    test = opened(PAGE)
    assert PARAMETER not in test.query_params


def test_a_link_fills_in_the_whole_form_and_stays_as_it_is():
    test = opened(PAGE, **link(**WHOLE))
    assert not test.exception
    assert not test.warning
    assert settings_in(test) == WHOLE
    chosen = {
        box.label: box.value for kind in ("selectbox", "number_input") for box in test.get(kind)
    }
    assert chosen["Folds"] == 3
    assert chosen["Components"] == 16
    assert chosen["Maximum number of images"] == 120
    assert chosen["Normalisation"] == "pca"
    assert test.toggle(key="experiment-keep_groups").value is False
    assert test.text_input(key="experiment-C").value == "0.01, 1, 12345678.0"
    assert test.multiselect(key="experiment-scales").value == [224, "256", 544]


def test_a_changed_form_changes_the_address_and_the_usual_one_takes_it_away():
    test = opened(PAGE, **link(scales=[544]))
    test.multiselect(key="experiment-scales").set_value([224, 544]).run()
    assert settings_in(test) == {"scales": [224, 544]}
    test.selectbox(key="experiment-protocol").set_value("k-fold").run()
    assert settings_in(test)["protocol"] == "k-fold"
    test.selectbox(key="experiment-protocol").set_value("auto").run()
    test.multiselect(key="experiment-scales").set_value([224]).run()
    assert PARAMETER not in test.query_params


def test_a_preset_stands_in_the_address_as_what_it_fills_in():
    test = opened(PAGE)
    test.selectbox(key="preset").set_value("report-chest-xray").run()
    assert settings_in(test) == {"layers": ["block5"], "scales": [224, 544]}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"scales":[224', "The link is incomplete"),
        ("[" * 3000, "The link is incomplete"),
        ("7", "The link does not contain settings of a run"),
        ('{"scales":[1]}', "The input size 1 is not valid"),
        ('{"layers":["block9"]}', "block9"),
        ('{"C":[0]}', "wrong at “C"),
        ('{"colour":"red"}', "wrong at “colour”"),
        ('{"fuse":["scales"]}', "There is only one scale to fuse"),
        ("x" * 5000, "The link is longer than 4,000 characters"),
    ],
)
def test_what_is_wrong_in_an_address_gets_one_sentence_and_is_ignored(text, sentence):
    test = opened(PAGE, **{PARAMETER: text})
    assert not test.exception
    (warning,) = test.warning
    assert warning.value.startswith("The settings in this link could not be used.")
    assert sentence in warning.value
    assert "10 cells" in words(test)
    assert PARAMETER not in test.query_params
    (still,) = test.run().warning
    assert still.value == warning.value
    assert not test.multiselect(key=key_of("scales")).set_value([544]).run().run().warning


def test_layers_of_a_link_that_cannot_be_read_here_are_named():
    test = opened(PAGE, **link(layers=["block5", "fc1"]))
    assert "This link also uses fc1, whose weights are not installed." in words(test)
    assert "2 cells" in words(test)


def test_a_form_that_was_left_is_filled_in_again_by_its_link():
    test = opened(PAGE, **link(scales=[544]))
    test.switch_page("pages/3_Results.py").run()
    test.query_params[PARAMETER] = '{"scales":[544]}'
    test.switch_page(PAGE).run()
    assert test.multiselect(key="experiment-scales").value == [544]
