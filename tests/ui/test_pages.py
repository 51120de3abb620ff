"""Every page by itself, without a browser: empty states, wrong addresses, sentences for errors."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from medrecog_core.datasets import Dataset, ImageRecord, check_health, library, read_dataset
from medrecog_core.features.cost import NetworkPass, keep_rates
from medrecog_core.jobs.kinds import DRAW_DEMO
from medrecog_core.jobs.process import ProcessIdentity, this_process
from medrecog_core.jobs.queue import working_jobs
from medrecog_core.networks import (
    DEFAULT_NETWORK,
    NETWORKS,
    find_network,
    import_weights,
    resolve_precision,
)
from medrecog_core.runs.naming import describe_run
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from medrecog_core.ui.page import PAGES as NAMED
from tests.made_runs import made_run
from tests.textures import add_textures, write_textures
from tests.tiny_network import tiny, tiny_arrays, write_npz

pytestmark = pytest.mark.slow

__all__ = ["tiny"]

PROJECT = Path(__file__).parents[2]
PAGES = ["app.py", *sorted(f"pages/{file.name}" for file in (PROJECT / "pages").glob("*.py"))]


def opened(page, /, **query):
    test = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    if page == "app.py":
        return test
    for name, value in query.items():
        test.query_params[name] = value
    return test.switch_page(page).run()


def words(test):
    kinds = ("markdown", "caption", "info", "warning", "error", "success")
    return "\n".join(element.value for kind in kinds for element in test.get(kind))


@pytest.fixture(autouse=True)
def demo_is_not_drawn(monkeypatch):
    """No test of this module starts a process that draws the demo."""
    monkeypatch.setattr("medrecog_core.jobs.work.start_module", lambda *_: this_process())


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_on_an_empty_cache_and_says_it_is_for_research(page):
    test = opened(page)
    assert not test.exception
    assert not test.error
    assert "For research, not for diagnosis." in words(test)


@pytest.mark.parametrize(("mode", "kind"), [("", "description"), (VIEWER, "view_description")])
def test_home_describes_every_page_by_its_row(mode, kind, monkeypatch):
    if mode:
        monkeypatch.setenv(MODE_VARIABLE, mode)
    captions = [each.value for each in opened("app.py").main.caption]
    described = [getattr(page, kind) for page in NAMED if page.title != "Home"]
    assert all(described)
    assert [each for each in captions if each in described] == described


@pytest.mark.parametrize(
    ("page", "hint"),
    [
        ("pages/2_Experiments.py", "Click **Start run**"),
        ("pages/3_Results.py", "Start an experiment first"),
        ("pages/4_Predict.py", "No models yet"),
        ("pages/6_Models.py", "No models yet"),
    ],
)
def test_empty_state_says_what_to_do_next(page, hint):
    assert hint in words(opened(page))


def test_demo_is_being_drawn_on_first_sight():
    test = opened("pages/1_Datasets.py", dataset="demo")
    assert [job.order().kind for job in working_jobs()] == [DRAW_DEMO]
    assert len(test.get("progress")) == 1


@pytest.mark.parametrize("page", PAGES)
def test_cache_folder_that_cannot_be_written_gets_one_sentence(page, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEDRECOG_CACHE", str(tmp_path / "file" / "cache"))
    test = opened(page)
    assert not test.exception


def test_home_names_the_folder_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEDRECOG_CACHE", str(tmp_path / "file" / "cache"))
    assert any("Cannot write to" in error.value for error in opened("app.py").error)


def test_unknown_names_in_the_address_fall_back_to_what_there_is():
    for page, query in (
        ("pages/1_Datasets.py", {"dataset": "nothing", "class": "nothing", "page": "999"}),
        ("pages/1_Datasets.py", {"view": "nothing", "finding": "nothing", "image": "nothing"}),
        ("pages/2_Experiments.py", {"on": "nothing"}),
        ("pages/3_Results.py", {"run": "../../etc"}),
        ("pages/4_Predict.py", {"model": "nothing"}),
        ("pages/6_Models.py", {"card": "nothing"}),
    ):
        assert not opened(page, **query).exception


def test_added_data_set_shows_its_counts(write_class_folders):
    library.save(read_dataset("colours", write_class_folders()))
    test = opened("pages/1_Datasets.py", dataset="colours")
    assert not test.exception
    assert {m.label: m.value for m in test.metric}["Images"] == "6"


def test_every_data_set_is_a_row_with_its_sample_health_and_last_run(tmp_path):
    add_textures(write_textures(tmp_path / "images"))
    add_textures(write_textures(tmp_path / "others"), "checked")
    kept = library.load("checked")
    report = check_health(kept)
    run = made_run(dataset="checked")
    test = opened("pages/1_Datasets.py")
    assert not test.exception
    assert working_jobs() == []  # the demo is drawn when it is opened
    table = test.dataframe[0].value.set_index("Data set")
    assert list(table.index) == ["demo", "checked", "textures"]
    assert list(table["Images"]) == [240, 12, 12]
    assert list(table["Classes"]) == [4, 3, 3]
    assert list(table["Last run"].fillna("")) == ["", describe_run(run.specification()), ""]
    assert list(table["Health"]["textures"]) == ["not checked"]
    assert len(table["Health"]["checked"]) == len({f.severity for f in report.findings})
    assert table["Image"]["textures"].startswith("data:image/jpeg;base64,")
    library.exclude("checked", [kept.images[0].path])
    table = opened("pages/1_Datasets.py").dataframe[0].value.set_index("Data set")
    assert list(table["Health"]["checked"]) == ["check again"]
    assert table["Images"]["checked"] == 11


def test_an_old_link_to_filtered_images_shows_them(write_class_folders):
    library.save(read_dataset("colours", write_class_folders()))
    test = opened("pages/1_Datasets.py", dataset="colours", **{"class": "red"})
    assert "3 images. Click" in words(test)


def test_an_image_has_a_previous_and_a_next_one_among_those_that_match(write_class_folders):
    library.save(read_dataset("colours", write_class_folders()))
    link = {"dataset": "colours", "view": "Images", "class": "red", "image": "red/1.png"}
    test = opened("pages/1_Datasets.py", **link)
    assert "2 of 3" in words(test)
    press = {button.label: button for button in test.button}
    press["Next"].click().run()
    assert test.query_params["image"] == "red/2.png"
    assert {button.label: button.disabled for button in test.button}["Next"]


def test_the_split_is_shown_with_what_makes_it_unreliable(tmp_path):
    images = tuple(
        ImageRecord(f"{label}/{split}{i}.png", label, split=split, group=f"{label}{i}")
        for label in ("a", "b")
        for split, n in (("train", 4), ("test", 2))
        for i in range(n)
    )
    library.save(Dataset("leaking", tmp_path, images, "made"))
    test = opened("pages/1_Datasets.py", dataset="leaking", view="Splits")
    assert not test.exception
    table = test.dataframe[0].value.set_index("class")
    assert table.to_dict() == {
        "train": {"a": 4, "b": 4, "all classes": 8},
        "test": {"a": 2, "b": 2, "all classes": 4},
    }
    assert "4 groups have images in more than one split" in words(test)
    assert "Small test" in words(test)


def test_vanished_image_is_named_in_the_gallery(write_class_folders):
    root = write_class_folders()
    library.save(read_dataset("colours", root))
    next(root.rglob("*.png")).unlink()
    test = opened("pages/1_Datasets.py", dataset="colours", view="Images")
    assert not test.exception
    assert "the file does not exist" in words(test)


def test_experiment_without_layers_cannot_be_started():
    test = opened("pages/2_Experiments.py")
    layers = next(g for g in test.get("button_group") if g.label == "Layers")
    layers.set_value([]).run()
    assert test.warning
    assert test.button[0].disabled


def test_layers_that_the_weights_do_not_reach_are_not_offered_and_it_says_where_to_get_them():
    test = opened("pages/2_Experiments.py")
    layers = next(g for g in test.get("button_group") if g.label == "Layers")
    assert list(layers.options) == ["block1", "block2", "block3", "block4", "block5"]
    assert "fc1 and fc2 require weights" in words(test)
    assert "Install on the Networks page" in [each.proto.label for each in test.get("page_link")]


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("pages/1_Datasets.py", {"dataset": "gone"}),
        ("pages/2_Experiments.py", {"on": "gone"}),
    ],
)
def test_a_link_to_what_is_gone_says_so(page, query):
    assert "Data set “gone” not found." in words(opened(page, **query))


def test_impossible_scale_is_refused_with_a_sentence():
    test = opened("pages/2_Experiments.py")
    test.session_state["scales"] = [10]
    assert not test.run().exception


def test_data_set_that_was_not_checked_says_what_to_do(write_class_folders):
    library.save(read_dataset("colours", write_class_folders()))
    test = opened("pages/1_Datasets.py", dataset="colours", view="Health")
    assert not test.exception
    assert "Not checked yet" in words(test)
    assert "Check this data set" in [button.label for button in test.button]


def test_excluded_images_are_counted_apart_and_still_shown(write_class_folders):
    library.save(read_dataset("colours", write_class_folders()))
    library.exclude("colours", ["red/0.png"])
    test = opened("pages/1_Datasets.py", dataset="colours")
    figures = {metric.label: metric.value for metric in test.metric}
    assert (figures["Images"], figures["Excluded"]) == ("5", "1")
    test = opened("pages/1_Datasets.py", dataset="colours", view="Images")
    assert "6 images, 1 of them excluded" in words(test)


def test_finding_is_a_filter_of_the_gallery(write_class_folders):
    root = write_class_folders()
    check_health(library.save(read_dataset("colours", root)))
    test = opened("pages/1_Datasets.py", dataset="colours", finding="blank", **{"class": "red"})
    assert not test.exception
    assert "3 images. Click" in words(test)


def test_link_to_an_image_that_is_gone_says_so(write_class_folders):
    library.save(read_dataset("colours", write_class_folders()))
    test = opened("pages/1_Datasets.py", dataset="colours", image="../../etc/passwd")
    assert not test.exception
    assert "Image “../../etc/passwd” not found in “colours”." in words(test)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_shown_with_its_layers_and_its_weights(name):
    network = NETWORKS[name]
    test = opened("pages/5_Networks.py", network=name)
    assert not test.exception
    assert not test.error
    networks, read, layers = (frame.value for frame in test.dataframe)
    assert list(networks["Network"]) == [each.title for each in NETWORKS.values()]
    assert list(read["layer"]) == [layer.name for layer in network.layers]
    assert len(layers) == sum(row.kind != "Flatten" for row in network.rows)
    test = opened("pages/5_Networks.py", network=name, about="Weights")
    assert not test.error
    without = f"No weights for {network.title} are installed" in words(test)
    assert without == (name != DEFAULT_NETWORK)
    assert any("Install official Keras weights" in button.label for button in test.button)
    assert any(button.label == "Run self-test" for button in test.button) != without


def test_a_download_that_stops_unexpectedly_gets_one_sentence(monkeypatch):
    gone = ProcessIdentity(2**31 - 1, 0.0, "")
    monkeypatch.setattr("medrecog_core.jobs.work.start_module", lambda *_: gone)
    test = opened("pages/5_Networks.py", about="Weights")
    next(button for button in test.button if button.label.startswith("Install")).click()
    test.run()
    assert not test.exception
    assert "stopped unexpectedly" in words(test)


def test_networks_with_weights_can_be_chosen_and_their_layers_are_offered(tiny, tmp_path):
    test = opened("pages/2_Experiments.py")
    (box,) = (box for box in test.selectbox if box.label == "Network")
    assert list(box.options) == [DEFAULT_NETWORK]
    assert "Other networks need weights first." in words(test)
    import_weights(tiny, write_npz(tmp_path / "a.npz", tiny_arrays()))
    test = opened("pages/2_Experiments.py", **{"with": "tiny"})
    layers = next(g for g in test.get("button_group") if g.label == "Layers")
    assert list(layers.options) == ["block1", "block2", "fc1", "fc2"]
    assert list(layers.value) == ["block1", "block2"]
    assert "8 cells" not in words(test)
    assert "4 cells" in words(test)


def test_a_preset_fills_in_the_form_with_what_can_be_run_now():
    test = opened("pages/2_Experiments.py")
    test.selectbox(key="preset").set_value("report-mini-mit").run()
    assert not test.exception
    assert (
        "This preset also uses fc1 and fc2, whose weights are not installed. Available now: block5."
        in words(test)
    )
    assert "8 cells · all images, 4 passes each" in words(test)
    test.multiselect(key="experiment-scales").set_value([224]).run()
    assert "2 cells · all images, one pass each" in words(test)


def test_the_cost_is_shown_before_the_start(tmp_path):
    add_textures(write_textures(tmp_path / "images"))
    test = opened("pages/2_Experiments.py", on="textures")
    assert "12 at 224 px (12 images in total) · time unknown" in words(test)
    assert "on this machine" not in words(test)
    network = find_network(DEFAULT_NETWORK)
    passes = [NetworkPass("block5", 224, 100, 1000.0)]
    keep_rates(network, resolve_precision("auto"), passes)
    st.cache_data.clear()
    assert words(test.run()).count("about 2 min on this machine") == 2  # also without any runs


def test_a_disk_without_room_is_warned_of(tmp_path, monkeypatch):
    add_textures(write_textures(tmp_path / "images"))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(total=1, used=0, free=1))
    test = opened("pages/2_Experiments.py", on="textures")
    assert "Free disk space" in words(test)


def test_home_continues_with_the_last_finished_run_and_the_last_data_set(write_class_folders):
    first = [button.label for button in opened("app.py").main.button]
    assert "Start with the demo" in first
    report = check_health(library.save(read_dataset("colours", write_class_folders())))
    run = made_run()
    test = opened("app.py")
    assert not test.exception
    assert not test.error
    addresses = {link.proto.query_string for link in test.main.get("page_link")}
    assert {f"run={run.id}", "dataset=colours"} <= addresses
    best = max(result.metrics.accuracy for result in run.cells())
    assert f"accuracy {best:.3f} (95 % CI " in words(test)
    assert "6 images, 2 classes" in words(test)
    assert report.findings
    assert f"Health check: {len(report.findings)} finding" in words(test)
    assert "New experiment" in [button.label for button in test.main.button]
