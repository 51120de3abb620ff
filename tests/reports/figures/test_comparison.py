import pytest

from medrecog_core.classification import Estimate
from medrecog_core.features import Cell
from medrecog_core.reports.figures.comparison import (
    describe_difference_map,
    describe_forest,
    draw_difference_map,
    draw_forest,
)
from medrecog_core.runs.comparison import CommonCell

CELLS = [
    CommonCell(Cell("block1", 224, "max"), (0.75, 0.5)),
    CommonCell(Cell("block1", 224, "average"), (0.5, 0.6)),
]


def test_every_cell_has_the_first_less_the_second(rows_of):
    rows = rows_of(draw_difference_map(CELLS, ("one", "other")))
    assert [row["text"] for row in rows] == ["+0.250", "-0.100"]
    assert [row["difference"] for row in rows] == pytest.approx([0.25, -0.1])


def test_colours_are_even_on_both_sides_of_nothing():
    def domain(cells):
        document = draw_difference_map(cells, ("one", "other")).to_dict()
        return document["layer"][0]["encoding"]["color"]["scale"]["domain"]

    assert domain(CELLS) == [-0.25, 0, 0.25]
    assert domain([CommonCell(Cell("block1", 224, "max"), (0.5, 0.5))]) == [-1, 0, 1]


def test_words_tell_every_difference():
    words = describe_difference_map(CELLS, ("one", "other"))
    assert words == "one minus other: block1-224-max +0.250; block1-224-average -0.100"


ROWS = [
    ("first", "block5-224-max", Estimate("accuracy", 0.8, 0.7, 0.9, "wilson", 60, 60)),
    ("second", "block4-224-max", Estimate("accuracy", 0.6, 0.5, 0.7, "wilson", 60, 60)),
]


def test_every_run_has_its_value_and_interval_in_the_order_given(rows_of):
    chart = draw_forest(ROWS, "accuracy")
    found = [
        (row["run"], row["low"], row["value"], row["high"], row["n"]) for row in rows_of(chart)
    ]
    assert found == [("first", 0.7, 0.8, 0.9, 60), ("second", 0.5, 0.6, 0.7, 60)]
    assert chart.to_dict()["layer"][0]["encoding"]["y"]["sort"] == ["first", "second"]


def test_words_tell_every_interval():
    assert "second (block4-224-max) 0.600, 95 % CI 0.500 to 0.700" in describe_forest(ROWS)
