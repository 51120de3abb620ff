"""Every page in light and dark, looked at by axe-core: no serious or critical violation."""

import shutil

import pytest

from medrecog_core.datasets import check_health, library
from medrecog_core.models import train_model
from medrecog_core.runs import find_run
from tests.textures import cache_at

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MODEL = "textures-model"
STREAMLITS_OWN = {
    # The text of a selected pill or segment is in the primary colour on a tenth of that colour,
    # and the text of a primary button is white on it: no colour has 4.5:1 in both where the
    # background is dark. Buttons and tags have it; the text of these has 4.2:1.
    ("color-contrast", "[data-testid=stButtonGroup] button[data-selected=true] *"),
    # Vega names the group of a chart's layer that draws nothing; the chart has its own text.
    ("svg-img-alt", "[role=graphics-symbol]:empty"),
}
"""Rules, and the elements that break them in a way that no page and no theme can mend."""


@pytest.fixture(scope="module")
def addresses(server, finished_cache):
    """Every page of a server with a run and a model."""
    cache, run_id = finished_cache
    shutil.copytree(cache, server.cache, dirs_exist_ok=True)
    with cache_at(server.cache):
        check_health(library.load("textures"))
        run = find_run(run_id)
        train_model(run, run.cells()[0].cell, MODEL)
    return [
        "",
        "Datasets",
        "Datasets?dataset=textures",
        "Datasets?dataset=textures&view=Images",
        "Datasets?dataset=textures&view=Health",
        "Datasets?dataset=textures&view=Splits",
        "Experiments?on=textures",
        f"Results?run={run_id}",
        f"Results?run={run_id}&tab=Curves+and+calibration",
        f"Results?run={run_id}&tab=Export",
        f"Predict?model={MODEL}",
        f"Models?card={MODEL}",
        "Networks?network=vgg19",
        "Methods",
        "Methods?lesson=Convolution",
        "Methods?lesson=Input+size",
        "Methods?lesson=Pooling",
        "Methods?lesson=One-vs-rest",
        "Methods?lesson=Cross-validation&cv-groups=false",
    ]


def violations(page):
    """Rule, contrast or other reason, and element of what is serious and not Streamlit's own."""
    from axe_playwright_python.sync_playwright import Axe

    found = []
    for rule in Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]:
        if rule["impact"] not in ("serious", "critical"):
            continue
        own = [selector for id_, selector in STREAMLITS_OWN if id_ == rule["id"]]
        for node in rule["nodes"]:
            target = node["target"][-1]
            # In a shadow root it is the path to it, whose last part Playwright finds too.
            element = page.locator(target if isinstance(target, str) else target[-1]).first
            if not any(element.evaluate("(it, own) => it.matches(own)", each) for each in own):
                found.append((rule["id"], node["failureSummary"], node["html"]))
    return found


def test_no_page_has_a_serious_violation_in_light_or_dark(browser, server, addresses):
    from playwright.sync_api import expect

    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for address in addresses:
            page.goto(f"{server.address}/{address}")
            expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60_000)
            expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible(
                timeout=60_000
            )
            if broken := violations(page):
                found[scheme, address] = broken
    page.close()
    assert not found
