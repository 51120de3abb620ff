import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.errors import UsageError
from medrecog_core.experiments import RunSpecification
from medrecog_core.features import POOLINGS
from medrecog_core.images import PREPROCESSINGS
from medrecog_core.images.preprocessing import MAX_SCALE, MIN_SCALE
from medrecog_core.networks import PRECISIONS, find_network

VGG19 = find_network("vgg19")
SPECIFICATIONS = st.builds(
    RunSpecification,
    dataset=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True),
    layers=st.lists(st.sampled_from([layer.name for layer in VGG19.layers]), min_size=1),
    scales=st.lists(st.integers(MIN_SCALE, MAX_SCALE), min_size=1, max_size=5),
    poolings=st.lists(st.sampled_from(POOLINGS), min_size=1),
    C=st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False),
    precision=st.sampled_from(PRECISIONS),
    seed=st.integers(0, 2**32 - 1),
    preprocessing=st.sampled_from(list(PREPROCESSINGS)),
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
    assert (specification.network, specification.C, specification.seed) == ("vgg19", 1.0, 0)


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
        ({"seed": -1}, ["seed"]),
        ({"seed": 2**32}, ["seed"]),
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
        with pytest.raises(UsageError, match=r"There is no file .*none\.json"):
            RunSpecification.from_file(tmp_path / "none.json")
        with pytest.raises(UsageError, match="cannot be read"):
            RunSpecification.from_file(tmp_path)


def test_layers_are_the_network_s_own_unless_they_are_named():
    specification = RunSpecification.from_document({"dataset": "demo", "network": "resnet50"})
    assert specification.layers == ("conv2", "conv3", "conv4", "conv5")
    with pytest.raises(UsageError, match="no layer “block1” in ResNet-50: choose among conv2"):
        RunSpecification.from_document(
            {"dataset": "demo", "network": "resnet50", "layers": ["block1"]}
        )
    with pytest.raises(UsageError, match="wrong at “network”"):
        RunSpecification.from_document({"dataset": "demo", "network": 5})
