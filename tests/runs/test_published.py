import pytest

from medrecog_core.features import Cell, grid
from medrecog_core.images import REPORT_SCALES
from medrecog_core.networks import find_network
from medrecog_core.runs.published import (
    FIGURE_9,
    FIGURE_10,
    PUBLISHED_TABLES,
    beside_report,
    find_published_table,
)

VGG19 = find_network("vgg19")
LAYERS = ("block5", "fc1", "fc2")

# The rows of the report's tables, typed a second time: scales across, max then average under each,
# a number that stands for both written twice.
ROWS = {
    FIGURE_9.name: {
        "block5": [0.78, 0.78, 0.78, 0.82, 0.72, 0.71, 0.77, 0.73],
        "fc1": [0.83, 0.83, 0.78, 0.79, 0.72, 0.77, 0.77, 0.74],
        "fc2": [0.82, 0.82, 0.89, 0.88, 0.75, 0.82, 0.83, 0.73],
    },
    FIGURE_10.name: {
        "block5": [0.74, 0.75, 0.76, 0.77],
        "fc1": [0.75, 0.75, 0.77, 0.77],
        "fc2": [0.75, 0.75, 0.77, 0.77],
    },
}


@pytest.mark.parametrize("table", PUBLISHED_TABLES, ids=lambda table: table.name)
def test_every_number_is_the_report_s(table):
    for layer, row in ROWS[table.name].items():
        scales = REPORT_SCALES[: len(row) // 2]
        columns = [(scale, pooling) for scale in scales for pooling in ("max", "average")]
        found = [table.find(Cell(layer, *column)).accuracy for column in columns]
        assert found == row


@pytest.mark.parametrize("table", PUBLISHED_TABLES, ids=lambda table: table.name)
def test_a_table_has_each_cell_once_and_no_others(table):
    scales = REPORT_SCALES if table is FIGURE_9 else REPORT_SCALES[:2]
    cells = [
        Cell(published.layer, published.scale, pooling)
        for published in table.accuracies
        for pooling in published.poolings
    ]
    assert sorted(cells, key=str) == sorted(
        grid(VGG19, LAYERS, scales, ["max", "average"]), key=str
    )
    assert table.find(Cell("block4", 224, "max")) is None
    assert table.find(Cell("block5", 225, "max")) is None
    assert table.find(Cell("block5", 224, "vlad")) is None
    assert table.name in table.source


def test_numbers_for_both_poolings_say_so():
    assert FIGURE_9.find(Cell("fc1", 224, "max")).is_merged
    assert not FIGURE_9.find(Cell("fc1", 544, "max")).is_merged
    assert FIGURE_10.find(Cell("fc1", 544, "average")).is_merged
    assert not FIGURE_10.find(Cell("block5", 224, "average")).is_merged


def test_a_run_stands_beside_the_cells_that_the_report_has():
    accuracies = {
        Cell("block4", 224, "max"): 0.7,
        Cell("block5", 224, "max"): 0.79,
        Cell("block5", 224, "average"): 0.73,
    }
    found = beside_report(accuracies, FIGURE_10)
    assert [row.cell.pooling for row in found] == ["max", "average"]
    assert [row.difference for row in found] == pytest.approx([0.05, -0.02])
    assert [row.published.accuracy for row in found] == [0.74, 0.75]


@pytest.mark.parametrize(
    ("dataset", "classes", "table"),
    [
        ("chest", ["NORMAL", "PNEUMONIA"], FIGURE_10),
        ("x", ["Pneumonia", "normal"], FIGURE_10),
        ("mini-mit", ["bedroom", "kitchen"], FIGURE_9),
        ("my_mini_mit_2", ["bedroom", "kitchen"], FIGURE_9),
        ("chest", ["normal", "bacteria", "virus"], None),
        ("minimitten", ["a", "b"], None),
        ("demo", ["a", "b"], None),
    ],
)
def test_table_on_the_same_images_is_found(dataset, classes, table):
    assert find_published_table(dataset, classes) is table
