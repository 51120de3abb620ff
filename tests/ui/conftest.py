import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Server:
    """The dashboard as a user starts it, on a free port and with a cache folder of its own."""

    def __init__(
        self,
        cache: Path,
        script: str = "app.py",
        options: Sequence[str] = (),
        path: str = "",
        port: int = 0,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.cache = cache
        self.port = port or free_port()
        self.address = f"http://127.0.0.1:{self.port}{path}"
        command = [sys.executable, "-m", "streamlit", "run", script]
        self.process = subprocess.Popen(
            [*command, f"--server.port={self.port}", *options],
            cwd=PROJECT,
            env={**os.environ, **(settings or {}), "MEDRECOG_CACHE": str(cache)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not self._is_up():
            assert time.monotonic() < deadline, "the server did not start"
            assert self.process.poll() is None, "the server ended"
            time.sleep(0.1)

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def loaded_libraries(self) -> str:
        """Names of the files the server has in memory (Linux)."""
        return Path(f"/proc/{self.process.pid}/maps").read_text()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("served") / "cache")
    yield started
    started.stop()


@pytest.fixture
def write_class_folders(tmp_path):
    """Write two class folders of three one-colour pictures each and return their parent."""
    from PIL import Image

    def write() -> Path:
        for name in ("red", "blue"):
            (tmp_path / "images" / name).mkdir(parents=True)
            for i in range(3):
                Image.new("RGB", (40 + i, 40), name).save(tmp_path / f"images/{name}/{i}.png")
        return tmp_path / "images"

    return write
