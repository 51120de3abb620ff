"""How soon the home page is painted after the server is up, and what the server has in memory.

    python benchmarks/pages.py [--rounds N]

Needs the development requirements and a chromium. Prints one JSON document: seconds from the
server's first answer to the painted heading, for a browser's first visit and for a second one, and
the server's resident memory afterwards.
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
from playwright.sync_api import Browser, sync_playwright

PROJECT = Path(__file__).parents[1]


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
    arguments = parser.parse_args()
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


def paint_nothing(browser: Browser) -> None:
    """Start the browser's own machinery, which no page should be charged with."""
    page = browser.new_page()
    page.goto("about:blank")
    page.close()


if __name__ == "__main__":
    main()
