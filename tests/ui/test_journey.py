"""The main job in a real browser: demo, experiment, heat map, model, prediction."""

import re
from pathlib import Path

import pytest

from medrecog_core.runs import RunSpecification, launch
from tests.ui.settling import settle, upload

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

MINUTE = 60_000


@pytest.fixture(scope="module")
def page(browser, server):
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(MINUTE)
    yield opened
    opened.close()


def wait_for_model_name(page, name):
    """Wait for the tab of a cell: that of the cell before stands there until the page has come."""
    box = page.get_by_role("textbox", name="Model name")
    while box.count() != 1 or box.first.input_value() != name:
        page.wait_for_timeout(100)  # at most as long as the test may take


def test_home_page_loads_no_network_and_shows_the_system(page, server):
    page.goto(server.address)
    page.get_by_role("heading", name="medrecog").wait_for()
    page.get_by_text("System").wait_for()
    page.get_by_text("0 cached feature vectors").wait_for()
    page.get_by_text("For research, not for diagnosis.").wait_for()
    libraries = server.loaded_libraries()
    assert "/tensorflow/" not in libraries
    assert "/sklearn/" not in libraries


def test_from_the_demo_to_a_label(page, server):
    page.goto(server.address)
    page.get_by_role("button", name="Start with the demo").click()
    page.get_by_role("heading", name="Experiments").wait_for()
    page.get_by_text("10 cells").wait_for()
    page.get_by_role("button", name="Start run").click()

    # It progresses, in a process that is not the server's.
    page.get_by_text(re.compile(r"at 224 px: \d+ of 240 images")).first.wait_for(timeout=3 * MINUTE)
    page.get_by_text(re.compile(r"per second, about .* left")).first.wait_for(timeout=MINUTE)
    page.get_by_role("link", name="Open results").wait_for(timeout=4 * MINUTE)
    assert "/tensorflow/" not in server.loaded_libraries()
    page.get_by_role("link", name="Open results").click()

    # The heat map; its cells can be clicked.
    page.get_by_role("heading", name="Results").wait_for()
    assert re.search(r"[?&]run=demo-", page.url)
    page.get_by_text("Best cell.").wait_for()
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.locator("path[aria-roledescription='rect mark']").nth(1).click()
    page.get_by_role("heading", name="block1, 224 pixels, average pooling").wait_for()
    wait_for_model_name(page, "demo-block1-224-average")

    # A square of its confusion matrix shows its images, and so does the address.
    squares = page.get_by_test_id("stVegaLiteChart").nth(1)
    squares.locator("path[aria-roledescription='rect mark']").first.click()
    page.get_by_text(re.compile(r"test images? of globular, correctly classified")).wait_for()
    page.wait_for_url(re.compile(r"[?&]true=globular.*[?&]predicted=globular"))
    page.get_by_alt_text(re.compile(r"globular; score [+-]\d")).first.wait_for()

    # Another cell, made a model.
    chart.locator("path[aria-roledescription='rect mark']").nth(7).click()
    page.get_by_role("heading", name="block4, 224 pixels, average pooling").wait_for()
    wait_for_model_name(page, "demo-block4-224-average")
    page.get_by_role("button", name="Save model").click()
    page.get_by_role("link", name="Classify images with this model").click(timeout=2 * MINUTE)

    # An image, its label and its scores.
    page.get_by_role("heading", name="Predict").wait_for()
    page.get_by_text("on 60 test images").wait_for()
    picture = next(Path(server.cache, "datasets/demo/images/starburst").glob("*.png"))
    upload(page.get_by_test_id("stFileUploaderDropzoneInput").first, picture)
    page.get_by_test_id("stMetricValue").get_by_text("starburst").wait_for(timeout=2 * MINUTE)
    page.get_by_text("Probabilities calibrated on held-out images").wait_for()
    page.get_by_text(
        re.compile("This exact image is in the .* data, labelled starburst")
    ).wait_for()
    page.get_by_alt_text(re.compile("Training image, ")).first.wait_for()

    # Where in it the score comes from.
    page.get_by_alt_text(re.compile("with evidence for starburst")).wait_for()


