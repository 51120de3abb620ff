"""Every page in a read-only view: what can be pressed, and that pressing changes nothing."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from medrecog_core.datasets import check_health, library
from medrecog_core.jobs.process import this_process
from medrecog_core.models import train_model
from medrecog_core.runs import Run, create_run, find_run
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from medrecog_core.ui.plain_text import literal
from tests.textures import add_textures, cache_at, specification, write_textures
from tests.ui.test_experiments_page import select

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
DATASETS = "pages/1_Datasets.py"
MODEL = "textures-model"
FULL_OF_CONTROLS = (DATASETS, "pages/2_Experiments.py", "pages/3_Results.py")
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
        waiting = create_run(specification(layers=["block1"]))
    return root, run.id, waiting.id


@pytest.fixture
def viewed(kept, monkeypatch):
    """A read-only view of that cache folder, which must be as it was when the test ends."""
    root, *runs = kept
    monkeypatch.setenv("MEDRECOG_CACHE", str(root))
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    before = state_of(root)
    yield runs
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
    test = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    test = test.run() if page == "app.py" else test.switch_page(page).run()
    assert not test.exception
    return test


def words(test):
    kinds = ("markdown", "caption", "info", "warning", "error", "success")
    return "\n".join(element.value for kind in kinds for element in test.get(kind))


def controls(test):
    """Type and label of everything in the page, not the side bar, that a user can act on."""
    found = set()
    for element in test.main:
        proto = getattr(element, "proto", None)
        # Whatever Streamlit gives an identity sends something to the server, but for links.
        if getattr(proto, "id", "") or element.type in ("page_link", "link_button"):
            found.add((element.type, getattr(proto, "label", "")))
    return found


ADDRESSES = {
    "home": ("app.py", {}),
    "datasets": (DATASETS, {}),
    "datasets, one": (DATASETS, {"dataset": "copies"}),
    "datasets, images": (DATASETS, {"dataset": "copies", "view": "Images"}),
    "datasets, splits": (DATASETS, {"dataset": "copies", "view": "Splits"}),
    "datasets, health": (DATASETS, {"dataset": "copies", "view": "Health"}),
    "datasets, not checked": (DATASETS, {"dataset": "textures", "view": "Health"}),
    "datasets, one image": (DATASETS, {"dataset": "copies", "image": "waves/copy.png"}),
    "datasets, excluded image": (DATASETS, {"dataset": "copies", "image": IMAGE}),
    "experiments": ("pages/2_Experiments.py", {}),
    "experiments, finished": ("pages/2_Experiments.py", {"experiment": "FINISHED"}),
    "experiments, form": ("pages/2_Experiments.py", {"on": "textures", "scales": "224"}),
    "results": ("pages/3_Results.py", {"run": "FINISHED"}),
    "results, curves": (
        "pages/3_Results.py",
        {"run": "FINISHED", "tab": "Curves and calibration"},
    ),
    "results, export": ("pages/3_Results.py", {"run": "FINISHED", "tab": "Export"}),
    "results, unfinished": ("pages/3_Results.py", {"run": "UNFINISHED"}),
    "explore": ("pages/8_Explore.py", {"explored": "FINISHED"}),
    "predict": ("pages/4_Predict.py", {"model": MODEL}),
    "models": ("pages/6_Models.py", {"card": MODEL}),
    "networks": ("pages/5_Networks.py", {"network": "vgg19"}),
    "networks, weights": ("pages/5_Networks.py", {"network": "vgg19", "about": "Weights"}),
    "networks, first filters": ("pages/5_Networks.py", {"about": "First filters"}),
    "networks, without weights": ("pages/5_Networks.py", {"network": "resnet50"}),
    "methods": ("pages/7_Methods.py", {}),
    "methods, convolution": ("pages/7_Methods.py", {"lesson": "Convolution"}),
}
"""Pages with what an address asks of them."""

_DATASET = {
    ("selectbox", "Data set"),
    ("button", "All data sets"),
    ("tab_container", ""),
    ("selectbox", "Class"),
    ("selectbox", "Finding"),
}
_IMAGES = {
    *_DATASET,
    ("button", "an image"),
    ("button", "Back to images"),
    ("button", "Previous"),
    ("button", "Next"),
}
_RUNS = {
    ("selectbox", "Run"),
    ("text_input", "Search"),
    ("dataframe", ""),
    ("page_link", "Open results"),
}
_NETWORK = {
    ("arrow_data_frame", ""),
    ("tab_container", ""),
    ("selectbox", "Network"),
    ("selectbox", "Input size (px)"),
    ("selectbox", "Layer in the drawing"),
    ("vega_lite_chart", ""),
}
_EXPORTS = {
    ("selectbox", "Figure"),
    ("checkbox", "Include thumbnails"),
    *(
        ("download_button", label)
        for label in (
            *("HTML report", "CSV", "LaTeX", "JSON", "PNG", "SVG", "Bundle"),
            *("2018 report layout (LaTeX)", "2018 report layout (CSV)"),
        )
    ),
}
_RESULTS = {
    ("selectbox", "Run"),
    ("button_group", "Measure"),
    ("button_group", "Colour range"),
    ("selectbox", "Cell"),
    ("multiselect", "Compare with"),
    ("vega_lite_chart", ""),
    ("tab_container", ""),
}
HARMLESS = {
    "home": {
        ("page_link", "**Data sets**"),
        ("page_link", "**Experiments**"),
        ("page_link", "**Results**"),
        ("page_link", "**Explore**"),
        ("page_link", "**Predict**"),
        ("page_link", "**Models**"),
        ("page_link", "**Networks**"),
        ("page_link", "**Methods**"),
        ("page_link", "Open results"),
    },
    "datasets": {("arrow_data_frame", "")},
    "datasets, one": {*_DATASET, ("vega_lite_chart", "")},
    "datasets, images": _IMAGES,
    "datasets, splits": _DATASET,
    "datasets, health": {
        *_IMAGES,
        ("button", "Show all"),
        ("button", "Show excluded images"),
        ("vega_lite_chart", ""),
    },
    "datasets, not checked": _DATASET,
    "datasets, one image": _IMAGES,
    "datasets, excluded image": _IMAGES,
    "experiments": _RUNS,
    "experiments, finished": _RUNS,
    "experiments, form": _RUNS,
    "results": {*_RESULTS, ("selectbox", "True class"), ("selectbox", "Predicted class")},
    "results, curves": {*_RESULTS, ("selectbox", "Class of the curves")},
    "results, export": {*_RESULTS, *_EXPORTS},
    "results, unfinished": {("selectbox", "Run"), ("page_link", "View progress")},
    "predict": {
        ("selectbox", "Model"),
        ("file_uploader", "Images to classify"),
        ("toggle", "Use the camera"),
        ("page_link", "Model card"),
    },
    "explore": {
        ("selectbox", "Run"),
        ("selectbox", "Cell"),
        ("selectbox", "Colour"),
        ("button_group", "Map"),
        ("text_input", "Find images by name or group"),
    },
    "models": {
        ("arrow_data_frame", ""),
        ("selectbox", "Open model"),
        ("page_link", "Classify images with this model"),
        ("download_button", "Download model card"),
    },
    "networks": _NETWORK,
    "networks, without weights": _NETWORK,
    "networks, weights": _NETWORK,
    "networks, first filters": _NETWORK,
    "methods": {
        ("tab_container", ""),
        ("selectbox", "Points"),
        ("select_slider", "C"),
        ("button_group", "SVM"),
        ("button_group", "Class of the next point"),
        ("number_input", "Feature 1"),
        ("number_input", "Feature 2"),
        ("button", "Add point"),
        ("selectbox", "Selected point"),
        ("toggle", "Compare with a border of your own"),
        ("slider", "Turn it (degrees)"),
        ("slider", "Move it"),
        ("vega_lite_chart", ""),
    },
    "methods, convolution": {
        ("tab_container", ""),
        ("selectbox", "Image"),
        ("selectbox", "Filter"),
        ("slider", "Row"),
        ("slider", "Column"),
    },
}
"""What may be on each page: it chooses what is looked at, and changes nothing."""
NAMES_IN_ADDRESS = ("bidi_component", "")


def named(control):
    """A control without what differs from one data set or run to the next."""
    kind, label = control
    if kind == "page_link" and label.startswith("textures-"):
        return kind, "a run"
    if kind == "button" and re.match("noise|stripes|waves|copy", label):
        return kind, "an image"
    return kind, re.sub(r"Show all [0-9]+", "Show all", label)


def shown(sight, viewed):
    page, query = ADDRESSES[sight]
    finished, unfinished = viewed
    runs = {"FINISHED": finished, "UNFINISHED": unfinished}
    return opened(page, **{name: runs.get(value, value) for name, value in query.items()})


@pytest.mark.parametrize("sight", ADDRESSES)
def test_nothing_can_be_acted_on_but_what_chooses_what_is_looked_at(sight, viewed):
    test = shown(sight, viewed)
    assert not test.error
    assert {named(control) for control in controls(test)} <= HARMLESS[sight] | {NAMES_IN_ADDRESS}
    if test.main.button:  # the fixture sees whether pressing one has changed a file
        assert not test.main.button[-1].click().run().exception


def test_a_selected_run_is_opened_and_not_changed(viewed):
    finished, _ = viewed
    test = select(shown("experiments", viewed), Run(finished))
    labels = [label for _, label in controls(test)]
    assert {"Open", "Settings"} <= set(labels)
    assert not {"Edit", "Delete", "Pin", "Archive", "Resume", "Trash"} & set(labels)


def test_every_page_is_walked():
    pages = {"app.py", *(f"pages/{file.name}" for file in (PROJECT / "pages").glob("*.py"))}
    assert {page for page, _ in ADDRESSES.values()} == pages


def test_the_home_page_says_what_this_is_and_what_there_is_to_see(viewed):
    told = words(opened("app.py"))
    assert "This is a **read-only view**" in told
    assert "2 data sets, 2 runs and 1 model." in told


def test_a_run_is_shown_with_what_it_was_asked_to_do(viewed):
    test = shown("experiments, finished", viewed)
    settings = test.table[0].value
    assert list(settings.loc["layers"]) == ["block1, block2"]
    assert list(settings.loc["C"]) == [literal("1")]


def test_another_run_is_chosen_in_the_list_and_in_the_address(viewed):
    finished, unfinished = viewed
    test = opened("pages/2_Experiments.py")
    assert test.selectbox(key="experiment").value == unfinished
    test.selectbox(key="experiment").select(finished).run()
    assert test.query_params["experiment"] == finished
    assert test.selectbox(key="experiment").value == finished


def test_the_folder_of_the_images_is_not_told(viewed):
    assert str(library.load("copies").root) not in words(shown("datasets, one", viewed))


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("app.py", "0 data sets, 0 runs and 0 models."),
        ("pages/1_Datasets.py", "No data sets have been shared here"),
        ("pages/2_Experiments.py", "No runs have been shared here"),
        ("pages/3_Results.py", "No results have been shared here"),
        ("pages/4_Predict.py", "No models have been shared here"),
        ("pages/6_Models.py", "No models have been shared here"),
    ],
)
def test_where_there_is_nothing_to_see_a_page_says_so(page, sentence, monkeypatch, cache):
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    assert sentence in words(opened(page))
    assert not cache.root.exists()


@pytest.mark.parametrize("page", sorted({page for page, _ in ADDRESSES.values()}))
def test_a_mode_that_there_is_not_shows_nothing_but_the_sentence(page, monkeypatch, viewed):
    monkeypatch.setenv(MODE_VARIABLE, "veiwer")
    test = opened(page)
    assert [error.value for error in test.error] == [
        "MEDRECOG_MODE is “veiwer”, which is not valid. Set it to “viewer” for a read-only view, "
        "or leave it out."
    ]
    assert controls(test) == set()


@pytest.mark.parametrize(
    "sight", [sight for sight, (page, _) in ADDRESSES.items() if page in FULL_OF_CONTROLS]
)
def test_no_address_changes_anything_where_things_can_be_changed(sight, kept, monkeypatch):
    root, *runs = kept
    monkeypatch.setenv("MEDRECOG_CACHE", str(root))
    monkeypatch.setattr("medrecog_core.jobs.work.start_module", lambda *_: this_process())
    before = {name: state_of(root / name) for name in ("runs", "datasets", "models")}
    shown(sight, runs)
    assert {name: state_of(root / name) for name in before} == before


def test_the_pages_of_results_load_nothing_that_only_training_needs(viewed):
    program = (
        "import sys; from tests.ui.test_viewer import opened;"
        f"opened('pages/3_Results.py', run='{viewed[0]}'); opened('{DATASETS}', dataset='copies');"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=PROJECT, check=True
    )
    loaded = set(done.stdout.split())
    assert "altair" in loaded
    assert {"tensorflow", "sklearn", "scipy.stats", "statsmodels"}.isdisjoint(loaded)
