"""Take the pictures of the pages that the README shows, of the demo set.

    python scripts/screenshots.py [--to docs] [--every]

Needs the development requirements and a chromium. Makes a run and a model of the demo in a cache
folder of its own, which takes a minute or two, and opens every page in a browser. With --every each
page and tab is taken at 1280 and 390 pixels, light and dark, for a look at all of them.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.pages import start_server
from medrecog_core.datasets import check_health, library
from medrecog_core.features import Cell
from medrecog_core.models import train_model
from medrecog_core.runs import RunSpecification, create_run, execute
from medrecog_core.settings import CACHE_VARIABLE

PROJECT = Path(__file__).parents[1]
MODEL = "demo-block4"
CELL = Cell("block4", 224, "average")
HEIGHTS = {
    "home": 820,
    "datasets": 1060,
    "experiments": 1090,
    "results": 1250,
    "predict": 1250,
    "networks": 1000,
    "methods": 960,
}
"""From page to how much of it the README shows, in pixels."""
PHONE = 390


def prepare() -> tuple[dict[str, str], Path]:
    """Make a run and a model.

    Returns
    -------
    addresses
        Of every page, without the server's.
    picture
        One that the model has not learnt from.
    """
    dataset = library.load("demo")
    check_health(dataset)
    run = create_run(
        RunSpecification(
            dataset="demo",
            layers=("block1", "block2", "block3", "block4", "block5"),
            poolings=("max", "average"),
            fuse=("layers",),
        )
    )
    execute(run)
    train_model(run, CELL, MODEL)
    addresses = {
        "home": "",
        "datasets": "Datasets?dataset=demo&view=Images",
        "experiments": "Experiments?on=demo",
        "results": f"Results?run={run.id}&cell={CELL.name}",
        "predict": f"Predict?model={MODEL}&evidence=true",
        "networks": "Networks",
        "methods": "Methods",
    }
    return addresses, Path(run.tested_images()[0].path)


def every_address(addresses: dict[str, str]) -> dict[str, str]:
    """Return the addresses of all pages and tabs by the names of their pictures."""
    results = addresses["results"]
    tabs = {
        "datasets": ("Datasets?dataset=demo&view=", ("Overview", "Images", "Health", "Splits")),
        "results": (
            f"{results}&tab=",
            ("Errors", "Classes", "Curves and calibration", "Map", "Settings", "Export"),
        ),
        "networks": (
            "Networks?network=vgg19&about=",
            ("Layers", "Weights", "Feature maps", "First filters"),
        ),
    }
    every = addresses | {
        "datasets-list": "Datasets",
        "models": "Models",
        "models-card": f"Models?card={MODEL}",
    }
    for page, (address, names) in tabs.items():
        for name in names:
            every[f"{page}-{name.split()[0].lower()}"] = address + quote(name)
    return every


def settle(page: Page) -> None:
    """Wait until the page's program has ended and its plots are drawn."""
    page.get_by_role("heading").first.wait_for()
    page.wait_for_timeout(1500)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    for at_work in ("stStatusWidget", "stSpinner", "stSkeleton"):
        page.wait_for_function(f"!document.querySelector('[data-testid={at_work}]')")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1500)


def take(
    browser: Browser,
    name: str,
    address: str,
    to: Path,
    picture: Path,
    width: int = 1280,
    theme: str = "light",
    whole: bool = False,
) -> None:
    """Take one page at a width, light or dark; Predict with a picture, all of Networks with one."""
    size = {"width": width, "height": HEIGHTS.get(name, 900)}
    context = browser.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(address)
    settle(page)
    if name == "predict":
        page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(picture)
        page.get_by_text("Most similar training images").wait_for()
        settle(page)
    walk = page.get_by_role("button", name="Compute feature maps")
    if whole and walk.count():  # the maps are kept from the first time on
        walk.click()
        settle(page)
    if whole:
        content = "document.querySelector('[data-testid=stMain]').scrollHeight"
        page.set_viewport_size({"width": width, "height": min(int(page.evaluate(content)), 6000)})
        settle(page)
    page.screenshot(path=to)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, default=PROJECT / "docs")
    parser.add_argument("--every", action="store_true", help="each width and theme, whole pages")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    arguments.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as cache:
        os.environ[CACHE_VARIABLE] = cache
        addresses, picture = prepare()
        server, root = start_server(cache)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox"]
                )
                shown = every_address(addresses) if arguments.every else addresses
                for name, path in shown.items():
                    address = f"{root}/{path}"
                    if not arguments.every:
                        to = arguments.to / f"{name}.png"
                        take(browser, name, address, to, picture)
                        continue
                    for width in (1280, PHONE):
                        for theme in ("light", "dark"):
                            to = arguments.to / f"{name}-{width}-{theme}.png"
                            take(browser, name, address, to, picture, width, theme, whole=True)
                browser.close()
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
