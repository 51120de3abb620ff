import json

import pytest
from streamlit.testing.v1 import AppTest

from medrecog_core.runs.embedding import embed_images
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from medrecog_core.ui.explore.embedding_map import _groups
from tests.made_runs import made_run
from tests.ui.results.test_exporting import PROJECT


def opened(run, page="pages/3_Results.py", **parameters):
    test = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    for name, value in {"run": run.id, "tab": "Map", **parameters}.items():
        test.query_params[name] = value
    return test.switch_page(page).run()


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
def test_numbers_are_a_scale_and_many_words_are_the_most_frequent_ones(finished):
    embedding = embed_images(finished, finished.cells()[0].cell)
    n = len(embedding.images)
    groups = _groups([f"group {i % 30}" for i in range(60)])
    assert len(groups) == 20
    assert sorted(int(i) for positions in groups.values() for i in positions) == list(range(60))
    colour = ("File size in bytes", "Class")[n <= 12]
    assert len(traces(opened(finished, colour=colour))) == (3 if n <= 12 else 1)


@pytest.mark.slow
def test_explore_finds_images_by_name_and_shows_similar_ones(finished):
    test = opened(finished, page="pages/8_Explore.py", explored=finished.id, near="1")
    assert not test.exception
    first = finished.images()[1]
    assert any(first.file.name in each.value for each in test.subheader)
    n = len(finished.images()) - 1
    assert any(f"of these {min(n, 12)} images" in each.value for each in test.caption)
    test = opened(finished, page="pages/8_Explore.py", explored=finished.id, search=first.file.name)
    assert any(each.value.startswith("**1 selected image**") for each in test.markdown)


@pytest.mark.slow
def test_a_view_shows_the_maps_that_were_computed(finished, monkeypatch):
    cell = finished.cells()[0].cell
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    test = opened(finished, cell=cell.name)
    assert not test.exception
    assert not test.get("plotly_chart")
    monkeypatch.delenv(MODE_VARIABLE)
    embed_images(finished, cell)
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    assert traces(opened(finished, cell=cell.name))


def test_features_that_are_gone_are_said(cache):
    test = opened(made_run())
    assert not test.exception
    assert any("missing from the feature cache" in error.value for error in test.error)
