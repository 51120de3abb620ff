"""Every page in a read-only view: what can be pressed, and that pressing changes nothing."""

import hashlib
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from medrecog_core.datasets import check_health, library
from medrecog_core.experiments import create_run, find_run
from medrecog_core.mode import SETTING, VIEWER
from medrecog_core.models import train_model
from tests.textures import add_textures, cache_at, specification, write_textures

PROJECT = Path(__file__).parents[2]
MODEL = "textures-model"
IMAGE = "noise/noise-1.png"


@pytest.fixture(scope="module")
def kept(finished_cache, tmp_path_factory):
    """A cache folder with something of everything: what is found, excluded, finished, failed."""
    root = tmp_path_factory.mktemp("viewed") / "cache"
    shutil.copytree(finished_cache[0], root)
    with cache_at(root):
        pictures = write_textures(tmp_path_factory.mktemp("more") / "images")
        shutil.copy(pictures / "noise/noise-0.png", pictures / "waves/copy.png")
        add_textures(pictures, "copies")
        check_health(library.load("copies"))
        library.exclude("copies", [IMAGE], reason="a marker in view")
        run = find_run(finished_cache[1])
        train_model(run, run.cells()[0].cell, MODEL)
        create_run(specification(layers=["block1"]))  # its process ends with this one
    return root, run.id


@pytest.fixture
def viewed(kept, monkeypatch):
    """A read-only view of that cache folder, which must be as it was when the test ends."""
    root, run_id = kept
    monkeypatch.setenv("MEDRECOG_CACHE", str(root))
    monkeypatch.setenv(SETTING, VIEWER)
    before = state_of(root)
    yield run_id
    assert state_of(root) == before


def state_of(folder):
    return {
        file.relative_to(folder): (
            file.stat().st_mtime_ns,
            hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "",
        )
        for file in (folder, *folder.rglob("*"))
    }


def opened(page, **query):
    test = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    for name, value in query.items():
        test.query_params[name] = value
    if page != "app.py":
        test.switch_page(page).run()
    assert not test.exception
    assert not test.error
    return test


def words(test):
    kinds = ("markdown", "caption", "info", "warning", "error", "success")
    return "\n".join(element.value for kind in kinds for element in test.get(kind))


def controls(test):
    """Type and label of everything in the page, not the side bar, that a user can act on."""
    return {
        (element.type, getattr(element.proto, "label", ""))
        for element in test.main
        if getattr(getattr(element, "proto", None), "id", "") or element.type in ("page_link",)
    }


if __name__ == "__main__":
    pass