def test_results_are_exported_as_a_report(page, server):
    page.goto(f"{server.address}/Results")
    page.get_by_role("tab", name="Export").click()
    page.get_by_role("button", name="HTML report").wait_for()
    settle(page)
    with page.expect_download() as taken:
        page.get_by_role("button", name="HTML report").click()
    assert taken.value.suggested_filename.endswith("-report.html")
    assert "<!doctype html>" in Path(taken.value.path()).read_text(encoding="utf-8")


def test_a_run_is_stopped_and_resumed(page, server, monkeypatch):
    monkeypatch.setenv("MEDRECOG_CACHE", str(server.cache))
    # A scale that no other test has put into the store.
    run = launch(RunSpecification(dataset="demo", layers=("block5",), scales=(256,), sample=120))
    page.goto(f"{server.address}/Experiments")
    extracting = page.get_by_text(re.compile(r"at 256 px: [1-9]\d* of 120 images"))
    extracting.first.wait_for(timeout=2 * MINUTE)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Resume").wait_for()
    assert run.state().status == "stopped"
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Stop").wait_for()
    page.get_by_role("link", name="Open results").wait_for(timeout=4 * MINUTE)
    assert dict(run.state().network_images) == {256: 120}


def test_an_upload_that_is_no_image_gets_one_sentence(page, server, tmp_path):
    page.goto(f"{server.address}/Predict")
    text = tmp_path / "letter.jpg"
    text.write_text("Dear doctor")
    page.get_by_text("Classes:").wait_for()
    upload(page.get_by_test_id("stFileUploaderDropzoneInput").first, text)
    page.get_by_text("letter.jpg could not be classified: the content is not an image").wait_for()
    assert "Traceback" not in page.content()


def test_images_of_the_demo_can_be_looked_at_by_class(page, server):
    page.goto(f"{server.address}/Datasets?dataset=demo&class=reticular")
    page.get_by_alt_text(re.compile("reticular-lesion")).first.wait_for()
    assert page.get_by_alt_text(re.compile("globular-lesion")).count() == 0


def test_a_folder_without_classes_gets_one_sentence(page, server, tmp_path):
    page.goto(f"{server.address}/Datasets")
    page.get_by_role("button", name="Add a data set").click()
    page.get_by_role("textbox", name="Image folder or archive").fill(str(tmp_path))
    page.get_by_role("textbox", name="Image folder or archive").press("Enter")
    page.get_by_text("has no class folders with images").wait_for()


def test_a_data_set_is_added_from_a_folder(page, server, write_class_folders):
    page.goto(f"{server.address}/Datasets")
    page.get_by_role("button", name="Add a data set").click()
    page.get_by_role("textbox", name="Image folder or archive").fill(str(write_class_folders()))
    page.get_by_role("textbox", name="Image folder or archive").press("Enter")
    page.get_by_role("textbox", name="Name").fill("two-colours")
    page.get_by_role("textbox", name="Name").press("Enter")
    page.get_by_role("button", name="Add this data set").click()
    page.get_by_role("dialog").wait_for(state="detached")
    page.wait_for_url(re.compile("dataset=two-colours"))
    page.get_by_role("tab", name="Images").click()
    page.get_by_alt_text("red").first.wait_for()
    page.wait_for_url(re.compile("view=Images"))

    # In a new browser the address shows the same, and its links are about the same data set.
    opened = page.context.browser.new_context().new_page()
    opened.goto(page.url)
    opened.get_by_alt_text("red").first.wait_for(timeout=MINUTE)
    opened.get_by_role("link", name="New experiment with this data set").click()
    opened.get_by_role("heading", name="Experiments").wait_for()
    opened.wait_for_url(re.compile("on=two-colours"))
    opened.context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_shows_an_exception_or_scrolls_sideways(browser, server, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    opened = context.new_page()
    for name in ("", "Datasets", "Experiments", "Results", "Predict"):
        opened.goto(f"{server.address}/{name}")
        opened.get_by_role("heading", level=1).wait_for(timeout=MINUTE)
        opened.get_by_text("For research, not for diagnosis.").first.wait_for(
            state="attached", timeout=MINUTE
        )
        assert opened.get_by_test_id("stException").count() == 0
        overflow = opened.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, name
    context.close()
