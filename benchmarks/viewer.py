"""What a read-only view costs: how soon it is painted, and the most memory that its server took.

    python benchmarks/viewer.py [--cache FOLDER]

Needs the development requirements and a chromium, and Linux. Opens Home, Results with a cell and
its curves, and Datasets in a browser, one after the other. FOLDER is a cache folder with a finished
run and is not written to; without it, a run of the demo is made first in a folder of its own, which
takes a minute. Prints one JSON document: seconds until each page is painted, the server's greatest
memory (resident, in MB of 10^6 bytes) after each, and the heavy libraries that it has in memory.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from pages import start_server

PROJECT = Path(__file__).parents[1]
HEAVY = ("tensorflow", "sklearn", "scipy", "statsmodels", "pandas", "pyarrow", "h5py")
MOST_MILLISECONDS = 120_000


def make_run(cache: Path) -> None:
    """Run the demo, which makes a data set and ten cells."""
    subprocess.run(
        [sys.executable, "-m", "medrecog_core", "run", "--dataset", "demo"],
        cwd=PROJECT,
        env={**os.environ, "MEDRECOG_CACHE": str(cache)},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def finished_run(cache: Path) -> tuple[str, str]:
    """Identity and data set of the newest finished run with a data set that is there."""
    for state in sorted(cache.glob("runs/*/state.json"), key=os.path.getmtime, reverse=True):
        dataset = json.loads((state.parent / "specification.json").read_text())["dataset"]
        is_finished = json.loads(state.read_text())["status"] == "finished"
        if is_finished and (cache / "datasets" / dataset).is_dir():
            return state.parent.name, dataset
    raise SystemExit(f"{cache} has no finished run of a data set that is there.")


def peak(pid: int) -> float:
    """Return the most memory that a process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def loaded(pid: int) -> list[str]:
    files = Path(f"/proc/{pid}/maps").read_text()
    return [name for name in HEAVY if f"/{name}/" in files]


def painted(page: Page, address: str, *words: str) -> float:
    start = time.perf_counter()
    page.goto(address)
    for word in words:
        page.get_by_text(word).first.wait_for(timeout=MOST_MILLISECONDS)
    return time.perf_counter() - start


def measure(cache: Path) -> dict[str, Any]:
    run, dataset = finished_run(cache)
    sights = {
        "home": ("", "This is a read-only view", "Available"),
        "results": (f"Results?run={run}", "Confusion matrix", "average precision", "Mistakes"),
        "datasets": (f"Datasets?dataset={dataset}&view=Images", "Click an image"),
    }
    pages: dict[str, Any] = {}
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto("about:blank")
        start = time.perf_counter()
        server, address = start_server(str(cache), MEDRECOG_MODE="viewer")
        seconds = time.perf_counter() - start
        try:
            for name, (path, *words) in sights.items():
                pages[name] = {
                    "seconds": round(painted(page, f"{address}/{path}", *words), 2),
                    "peak_memory_mb": round(peak(server.pid)),
                    "libraries_in_memory": loaded(server.pid),
                }
        finally:
            server.terminate()
            server.wait()
            browser.close()
    return {"run": run, "seconds_until_the_server_answers": round(seconds, 2), **pages}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, help="A cache folder with a finished run.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        if arguments.cache is None:
            make_run(cache)
        print(json.dumps(measure(cache.resolve()), indent=1))


if __name__ == "__main__":
    main()
