from medrecog_core.classification import Estimate
from medrecog_core.reports.figures.forest import describe_forest, draw_forest

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
