"""Time and memory of a large data set: import, health report, first page of the gallery.

    python benchmarks/datasets.py [--images N] [--side PIXELS] [--page]

Draws N small JPEG pictures of four classes into a temporary folder, a hundredth of them copies of
others, and measures each step in a process of its own: taking the folder in (list, hash, headers),
the health report, the report again (everything measured before), reading the manifest, and the
first page of thumbnails, drawn and then kept. With --page it also opens the set in a browser (needs
the development requirements and a chromium): on an open Datasets page by choosing it, and by an
address, which loads the dashboard itself anew, what that takes alone beside it. Prints one JSON
document: seconds and peak memory in MB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

NAME = "large"
CLASSES = ("one", "two", "three", "four")
ONE_PAGE = 24


def draw(root: Path, n: int, side: int) -> None:
    """Draw smooth pictures with some noise; every hundredth is a copy of the one before it."""
    for label in CLASSES:
        (root / label).mkdir(parents=True)

    def write(i: int) -> None:
        rng = np.random.default_rng(i - (i % 100 == 99))
        coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8))
        pixels = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), np.int16)
        noisy = np.clip(pixels + rng.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
        file = root / CLASSES[i // 2 % len(CLASSES)] / f"{i:06d}.jpg"
        Image.fromarray(noisy).save(file, quality=85)

    with ThreadPoolExecutor(2) as writers:
        list(writers.map(write, range(n)))


def step_import(root: Path) -> dict[str, Any]:
    from medrecog_core.datasets import library, read_dataset

    dataset = library.save(read_dataset(NAME, root))
    return {"images": len(dataset.images)}


def step_health(root: Path) -> dict[str, Any]:
    from medrecog_core.datasets import check_health, library

    report = check_health(library.load(NAME))
    return {"findings": {f.kind: len(f.images) for f in report.findings}}


def step_manifest(root: Path) -> dict[str, Any]:
    from medrecog_core.datasets import library

    return {"fingerprint": library.load(NAME).fingerprint[:16]}


def step_gallery(root: Path) -> dict[str, Any]:
    from medrecog_core.datasets import library
    from medrecog_core.images import thumbnail

    dataset = library.load(NAME)
    for image in dataset.images[:ONE_PAGE]:
        sha256 = image.file.sha256 if image.file else ""
        thumbnail(dataset.absolute_path(image), sha256=sha256)
    return {"thumbnails": ONE_PAGE}


STEPS = {
    "import": step_import,
    "health": step_health,
    "health again": step_health,
    "manifest": step_manifest,
    "gallery": step_gallery,
    "gallery again": step_gallery,
}


def run_here(step: str, root: Path) -> dict[str, Any]:
    import medrecog_core.datasets

    assert medrecog_core.datasets  # loaded before the clock starts
    start = time.perf_counter()
    answer = STEPS[step](root)
    return {
        "seconds": time.perf_counter() - start,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        **answer,
    }


def run_apart(step: str, root: Path, cache: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, "--step", step, "--root", str(root)],
        env={**os.environ, "MEDRECOG_CACHE": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def open_page(cache: str) -> dict[str, float]:
    """Seconds until the first picture is there: by address, and chosen on an open page."""
    from playwright.sync_api import sync_playwright

    from pages import start_server

    os.environ["MEDRECOG_CACHE"] = cache
    server, address = start_server(cache)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
            context = browser.new_context()
            page = context.new_page()

            def seconds_until(shown: Locator) -> float:
                start = time.perf_counter()
                page.goto(f"{address}/Datasets?dataset={NAME}&view=Images")
                shown.wait_for(timeout=60_000)
                return time.perf_counter() - start

            picture = page.get_by_alt_text(CLASSES[0]).first
            by_address = [seconds_until(picture) for _ in range(4)]
            heading = [seconds_until(page.get_by_role("heading").first) for _ in range(3)]

            chosen = []
            box = page.get_by_role("combobox", name="Data set")
            for _ in range(4):
                choose(page, box, "demo")
                page.get_by_alt_text("globular").first.wait_for(timeout=60_000)
                choose(page, box, NAME)
                start = time.perf_counter()
                picture.wait_for(timeout=60_000)
                chosen.append(time.perf_counter() - start)
            browser.close()
    finally:
        server.terminate()
        server.wait()
    return {
        "first_visit_seconds": by_address[0],
        "later_visit_seconds": statistics.median(by_address[1:]),
        "of_these_until_the_heading": statistics.median(heading),
        "chosen_on_an_open_page_seconds": statistics.median(chosen),
    }


def choose(page: Page, box: Locator, name: str) -> None:
    """Choose a data set by the keyboard."""
    box.fill(name)
    page.keyboard.press("Enter")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--page", action="store_true", help="open the Datasets page in a browser")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(run_here(arguments.step, arguments.root)))
        return
    with tempfile.TemporaryDirectory() as folder:
        root, cache = Path(folder, "images"), str(Path(folder, "cache"))
        draw(root, arguments.images, arguments.side)
        document: dict[str, Any] = {step: run_apart(step, root, cache) for step in STEPS}
        if arguments.page:
            document["page"] = open_page(cache)
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
