"""One run, data set or model that cannot be read is listed with its reason beside the others."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from medrecog_core.datasets import library
from medrecog_core.locations import cache_folder
from medrecog_core.models import model_names
from medrecog_core.runs import find_run, list_runs
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from tests.made_runs import made_run
from tests.textures import add_textures, write_textures

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
# A document of another kind, one that is too deep, and none.
DAMAGE = ['{"created": 1e300}', "[" * 100_000, None]


def damage(file, content):
    file.unlink(missing_ok=True)
    if content is None:
        file.mkdir()
    else:
        file.write_text(content)


def opened(page, **query):
    test = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    test.query_params.update(query)
    test.switch_page(page).run()
    assert not test.exception
    return test


def errors(test):
    return "\n".join(error.value for error in test.error)


@pytest.mark.parametrize("content", DAMAGE)
@pytest.mark.parametrize("name", ["state.json", "specification.json", "record.json"])
def test_a_run_is_listed_and_can_be_deleted(name, content):
    whole, bad = made_run(), made_run(C=2)
    damage(bad.path / name, content)
    (table,) = opened("pages/2_Experiments.py").dataframe
    shown = [status.split()[0] for status in table.value["Status"]]
    assert sorted(shown) == sorted(["failed" if name == "state.json" else "unreadable", "finished"])
    rows = {row.run.id: row for row in list_runs()}
    assert not rows[whole.id].reason and rows[whole.id].summary is not None
    assert name in rows[bad.id].reason
    # The page of its results says it too, for a link to them still exists.
    assert bad.id in errors(opened("pages/3_Results.py", run=bad.id))
    find_run(bad.id).delete()
    assert [row.run.id for row in list_runs()] == [whole.id]


def test_a_run_whose_state_is_lost_is_still_a_run():
    run = made_run()
    (run.path / "state.json").unlink()
    (row,) = list_runs()
    assert row.run.id == run.id and row.state.status == "failed" and "state.json" in row.state.error
    find_run(run.id).delete()
    assert list_runs() == []


@pytest.mark.parametrize("content", DAMAGE)
@pytest.mark.parametrize("name", ["dataset.json", "exclusions.json"])
def test_a_data_set_is_listed_and_can_be_deleted(monkeypatch, tmp_path, name, content):
    write_textures(tmp_path / "images")
    for each in ("whole", "bad"):
        add_textures(tmp_path / "images", each)
    damage(library.folder_of("bad") / name, content)
    test = opened("pages/1_Datasets.py")
    (table,) = test.dataframe
    health = dict(zip(table.value["Data set"], table.value["Health"], strict=True))
    assert health["bad"] == ["unreadable"] and health["whole"] == ["not checked"]
    assert "bad" in errors(test) and "whole" not in errors(test)
    assert "bad" in errors(opened("pages/1_Datasets.py", dataset="bad"))
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    viewed = opened("pages/1_Datasets.py")
    assert "bad" in errors(viewed) and not viewed.button
    monkeypatch.delenv(MODE_VARIABLE)
    test.button(key="delete data set bad").click().run()
    assert not test.exception and not test.error
    assert library.names() == ["demo", "whole"]
    assert list(test.dataframe[0].value["Data set"]) == ["demo", "whole"]


@pytest.mark.parametrize("content", DAMAGE)
def test_a_model_is_listed_and_can_be_deleted(models_cache, monkeypatch, content):
    shutil.copytree(models_cache, cache_folder().root, dirs_exist_ok=True)
    whole = model_names()[0]
    bad = cache_folder().models / "bad"
    shutil.copytree(cache_folder().models / whole, bad)
    (bad / "svm.npz").unlink(missing_ok=True)
    damage(bad / "model.json", content)
    test = opened("pages/6_Models.py")
    assert "bad" in errors(test)
    assert whole in list(test.dataframe[0].value["Model"])
    assert "bad" in errors(opened("pages/4_Predict.py", model="bad"))
    test.button(key="delete-bad").click().run()
    assert not test.exception and not test.error
    assert "bad" not in model_names() and whole in model_names()
