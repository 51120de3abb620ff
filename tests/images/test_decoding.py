"""Many people who decode images at a time in one server."""

import contextlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from medrecog_core.images import (
    decode_image,
    decode_one_at_a_time,
    decoding,
    decoding_turn,
    reading,
)


@pytest.fixture
def server(monkeypatch):
    """Bound this process as a server is, until the test ends."""
    monkeypatch.setattr(decoding, "_bounded", threading.Event())
    decode_one_at_a_time()


def most_at_once(monkeypatch, n=6):
    """Return how many of several images were decoded at the same time."""
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(buffer, "png")
    decode, lock = reading._decode, threading.Lock()
    now = most = 0
    together = threading.Barrier(2)

    def counted(*arguments):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.2)
        image = decode(*arguments)
        with lock:
            now -= 1
        return image

    monkeypatch.setattr(reading, "_decode", counted)
    with ThreadPoolExecutor(n) as people:
        for done in [people.submit(decode_image, buffer.getvalue()) for _ in range(n)]:
            assert done.result().size == (40, 40)
    return most


def test_a_server_decodes_one_image_at_a_time(server, monkeypatch):
    assert most_at_once(monkeypatch) == 1


def test_a_job_decodes_several(monkeypatch):
    monkeypatch.setattr(decoding, "_bounded", threading.Event())
    assert most_at_once(monkeypatch) > 1


def test_a_turn_can_be_taken_twice_and_ends_with_an_error(server):
    with pytest.raises(ZeroDivisionError), decoding_turn(), decoding_turn():
        raise ZeroDivisionError
    with ThreadPoolExecutor(1) as other, other.submit(decoding_turn).result():
        pass
