"""What every test has: a cache folder of its own; and, made once, runs to copy and a browser."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from medrecog_core.locations import CacheFolder, cache_folder
from medrecog_core.settings import CACHE_VARIABLE
from tests.deep_images import deep_cache, deep_run
from tests.textures import encoded, encoded_cache, finished, finished_cache, known, pictures
from tests.trained_models import model, models_cache

__all__ = [
    "cache",
    "deep_cache",
    "deep_run",
    "encoded",
    "encoded_cache",
    "finished",
    "finished_cache",
    "known",
    "model",
    "models_cache",
    "pictures",
]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

# How long an example takes says what else the machine does.
settings.register_profile("untimed", deadline=None)
# Continuous integration tries the same examples each time: a change is judged by what it changes.
# New ones are found by `make fuzz`.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=2_000)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the browser, whose files take longest, so that no process ends with them alone."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CacheFolder:
    """Keep what a test writes in a cache folder that no other test sees."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr("medrecog_core.access._who", None)  # set by pages of an earlier test
    return cache_folder()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; may be absent on a developer's machine, never under CI=true."""
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium was found, and continuous integration must have one")
        pytest.skip("no chromium was found")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()
