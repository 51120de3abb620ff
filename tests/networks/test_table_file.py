"""Tables as files: what is in the folder is what Keras builds, and what is wrong is named."""

import json

import numpy as np
import pytest

from medrecog_core.errors import StorageError
from medrecog_core.networks import NETWORKS
from medrecog_core.networks.layer_summary import summarise
from medrecog_core.networks.registry import DEFAULT_NETWORK
from medrecog_core.networks.table_file import read_table
from scripts.network_table import TABLES, keras_network, keras_rows

SMALL = {
    "title": "Small",
    "layers": [{"name": "first", "channels": 4, "stride": 1, "keras_layer": "a"}],
    "rows": [
        {"name": "input", "kind": "InputLayer", "channels": 3},
        {"name": "a", "kind": "Conv2D", "channels": 4, "arrays": {"kernel": [1, 1, 3, 4]}},
        {"name": "b", "kind": "Add", "channels": 4, "inputs": ["a", "a"]},
    ],
}


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
        ({"rows": [*ROWS, ROWS[1]]}, "a stands in it twice"),
        ({"rows": [*ROWS, {**ROWS[2], "name": "c", "inputs": ["d"]}]}, "c takes the output of d"),
        ({"layers": [{**LAYER, "keras_layer": "z"}]}, "first is read at z, which is in no row"),
        ({"layers": [{**LAYER, "channels": 5}]}, "first has other channels than a"),
        (
            {"layers": [{**LAYER, "keras_layer": "b"}, {**LAYER, "name": "second"}]},
            "not computed from the layer before",
        ),
        ({"preprocessing": "paint"}, "There is no preprocessing “paint”"),
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
        with pytest.raises(StorageError, match="is no table of a network"):
            read_table(tmp_path / "a.json")


def test_the_default_network_has_a_table():
    assert (TABLES / f"{DEFAULT_NETWORK}.json").is_file()
    assert np.all([network.citation for network in NETWORKS.values()])
