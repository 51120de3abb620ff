import pytest

from medrecog_core.features import Cell
from medrecog_core.reports.figures.difference_map import (
    describe_difference_map,
    draw_difference_map,
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
