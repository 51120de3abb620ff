"""The hosts that the dashboard answers to, by itself and as the documentation sets it up."""

import re
import socket

import pytest

from tests.ui.conftest import PROJECT, Server

RECIPE = (PROJECT / "docs/sharing.md").read_text(encoding="utf-8")


def handshake(server, host, path=""):
    """Return the status of opening a WebSocket as a page of that host does it."""
    request = (
        f"GET {path}/_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: streamlit\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request.encode())
        answer = connection.recv(100).decode(errors="replace")
    return int(answer.split()[1])


def test_a_page_of_a_foreign_host_gets_no_websocket(server):
    for host in ("localhost", "127.0.0.1", "[::1]"):
        assert handshake(server, f"{host}:{server.port}") == 101
    assert handshake(server, "shown.streamlit.app") == 101
    for host in ("evil.example", "localhost.evil.example", "streamlit.app.evil.example"):
        assert handshake(server, f"{host}:{server.port}") == 403


@pytest.fixture
def documented_server(tmp_path):
    (command,) = re.findall(r"^ExecStart=(?:.*\\\n)*.*$", RECIPE, re.MULTILINE)
    started = Server(
        tmp_path / "cache",
        options=re.findall(r"--\S+", command),
        path="/medrecog",
    )
    yield started
    started.stop()


def test_the_documented_server_answers_to_its_own_host(documented_server):
    (host,) = re.findall(r"for `(\S+)`, with a password", RECIPE)
    assert handshake(documented_server, host, "/medrecog") == 101
    assert handshake(documented_server, "evil.example", "/medrecog") == 403
