import pytest

from medrecog_core.networks.keras_layer import KerasLayer


@pytest.mark.parametrize(
    ("config", "pair"),
    [
        ({}, (1, 1)),
        ({"strides": 2}, (2, 2)),
        ({"strides": [2, 3]}, (2, 3)),
        ({"strides": None}, (1, 1)),
    ],
)
def test_an_option_for_rows_and_columns_is_a_pair(config, pair):
    assert KerasLayer("a", "Conv2D", 4, config=config).pair("strides") == pair
