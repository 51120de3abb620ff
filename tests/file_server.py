"""A web server on this machine with one file, which fails as servers fail."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True)
class Answer:
    """How one request is answered; by default well.

    Attributes
    ----------
    status
        An error to answer with.
    cut_after
        Bytes after which the connection is closed.
    knows_range
        Whether part of the file is sent where it is asked for.
    says_length
        Whether the length is said beforehand.
    starts_late
        Bytes by which a part begins later than was asked for.
    content
        Another file than the server's own.
    """

    status: int = 200
    cut_after: int | None = None
    knows_range: bool = True
    says_length: bool = True
    starts_late: int = 0
    content: bytes | None = None


class FileServer:
    """Serves a file, first by the given answers, then well, and notes what it was asked."""

    def __init__(self, content: bytes, *answers: Answer, etag: str = '"first"') -> None:
        self.content, self.answers, self.etag = content, list(answers), etag
        self.otherwise = Answer()
        self.requests: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.sent: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.requests.append(dict(self.headers))
                served.paths.append(self.path)
                served.sent.append(0)
                answer = served.answers.pop(0) if served.answers else served.otherwise
                if answer.status != 200:
                    self.send_error(answer.status)
                    return
                self._send(answer)

            def _send(self, answer: Answer) -> None:
                content = served.content if answer.content is None else answer.content
                asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
                unchanged = self.headers.get("If-Range", served.etag) == served.etag
                start = 0
                if asked and answer.knows_range and unchanged:
                    start = int(asked[1]) + answer.starts_late
                    if start >= len(content):
                        self.send_response(416)
                        self.send_header("Content-Range", f"bytes */{len(content)}")
                        self.send_header("Content-Length", "0")
                        self.end_headers()
                        return
                    self.send_response(206)
                    span = f"{start}-{len(content) - 1}/{len(content)}"
                    self.send_header("Content-Range", f"bytes {span}")
                else:
                    self.send_response(200)
                if served.etag:
                    self.send_header("ETag", served.etag)
                if answer.says_length:
                    self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                end = len(content) if answer.cut_after is None else start + answer.cut_after
                served.sent[-1] = len(content[start:end])
                self.wfile.write(content[start:end])
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def serving(content: bytes, *answers: Answer, etag: str = '"first"') -> Iterator[FileServer]:
    """Serve a file while the block lasts."""
    server = FileServer(content, *answers, etag=etag)
    try:
        yield server
    finally:
        server.stop()
