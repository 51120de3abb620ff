"""How soon pages are painted and clicks are answered, and what the server has in memory.

    python benchmarks/pages.py [--rounds N]
    python benchmarks/pages.py --clicks [--rounds N] [--runs N] [--images N]

Needs the development requirements and a chromium. Prints one JSON document: seconds from the
server's first answer to the painted heading, for a browser's first visit and for a second one, and
the server's resident memory afterwards. With `--clicks` instead: the median and the largest number
of seconds from a click to the end of the page's program, among many runs (copies of a run of the
demo) and beside a data set of many images.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Locator, Page, sync_playwright

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

from benchmarks.datasets import draw
from medrecog_core.datasets import add_dataset
from medrecog_core.runs import RunSpecification, create_run, execute
from medrecog_core.settings import CACHE_VARIABLE

LARGE = "large"
PAGES = ("Home", "Data sets", "Experiments", "Results", "Predict", "Models", "Networks")
_IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"


def start_server(cache: str, **settings: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start the dashboard with settings and return it with its address, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"],
        cwd=PROJECT,
        env={**os.environ, "MEDRECOG_CACHE": cache, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    while True:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            return server, address
        except OSError:
            time.sleep(0.02)


def paint(browser: Browser, address: str) -> float:
    """Seconds until the heading of the home page is visible in a browser without a cache."""
    context = browser.new_context()
    page = context.new_page()
    start = time.perf_counter()
    page.goto(address)
    page.get_by_role("heading", name="medrecog").wait_for()
    seconds = time.perf_counter() - start
    page.get_by_text("System").wait_for()
    context.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clicks", action="store_true")
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--images", type=int, default=10_000)
    arguments = parser.parse_args()
    if arguments.clicks:
        print(
            json.dumps(measure_clicks(arguments.rounds, arguments.runs, arguments.images), indent=1)
        )
        return
    first, second, memory = [], [], []
    loaded: list[str] = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as cache:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        paint_nothing(browser)
        for _ in range(arguments.rounds):
            server, address = start_server(cache)
            first.append(paint(browser, address))
            second.append(paint(browser, address))
            process = psutil.Process(server.pid)
            memory.append(process.memory_info().rss / 2**20)
            files = " ".join(entry.path for entry in process.memory_maps())
            loaded = [name for name in ("tensorflow", "sklearn") if f"/{name}/" in files]
            server.terminate()
            server.wait()
        browser.close()
    document: dict[str, Any] = {
        "first_paint_seconds": {
            "median": statistics.median(first),
            "largest": max(first),
        },
        "second_visit_seconds": statistics.median(second),
        "server_memory_mb": statistics.median(memory),
        "heavy_libraries_in_memory": loaded,
    }
    print(json.dumps(document, indent=1))


def measure_clicks(n_rounds: int, n_runs: int, n_images: int) -> dict[str, dict[str, float]]:
    seconds: dict[str, list[float]] = {}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        run = fill(Path(folder), n_runs, n_images)
        server, address = start_server(os.environ[CACHE_VARIABLE])
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(120_000)
            for i in range(n_rounds + 1):
                found = click_through(page, address, run)
                for what, took in found.items() if i else ():  # the first round fills caches
                    seconds.setdefault(what, []).append(took)
        finally:
            browser.close()
            server.terminate()
            server.wait()
    return {
        what: {"median": statistics.median(took), "largest": max(took)}
        for what, took in seconds.items()
    }


def fill(folder: Path, n_runs: int, n_images: int) -> str:
    """Make runs and a data set in a cache folder, and return the first run's identifier."""
    os.environ[CACHE_VARIABLE] = str(folder / "cache")
    run = create_run(RunSpecification(dataset="demo"))
    execute(run)
    for i in range(1, n_runs):
        shutil.copytree(run.path, run.path.with_name(f"{run.id[:-4]}{i:04x}"))
    draw(folder / "images", n_images, 64)
    add_dataset(LARGE, [folder / "images"])
    return run.id


def click_through(page: Page, address: str, run: str) -> dict[str, float]:
    """Return seconds from each click to the end of the page's program."""
    found = {}
    page.goto(address)
    page.locator(_IDLE).wait_for()
    for name in PAGES[1:] + PAGES[:1]:
        title = "medrecog" if name == "Home" else name
        link = page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True)
        heading = page.get_by_role("heading", name=title, exact=True, level=1)
        found[f"page {name}"] = answered(page, link, heading)
    page.goto(f"{address}/Results?run={run}")
    page.locator(_IDLE).wait_for()
    cells = page.get_by_test_id("stVegaLiteChart").first.locator(
        "path[aria-roledescription='rect mark']"
    )
    cells.nth(1).wait_for()
    found["cell of the heat map"] = answered(
        page, cells.nth(1), page.get_by_role("heading", name="block1, 224 pixels, average pooling")
    )
    for tab, seen in (
        ("Classes", "with 95 % confidence intervals"),
        ("Map", "The first two principal components"),
        ("Settings", "Trained on"),
    ):
        found[f"tab {tab}"] = answered(
            page, page.get_by_role("tab", name=tab), page.get_by_text(seen).first
        )
    page.goto(f"{address}/Datasets?dataset={LARGE}&view=Images")
    page.locator(_IDLE).wait_for()
    found["next page of the images"] = answered(
        page, page.get_by_test_id("stNumberInputStepUp"), page.locator("img").nth(23)
    )
    return found


def answered(page: Page, button: Locator, seen: Locator) -> float:
    """Click, and return the seconds until something is seen and the page's program has ended."""
    button.scroll_into_view_if_needed()
    start = time.perf_counter()
    button.click()
    seen.wait_for()
    page.locator(_IDLE).wait_for()
    took = time.perf_counter() - start
    page.wait_for_timeout(500)
    return took


def paint_nothing(browser: Browser) -> None:
    """Start the browser's own machinery, which no page should be charged with."""
    page = browser.new_page()
    page.goto("about:blank")
    page.close()


if __name__ == "__main__":
    main()
