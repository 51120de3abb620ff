"""A proxy that adds headers to every answer, as the recipes for nginx and Caddy do."""

import socket
import socketserver
import threading


class Proxy(socketserver.ThreadingTCPServer):
    """Passes connections to a server on this machine."""

    daemon_threads = allow_reuse_address = True

    def __init__(self, port, headers):
        self.behind, self.added = port, headers.encode()
        super().__init__(("127.0.0.1", 0), _Connection)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A browser that closes a page breaks its connections."""


class _Connection(socketserver.StreamRequestHandler):
    def handle(self):
        with socket.create_connection(("127.0.0.1", self.server.behind)) as behind:
            head = _head(self.rfile)
            if b"upgrade: websocket" not in head.lower():
                # One request a connection, so that one head is all there is to change.
                lines = head.split(b"\r\n")
                kept = [line for line in lines if not line.lower().startswith(b"connection:")]
                head = b"\r\n".join([kept[0], b"Connection: close", *kept[1:]])
            behind.sendall(head)
            up = threading.Thread(target=_pass_on, args=(self.rfile, behind), daemon=True)
            up.start()
            answer = behind.makefile("rb")
            first, rest = _head(answer).split(b"\r\n", 1)
            self.wfile.write(first + b"\r\n" + self.server.added + b"\r\n" + rest)
            while data := answer.read1(2**16):
                self.wfile.write(data)


def _head(file):
    head = b""
    while (line := file.readline()) not in (b"\r\n", b""):
        head += line
    return head + b"\r\n"


def _pass_on(file, to):
    try:
        while data := file.read1(2**16):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except (OSError, ValueError):  # one of the two ends is closed
        pass
