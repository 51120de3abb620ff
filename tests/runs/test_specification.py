import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.classification import CLASS_WEIGHTS, CLASSIFIERS, NORMALISATIONS
from medrecog_core.datasets import PROTOCOLS
from medrecog_core.errors import UsageError
from medrecog_core.features import POOLINGS
from medrecog_core.images import KEEP_ASPECT, PREPROCESSINGS
from medrecog_core.images.preprocessing import MAX_SCALE, MIN_SCALE
from medrecog_core.networks import PRECISIONS, find_network
from medrecog_core.runs import RunSpecification

VGG19 = find_network("vgg19")
NUMBERS = {
    "C": st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False),
    "k": st.integers(1, 1000),
}


def specified(classifier: str, numbers: dict[str, list[float]], **rest: Any) -> RunSpecification:
    name = CLASSIFIERS[classifier].parameter.name
    return RunSpecification(classifier=classifier, **{name: numbers[name]}, **rest)


SPECIFICATIONS = st.builds(
    specified,
    numbers=st.fixed_dictionaries(
        {name: st.lists(values, min_size=1, max_size=4) for name, values in NUMBERS.items()}
    ),
    dataset=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True),
    layers=st.lists(st.sampled_from([layer.name for layer in VGG19.layers]), min_size=1),
    scales=st.lists(st.integers(MIN_SCALE, MAX_SCALE), min_size=1, max_size=5),
    poolings=st.lists(st.sampled_from(list(POOLINGS)), min_size=1),
    classifier=st.sampled_from(list(CLASSIFIERS)),
    protocol=st.sampled_from(PROTOCOLS),
    n_folds=st.integers(2, 20),
    n_repeats=st.integers(1, 9),
    keep_groups=st.booleans(),
    normalisation=st.sampled_from(NORMALISATIONS),
    n_components=st.integers(1, 500),
    class_weight=st.sampled_from(CLASS_WEIGHTS),
    precision=st.sampled_from(PRECISIONS),
    seed=st.integers(0, 2**32 - 1),
    n_words=st.none() | st.integers(1, 4096),
    preprocessing=st.sampled_from([p for p in PREPROCESSINGS if p != KEEP_ASPECT]),
    sample=st.none() | st.integers(1, 10**6),
)


@given(SPECIFICATIONS)
def test_a_specification_survives_its_way_through_json(specification: RunSpecification) -> None:
    document = json.loads(json.dumps(specification.to_document()))
    assert RunSpecification.from_document(document) == specification


@given(SPECIFICATIONS)
def test_the_grid_has_every_cell_once(specification: RunSpecification) -> None:
    sides = (specification.layers, specification.scales, specification.poolings)
    n_layers, n_scales, n_poolings = (len(set(side)) for side in sides)
    assert len(set(specification.cells)) == len(specification.cells)
    assert len(specification.cells) == n_layers * n_scales * n_poolings


