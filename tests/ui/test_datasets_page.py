"""The Data sets page in a real browser: filters, one image, the health report, exclusions."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from medrecog_core.datasets import library, read_dataset
from medrecog_core.jobs.job import last_job
from medrecog_core.jobs.kinds import CHECK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

MINUTE = 60_000


@pytest.fixture
def page(browser, server, monkeypatch):
    monkeypatch.setenv("MEDRECOG_CACHE", str(server.cache))
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    opened = context.new_page()
    opened.set_default_timeout(MINUTE)
    yield opened
    assert opened.get_by_test_id("stException").count() == 0
    context.close()


@pytest.fixture(scope="module")
def with_leak(server, tmp_path_factory):
    """A data set with one file in both its splits, known to the server."""
    root = tmp_path_factory.mktemp("leaking")
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for label in ("left", "right"):
            (root / split / label).mkdir(parents=True)
            for i in range(6):
                coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8))
                picture = coarse.resize((130, 130), Image.Resampling.BICUBIC)
                picture.save(root / split / label / f"{split}-{label}-{i}.png")
    shutil.copy(root / "train/left/train-left-0.png", root / "test/left/copy.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDRECOG_CACHE", str(server.cache))
        library.save(read_dataset("leaking", root))
    return "leaking"


def caption(page, words):
    """The buttons below pictures, which open them as the pictures themselves do."""
    return page.get_by_test_id("stButton").get_by_text(words)


def test_the_demo_is_filtered_opened_and_checked(page, server):
    page.goto(f"{server.address}/Datasets?dataset=demo&class=reticular")
    page.get_by_alt_text(re.compile("reticular-lesion")).first.wait_for(timeout=4 * MINUTE)
    page.get_by_role("textbox", name="Group").fill("lesion07")
    page.get_by_role("textbox", name="Group").press("Enter")
    page.get_by_text("2 images. Click an image").wait_for()
    page.wait_for_url(re.compile("group=lesion07"))

    # One image in full, with the other view of its lesion; the address shows it to others.
    page.get_by_alt_text("reticular-lesion07").first.click()
    page.get_by_text("Same patient or lesion: reticular-lesion07").wait_for()
    page.wait_for_url(re.compile("image=reticular%2Freticular-lesion07-view1.png"))
    opened = page.context.browser.new_context().new_page()
    opened.goto(page.url)
    opened.get_by_role("heading", name="reticular-lesion07-view1.png").wait_for(timeout=MINUTE)
    opened.context.close()
    page.get_by_role("button", name="Back to images").click()
    page.get_by_text("2 images. Click an image").wait_for()
    page.wait_for_url(lambda address: "image=" not in address)
    page.locator("[data-test-script-state=notRunning]").wait_for()

    # The report, computed by a process that is not the server's.
    page.get_by_role("tab", name="Health").click()
    page.get_by_role("button", name="Check this data set").click()
    page.get_by_text("Checked 240 images").wait_for(timeout=2 * MINUTE)
    page.get_by_text("No problems found.").wait_for()
    assert "/sklearn/" not in server.loaded_libraries()


def test_a_finding_is_shown_excluded_and_taken_back(page, server, with_leak):
    page.goto(f"{server.address}/Datasets?dataset={with_leak}&view=Health")
    page.get_by_text("Not checked yet").wait_for()
    page.get_by_role("button", name="Check this data set").click()
    page.get_by_text("1 file in more than one split").wait_for(timeout=2 * MINUTE)

    exclude = page.locator(".st-key-exclude-duplicates-across-splits button")
    exclude.click()
    page.get_by_role("heading", name="Excluded images").wait_for()
    page.get_by_text("Checked 24 images").wait_for(timeout=2 * MINUTE)
    exclude.wait_for(state="detached")
    assert library.load(with_leak).excluded[0].image.path == "train/left/train-left-0.png"

    # The excluded image is still to be seen.
    page.get_by_role("button", name="Show excluded images").click()
    caption(page, "left · excluded").first.wait_for()
    page.wait_for_url(re.compile("finding=excluded"))

    page.get_by_role("tab", name="Health").click()
    page.get_by_role("button", name="Restore").click()
    page.get_by_text("Checked 25 images").wait_for(timeout=2 * MINUTE)
    page.get_by_text("1 file in more than one split").wait_for()
    assert library.load(with_leak).excluded == ()
    assert last_job(CHECK, with_leak).state().error == ""


def test_a_single_image_is_excluded_and_restored(page, server, with_leak):
    page.goto(f"{server.address}/Datasets?dataset={with_leak}&image=test/right/test-right-1.png")
    page.get_by_role("button", name="Exclude image from runs").click()
    page.get_by_text("Excluded manually.").wait_for()
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("button", name="Exclude image from runs").wait_for()
    assert library.load(with_leak).excluded == ()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_health_report_and_an_image_fit_the_screen(browser, server, with_leak, width):
    context = browser.new_context(viewport={"width": width, "height": 900})
    opened = context.new_page()
    for what, sign in (("view=Health", "Check"), ("image=test/left/copy.png", "Exclude image")):
        opened.goto(f"{server.address}/Datasets?dataset={with_leak}&{what}")
        opened.get_by_role("button", name=re.compile(sign)).first.wait_for(timeout=MINUTE)
        overflow = opened.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, what
    context.close()
