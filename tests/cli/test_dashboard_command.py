"""What the dashboard is started with."""

import runpy
import sys

import pytest

from medrecog_core.locations import CacheFolder, dashboard_script
from tests.cli.conftest import Call


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        ((), []),
        (("--port", "9000"), ["--server.port=9000"]),
        (
            ("--port", "9000", "--server.headless=true", "--server.baseUrlPath", "lab"),
            ["--server.port=9000", "--server.headless=true", "--server.baseUrlPath", "lab"],
        ),
    ],
)
def test_streamlit_gets_the_app_and_its_own_options(
    call: Call,
    cache: CacheFolder,
    monkeypatch: pytest.MonkeyPatch,
    given: tuple[str, ...],
    passed_on: list[str],
) -> None:
    started = []
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(runpy, "run_module", lambda name, **_: started.append((name, sys.argv)))
    answer = call("dashboard", *given)
    assert answer.status == 0
    assert str(cache.root) in answer.out
    assert started == [("streamlit", ["streamlit", "run", str(dashboard_script()), *passed_on])]


def test_a_port_that_there_is_not_is_refused(call: Call) -> None:
    assert call("dashboard", "--port", "0").status == 2