def test_a_data_set_is_enough() -> None:
    specification = RunSpecification.from_document({"dataset": "demo"})
    assert specification.layers == VGG19.default_layers
    assert (specification.scales, specification.poolings) == ((224,), ("max", "average"))
    assert (specification.network, specification.parameter_values, specification.seed) == (
        "vgg19",
        (1.0,),
        0,
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layers": ["block9"]}, ["block9", "block5", "fc2"]),
        ({"scales": [10]}, ["10", "224"]),
        ({"scales": [MAX_SCALE + 1]}, [str(MAX_SCALE)]),
        ({"poolings": ["median"]}, ["median", "average"]),
        ({"precision": "float16"}, ["float16", "bfloat16"]),
        ({"network": "alexnet"}, ["alexnet", "vgg19"]),
        ({"preprocessing": "stretch"}, ["stretch", "keep-aspect"]),
        ({"sample": 0}, ["sample"]),
        ({"sample": "few"}, ["sample"]),
        ({"dataset": "../demo"}, ["../demo", "letters"]),
        ({"dataset": ""}, ["name"]),
        ({"layers": []}, ["layers", "at least one"]),
        ({"scales": []}, ["scales", "at least one"]),
        ({"poolings": []}, ["poolings", "at least one"]),
        ({"layers": "block1"}, ["layers"]),
        ({"scales": ["wide"]}, ["wide", "scales"]),
        ({"scales": [224.5]}, ["224.5", "scales"]),
        ({"dataset": 7}, ["dataset"]),
        ({"dataset": None}, ["dataset"]),
        ({"C": 0}, ["C", "greater than 0"]),
        ({"C": -1}, ["C", "greater than 0"]),
        ({"C": float("nan")}, ["C"]),
        ({"C": float("inf")}, ["C", "finite"]),
        ({"C": "much"}, ["C"]),
        ({"C": []}, ["C", "at least one"]),
        ({"C": [1, -1]}, ["C", "greater than 0"]),
        ({"classifier": "forest"}, ["forest", "knn"]),
        ({"classifier": "knn", "C": 1}, ["“C”", "“k”", "knn"]),
        ({"k": 3}, ["“k”", "“C”", "linear-svm"]),
        ({"classifier": "knn", "k": 2.5}, ["k", "whole number", "2.5"]),
        ({"protocol": "bootstrap"}, ["bootstrap", "hold-out"]),
        ({"n_folds": 1}, ["1 is not a valid number of folds", "2 to 100"]),
        ({"normalisation": "cube"}, ["cube", "signed-sqrt-l2"]),
        ({"n_components": 0}, ["n_components"]),
        ({"class_weight": "heavy"}, ["heavy", "balanced"]),
        ({"fuse": ["everything"]}, ["everything", "layers"]),
        ({"layers": ["block1"], "fuse": ["layers"]}, ["only one layer"]),
        ({"seed": -1}, ["seed"]),
        ({"seed": 2**32}, ["seed"]),
        ({"n_words": 0}, ["n_words", "greater than or equal to 1"]),
        ({"n_words": 4097}, ["n_words", "4096"]),
        ({"n_words": 8.5}, ["8.5", "n_words"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
def test_a_wrong_value_gives_one_sentence_that_names_it(
    changes: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        RunSpecification.from_document({"dataset": "demo", **changes})
    sentence = str(caught.value)
    assert all(word in sentence for word in words), sentence
    assert sentence.endswith(".") and "\n" not in sentence


@pytest.mark.parametrize("document", [None, [], "demo", 3, {}])
def test_a_document_that_is_no_specification_is_refused(document: Any) -> None:
    with pytest.raises(UsageError, match="dataset"):
        RunSpecification.from_document(document)


def test_one_c_may_stand_alone_and_several_are_put_in_order() -> None:
    one = RunSpecification.from_document({"dataset": "demo", "C": 2})
    assert (one.parameter_values, one.to_document()["C"]) == ((2.0,), 2.0)
    several = RunSpecification.from_document({"dataset": "demo", "C": [10, 1, 1]})
    assert several.parameter_values == (1.0, 10.0)


def test_fusions_stand_behind_the_grid_and_their_members_are_read() -> None:
    specification = RunSpecification(
        dataset="demo",
        layers=("block4", "block5"),
        poolings=("average",),
        fuse=("layers", "block1+block2-224-max"),
    )
    names = [cell.name for cell in specification.cells]
    assert names == [
        "block4-224-average",
        "block5-224-average",
        "block4+block5-224-average",
        "block1+block2-224-max",
    ]
    assert {cell.name for cell in specification.read_cells} == {
        *names[:2], "block1-224-max", "block2-224-max"
    }  # fmt: skip


def test_a_specification_cannot_be_changed() -> None:
    specification = RunSpecification(dataset="demo")
    with pytest.raises(ValueError, match="frozen"):
        specification.seed = 1


class TestFile:
    def test_it_is_read_from_json(self, tmp_path: Path) -> None:
        file = tmp_path / "spec.json"
        file.write_text('{"dataset": "demo", "layers": ["block2"], "seed": 4}')
        assert RunSpecification.from_file(file) == RunSpecification(
            dataset="demo", layers=("block2",), seed=4
        )

    def test_changes_go_before_what_it_says_and_complete_it(self, tmp_path: Path) -> None:
        file = tmp_path / "spec.json"
        file.write_text('{"layers": ["block2"], "seed": 4}')
        specification = RunSpecification.from_file(file, dataset="demo", seed=5)
        assert specification == RunSpecification(dataset="demo", layers=("block2",), seed=5)

    @pytest.mark.parametrize("content", [b"", b"layers: block1", b"\xff\xfe\x00", b"{"])
    def test_what_is_not_json_is_refused(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "spec.json"
        file.write_bytes(content)
        with pytest.raises(UsageError, match=rf"{re.escape(str(file))} cannot be read as JSON"):
            RunSpecification.from_file(file)

    def test_a_missing_file_and_a_folder_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"none\.json does not exist"):
            RunSpecification.from_file(tmp_path / "none.json")
        with pytest.raises(UsageError, match="cannot be read"):
            RunSpecification.from_file(tmp_path)


def test_layers_are_the_network_s_own_unless_they_are_named():
    specification = RunSpecification.from_document({"dataset": "demo", "network": "resnet50"})
    assert specification.layers == ("conv2", "conv3", "conv4", "conv5")
    with pytest.raises(UsageError, match=r"Unknown layer “block1” in ResNet-50\. Available: conv2"):
        RunSpecification.from_document(
            {"dataset": "demo", "network": "resnet50", "layers": ["block1"]}
        )
    with pytest.raises(UsageError, match="wrong at “network”"):
        RunSpecification.from_document({"dataset": "demo", "network": 5})


def test_a_document_without_a_classifier_means_the_linear_svm() -> None:
    usual = RunSpecification.from_document({"dataset": "demo"})
    assert usual.classifier == "linear-svm"
    assert not {"classifier", "k", "parameter_values"} & set(usual.to_document())
    assert usual == RunSpecification.from_document({"dataset": "demo", "classifier": "linear-svm"})
    # As version 0.1.0 writes it, in its order.
    names = list(usual.to_document())
    assert names[names.index("C") - 1 : names.index("C") + 2] == [
        *("n_components", "C", "class_weight"),
    ]


def test_a_classifier_is_written_with_its_own_hyper_parameter() -> None:
    asked = {"dataset": "demo", "classifier": "knn", "k": [15, 5]}
    document = RunSpecification.from_document(asked).to_document()
    assert (document["classifier"], document["k"], "C" in document) == ("knn", [5, 15], False)
    assert RunSpecification.from_document(document).classifier_words == (
        "k-nearest neighbours, k chosen among 5, 15"
    )


def test_another_classifier_leaves_the_hyper_parameter_of_a_file_behind(tmp_path: Path) -> None:
    file = tmp_path / "specification.json"
    file.write_text(json.dumps({"dataset": "demo", "C": 3}))
    assert RunSpecification.from_file(file, classifier="knn").parameter_values == (5,)
    kept = RunSpecification.from_file(file, classifier="logistic-regression")
    assert kept.parameter_values == (3.0,)


def test_views_are_written_only_where_earlier_versions_need_not_read_them() -> None:
    usual = RunSpecification(dataset="demo")
    assert "views" not in usual.to_document()
    asked = RunSpecification(dataset="demo", views=10)
    assert RunSpecification.from_document(asked.to_document()) == asked
    assert asked.to_document()["views"] == 10


@pytest.mark.parametrize("changes", [{"views": 3}, {"views": 2, "poolings": ["vlad"]}])
def test_views_that_cannot_be_averaged_are_bad_usage(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        RunSpecification.from_document({"dataset": "demo", **changes})
