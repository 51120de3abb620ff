import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.made_runs import made_run
from tests.ui.results.test_exporting import PROJECT


def opened(run, **parameters):
    test = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    for name, value in {"run": run.id, "tab": "Map", **parameters}.items():
        test.query_params[name] = value
    return test.switch_page("pages/3_Results.py").run()


def traces(test):
    (chart,) = test.get("plotly_chart")
    return json.loads(chart.proto.spec)["data"]


@pytest.mark.slow
def test_every_image_is_a_point_that_carries_its_number(finished):
    test = opened(finished)
    assert not test.exception
    found = traces(test)
    assert [trace["name"] for trace in found] == sorted({i.label for i in finished.images()})
    numbers = [number for trace in found for (number,) in trace["customdata"]]
    assert sorted(numbers) == list(range(len(finished.images())))


@pytest.mark.slow
def test_colours_tell_mistakes_from_images_that_were_not_tested(finished):
    found = {trace["name"]: trace for trace in traces(opened(finished, colour="Mistakes"))}
    n_tested = len(finished.tested_images())
    assert len(found["not tested"]["customdata"]) == len(finished.images()) - n_tested


@pytest.mark.slow
def test_the_images_of_a_colour_are_shown_without_a_pointer(finished):
    test = opened(finished)
    label = finished.images()[0].label
    test.selectbox(key="map-page Class").set_value(label).run()
    assert not test.exception
    n = sum(image.label == label for image in finished.images())
    assert any(f"{n} selected images" in each.value for each in test.markdown)


def test_features_that_are_gone_are_said(cache):
    test = opened(made_run())
    assert not test.exception
    assert any("missing from the feature cache" in error.value for error in test.error)
