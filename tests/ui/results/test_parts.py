"""The tabs By group, Sub-groups and Other data sets, without a browser."""

from streamlit.testing.v1 import AppTest

from tests.made_runs import keep_dataset, made_run
from tests.ui.results.test_exporting import PROJECT
from tests.ui.test_pages import words


def opened(run, tab, **parameters):
    test = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    for name, value in {"run": run.id, "tab": tab, **parameters}.items():
        test.query_params[name] = value
    return test.switch_page("pages/3_Results.py").run()


def test_groups_are_beside_images():
    test = opened(made_run(n_groups=10), "By group")
    assert not test.exception
    rows = {row["measure"]: row for row in test.dataframe[0].value.to_dict("records")}
    assert set(rows) >= {"Accuracy", "AUC", "Sensitivity"}
    assert "10 groups" in words(test)


def test_without_groups_it_is_said():
    test = opened(made_run(), "By group")
    assert not test.exception
    assert any("share a group" in error.value for error in test.error)


def test_subgroups_of_the_column_of_the_address(cache):
    run = made_run()
    keep_dataset(run, {"sex": ["f", "m", "m"] * 20, "site": ["a", "b"] * 30})
    test = opened(run, "Sub-groups", column="site", measure="AUC")
    assert not test.exception
    (column,) = (box for box in test.selectbox if box.label == "Column")
    assert (column.value, column.options) == ("site", ["sex", "site"])
    column.set_value("sex").run()
    rows = test.dataframe[0].value.to_dict("records")
    assert [(row["sex"], row["test images"]) for row in rows] == [("f", 10), ("m", 20)]
    assert "Largest gap" in words(test)


def test_without_columns_it_is_said(cache):
    test = opened(made_run(), "Sub-groups")
    assert not test.exception
    assert any("no columns for sub-groups" in info.value for info in test.info)


def test_a_cell_without_a_model_says_how_to_make_one():
    test = opened(made_run(), "Other data sets")
    assert not test.exception
    assert any("Save this cell as a model" in info.value for info in test.info)
