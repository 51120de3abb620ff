"""Tables as files: what is in the folder is what Keras builds, and what is wrong is named."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from medrecog_core.errors import StorageError, UsageError
from medrecog_core.networks import DEFAULT_NETWORK, NETWORKS, find_network, registry
from medrecog_core.networks.registry import Tables, read_table
from medrecog_core.networks.summary import summarise
from scripts.network_table import TABLES, keras_network, keras_rows

pytestmark = pytest.mark.slow

SMALL = {
    "title": "Small",
    "layers": [{"name": "first", "channels": 4, "stride": 1, "keras_layer": "a"}],
    "rows": [
        {"name": "input", "kind": "InputLayer", "channels": 3},
        {"name": "a", "kind": "Conv2D", "channels": 4, "arrays": {"kernel": [1, 1, 3, 4]}},
        {"name": "b", "kind": "Add", "channels": 4, "inputs": ["a", "a"]},
    ],
}
PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    return NETWORKS[request.param]


@pytest.fixture(scope="module")
def keras_model(network):
    return keras_network(network.keras_name)


def test_rows_are_those_that_keras_builds(network, keras_model):
    document = json.loads((TABLES / f"{network.name}.json").read_text(encoding="utf-8"))
    assert document["rows"] == keras_rows(keras_model)


def test_parameters_add_up_to_keras_s_own_count(network, keras_model):
    assert sum(row.n_parameters for row in summarise(network, 224)) == keras_model.count_params()


def test_sides_and_channels_are_those_of_keras(network, keras_model):
    scale = keras_model.input_shape[1]
    found = {row.name: row for row in summarise(network, scale)}
    compared = 0
    for operation in keras_model.operations[1:]:
        shape = operation.output.shape
        if operation.name in found and len(shape) == 4:
            row = found[operation.name]
            assert (row.side, row.side, row.channels) == tuple(shape[1:]), operation.name
            compared += 1
    assert compared > 0.8 * len([o for o in keras_model.operations if len(o.output.shape) == 4])


@pytest.fixture
def write(tmp_path):
    def do(**changes):
        path = tmp_path / "small.json"
        path.write_text(json.dumps({**SMALL, **changes}))
        return path

    return do


def test_a_row_takes_the_output_of_the_one_above_it(write):
    network = read_table(write())
    assert network.name == "small"
    assert [row.inputs for row in network.rows] == [(), ("input",), ("a", "a")]
    assert network.row["a"].arrays == {"kernel": (1, 1, 3, 4)}
    assert isinstance(network.layers, tuple)


ROWS = SMALL["rows"]
LAYER = SMALL["layers"][0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": 5}, "title: input should be a valid string"),
        ({"colour": "red"}, "unknown: colour"),
        ({"rows": 5}, "rows"),
        ({"rows": [*ROWS, {"name": "c", "kind": "Add"}]}, "rows.3.channels: field required"),
        ({"rows": [*ROWS, ROWS[1]]}, "a is in it twice"),
        ({"rows": [*ROWS, {**ROWS[2], "name": "c", "inputs": ["d"]}]}, "c takes the output of d"),
        ({"layers": [{**LAYER, "keras_layer": "z"}]}, "first is read at z, which is in no row"),
        ({"layers": [{**LAYER, "channels": 5}]}, "first has a different number of channels from a"),
        (
            {"layers": [{**LAYER, "keras_layer": "b"}, {**LAYER, "name": "second"}]},
            "not computed from the layer before",
        ),
        ({"preprocessing": "paint"}, "unknown preprocessing “paint”"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(write, changes, words):
    path = write(**changes)
    with pytest.raises(StorageError) as raised:
        read_table(path)
    assert words in str(raised.value)
    assert str(path) in str(raised.value)


def test_files_that_are_no_tables_are_refused(tmp_path):
    with pytest.raises(StorageError, match=r"nowhere\.json cannot be read"):
        read_table(tmp_path / "nowhere.json")
    for content in ("{", "[]", "null"):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(StorageError, match="is not a valid network table"):
            read_table(tmp_path / "a.json")


def test_the_default_network_has_a_table():
    assert (TABLES / f"{DEFAULT_NETWORK}.json").is_file()
    assert np.all([network.citation for network in NETWORKS.values()])


def test_vgg19_comes_first():
    assert next(iter(NETWORKS)) == DEFAULT_NETWORK == "vgg19"
    assert set(NETWORKS) >= {
        *("vgg19", "vgg16", "resnet50", "densenet121", "efficientnetv2_s", "convnext_tiny")
    }


def test_unknown_network_is_refused_with_the_networks_there_are():
    assert find_network("vgg19") is NETWORKS["vgg19"]
    for name in ("alexnet", "../networks/tables/vgg19", ""):
        with pytest.raises(UsageError, match=f"“{name}”. Available: vgg19, convnext_tiny"):
            find_network(name)


def test_a_table_in_the_folder_is_a_network(tmp_path):
    head = {"title": "Mine", "layers": [], "rows": []}
    for name in ("second", "first", "default"):
        (tmp_path / f"{name}.json").write_text(json.dumps(head))
    tables = Tables(tmp_path, first="default")
    assert list(tables) == ["default", "first", "second"]
    assert (tables["second"].name, tables["second"].title) == ("second", "Mine")
    assert tables["second"] is tables["second"]


def test_tables_are_read_when_they_are_asked_for(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_text("{")
    tables, read = Tables(tmp_path), []
    monkeypatch.setattr(registry, "read_table", lambda path: read.append(path.name))
    assert ("a" in tables, len(tables), list(tables), read) == (True, 1, ["a"], [])
    tables["a"]
    assert read == ["a.json"]


def test_listing_every_network_imports_no_keras():
    program = (
        "import sys; from medrecog_core.networks import NETWORKS, all_installed_weights;"
        "from medrecog_core.networks.summary import summarise;"
        "[(all_installed_weights(n), summarise(n, 224)) for n in NETWORKS.values()];"
        "print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=PROJECT, check=True
    ).stdout
    assert out == "False False\n"
