"""A server that shows a bundle: every page of it, read-only, away from any other cache folder."""

import os
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from medrecog_core.bundles import write_bundle
from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.locks import locked
from medrecog_core.locations import cache_folder
from medrecog_core.mode import is_viewer
from medrecog_core.settings import CACHE_VARIABLE, variable_of
from medrecog_core.settings import MODE_VARIABLE as MODE
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.shown_bundle import show_bundle

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]

BUNDLE = variable_of("bundle")


@pytest.fixture
def bundle(finished, tmp_path, monkeypatch):
    """The file, named in the environment, and its run; another cache folder is in use."""
    file = tmp_path / "runs.zip"
    write_bundle([finished], file, by="Ada *Lovelace*")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "another"))
    monkeypatch.setenv(MODE, "")
    monkeypatch.setenv(BUNDLE, str(file))
    return file, finished.id


def opened(page, **query):
    test = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    return (test if page == "app.py" else test.switch_page(page)).run()


def words(test):
    kinds = ("markdown", "caption", "info", "warning", "error")
    return "\n".join(element.value for kind in kinds for element in test.get(kind))


def test_the_pages_show_the_bundle_and_change_nothing(bundle, tmp_path):
    _, run_id = bundle
    home = opened("app.py")
    assert not home.exception
    assert "1 data set, 1 run and 0 models." in words(home)
    assert home.subheader[0].value == f"Shared by {literal('Ada *Lovelace*')}"
    assert re.search(r"accuracy [01]\.\d{3} \(95 % CI .+, n = \d+\)", words(home))
    assert is_viewer()
    results = opened("pages/3_Results.py", run=run_id)
    assert not results.exception
    assert not results.error
    assert "Best cell." in words(results)
    datasets = opened("pages/1_Datasets.py", dataset="textures", view="Images")
    assert not datasets.exception
    assert "12 images. Click an image" in words(datasets)
    assert not (tmp_path / "another").exists()


def test_a_bundle_is_unpacked_once(bundle):
    show_bundle()
    first = cache_folder().root
    show_bundle()
    assert cache_folder().root == first
    assert first.is_dir()


def test_what_a_killed_server_had_extracted_is_removed(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    killed, alive = (tmp_path / "temporary" / f"medrecog-bundle-{n}" for n in ("killed", "alive"))
    for folder in (killed, alive):
        (folder / "runs").mkdir(parents=True)
        (folder / "in-use.lock").touch()
    with locked(alive / "in-use.lock", "busy"):
        show_bundle()
    assert not killed.exists()
    assert (alive / "runs").exists() and cache_folder().runs.is_dir()


def test_a_file_that_is_no_bundle_is_told_in_a_sentence_and_opens_nothing(bundle):
    file, _ = bundle
    other = file.with_name("other.zip")
    other.write_bytes(b"no archive")
    os.environ[BUNDLE] = str(other)
    with pytest.raises(MedrecogError, match=r"other\.zip"):
        show_bundle()
    test = opened("pages/2_Experiments.py")
    assert len(test.error) == 1
    assert "other.zip" in test.error[0].value
    assert not test.main.button


def test_nothing_is_done_without_the_setting(monkeypatch, cache):
    monkeypatch.delenv(BUNDLE, raising=False)
    show_bundle()
    assert cache_folder() == cache
