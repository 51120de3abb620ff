"""The address names what is shown, and Back goes through what was opened."""

import pytest

from medrecog_core.locations import CACHE_VARIABLE
from tests.made_runs import made_run


@pytest.fixture
def runs(server, monkeypatch):
    """Two runs of the server; the newest is the first of the list."""
    monkeypatch.setenv(CACHE_VARIABLE, str(server.cache))
    return made_run(seed=0), made_run(seed=1)


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_the_address_names_the_run_and_the_cell_and_back_goes_through_them(browser, server, runs):
    from playwright.sync_api import expect

    newest, other = sorted(runs, key=lambda run: run.state().created, reverse=True)
    other.rename("Other")
    # High enough that nothing scrolls while charts are drawn, which would close an open list.
    page = browser.new_page(viewport={"width": 1280, "height": 4000})
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    cell = other.cells()[0].cell

    def at(run, cell_name=""):
        expect(page).to_have_url(f"{server.address}/Results?run={run.id}{cell_name}")
        # The address changes before the page does, and a list that is open then closes.
        expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()

    def choose(label, name):
        page.get_by_role("combobox", name=label, exact=True).fill(name)
        page.keyboard.press("Enter")

    heading = page.get_by_text(f"{cell.layer}, {cell.scale} pixels", exact=False)
    page.goto(f"{server.address}/_stcore/health")
    page.goto(f"{server.address}/Results")
    at(newest)
    assert page.evaluate("history.length") == 3  # the blank page, the one before and this one
    choose("Run", "Other")
    at(other)
    choose("Cell", cell.name)
    at(other, f"&cell={cell.name}")
    expect(heading).to_be_visible()
    page.go_back()
    at(other)
    expect(page.get_by_text("Best cell.")).to_be_visible()
    page.go_forward()
    at(other, f"&cell={cell.name}")
    expect(heading).to_be_visible()
    for _ in range(3):
        page.go_back()
    expect(page).to_have_url(f"{server.address}/_stcore/health")
    page.close()
