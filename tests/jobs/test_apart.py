"""Functions in a process of their own."""

import os
import sys
import time

import pytest

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.jobs.apart import call_apart


def pid() -> int:
    return os.getpid()


def refuse(kind: str) -> None:
    raise {"usage": UsageError, "other": MedrecogError}[kind]("It cannot be done. Do another.")


def fill() -> None:
    bytearray(2**36)


def wait() -> None:
    time.sleep(600)


@pytest.fixture(autouse=True)
def findable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


def test_a_function_is_called_in_another_process():
    assert call_apart(pid, [], "It", 60) != os.getpid()


@pytest.mark.parametrize(("kind", "error"), [("usage", UsageError), ("other", MedrecogError)])
def test_its_errors_keep_kind_and_message(kind, error):
    with pytest.raises(MedrecogError, match="It cannot be done") as raised:
        call_apart(refuse, [kind], "It", 60)
    assert type(raised.value) is error


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_too_much_memory_is_an_error():
    with pytest.raises(MedrecogError, match="too much memory"):
        call_apart(fill, [], "It", 60)


def test_too_much_time_is_an_error():
    with pytest.raises(MedrecogError, match="within 1 seconds"):
        call_apart(wait, [], "It", 1)
