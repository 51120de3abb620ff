from dataclasses import replace

from medrecog_core.features import Cell
from medrecog_core.networks import find_network
from medrecog_core.reports.figures.heat_map import (
    BELOW_MARK,
    BEST_MARK,
    SELECTION,
    describe_heat_map,
    draw_heat_map,
)
from medrecog_core.runs.comparison import rank_cells
from tests.made_runs import made_run

VGG19 = find_network("vgg19")


def test_every_cell_has_its_number_and_one_is_the_best(finished, rows_of):
    results = finished.cells()
    chart = draw_heat_map(
        finished.specification().cells, results, VGG19, "accuracy", rank_cells(finished)
    )
    rows = rows_of(chart)
    assert {row["name"]: row["value"] for row in rows} == {
        result.cell.name: result.metrics.accuracy for result in results
    }
    assert sum(row["text"].endswith(BEST_MARK) for row in rows) == 1
    assert all("–" in row["interval"] and row["n"].startswith("n = ") for row in rows)


def ends(chart):
    """Return the values of the first and the last colour."""
    domain = chart.to_dict()["layer"][1]["encoding"]["color"]["scale"]["domain"]
    return domain[0], domain[-1]


def test_colours_go_from_chance_to_one_or_over_the_values_of_the_run(cache):
    run = made_run(n=70)
    cells, results = run.specification().cells, run.cells()
    metrics = results[0].metrics
    supports = [row.support for row in metrics.classes]
    for measure, expected in {
        "accuracy": max(supports) / sum(supports),
        "balanced_accuracy": 1 / len(supports),
        "auc": 0.5,
    }.items():
        assert ends(draw_heat_map(cells, results, VGG19, measure)) == (expected, 1.0)
    values = [result.metrics.accuracy for result in results]
    stretched = draw_heat_map(cells, results, VGG19, "accuracy", is_stretched=True)
    assert ends(stretched) == (min(values), max(values))


def test_a_value_below_chance_is_drawn_as_such(rows_of, cache):
    run = made_run()
    first, second = run.cells()
    results = [replace(first, metrics=replace(first.metrics, auc=0.4)), second]
    rows = rows_of(draw_heat_map(run.specification().cells, results, VGG19, "auc"))
    assert [row["below"] for row in rows] == [True, False]
    assert [BELOW_MARK in row["text"] for row in rows] == [True, False]


def test_cell_without_a_result_is_blank(finished, rows_of):
    cells = (*finished.specification().cells, Cell("block5", 224, "max"))
    rows = rows_of(draw_heat_map(cells, finished.cells(), VGG19, "accuracy"))
    assert [row["text"] for row in rows if row["name"] == "block5-224-max"] == [""]


def test_grid_without_any_result_can_be_drawn(finished):
    draw_heat_map(finished.specification().cells, [], VGG19, "accuracy").to_dict()


def test_columns_stand_in_the_order_of_the_grid_however_many_are_filled(finished):
    cells = finished.specification().cells
    for results in ([], finished.cells()[-1:], finished.cells()):
        chart = draw_heat_map(cells, results, VGG19, "accuracy").to_dict()
        for layer in chart["layer"]:
            assert layer["encoding"]["x"]["sort"] == ["224 max", "224 average"]


def test_layers_stand_in_the_order_of_the_network(finished):
    chart = draw_heat_map(finished.specification().cells, finished.cells(), VGG19, "accuracy")
    order = chart.to_dict()["layer"][0]["encoding"]["y"]["sort"]
    assert order[:3] == ["block1", "block2", "block3"]


def test_only_a_clickable_one_has_a_selection(finished):
    cells, results = finished.specification().cells, finished.cells()
    plain = draw_heat_map(cells, results, VGG19, "accuracy").to_dict()
    clickable = draw_heat_map(cells, results, VGG19, "accuracy", clickable=True).to_dict()
    assert "params" not in plain
    assert SELECTION in {param["name"] for param in clickable["params"]}


def test_words_tell_every_number(finished):
    words = describe_heat_map(finished.cells(), "accuracy")
    for result in finished.cells():
        assert f"{result.cell.name} {result.metrics.accuracy:.3f}" in words
