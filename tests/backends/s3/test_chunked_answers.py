"""A server whose answers do not say how long they are, as some proxies make them."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Of the 128 MiB that may be in memory each of these takes 3, so less than 16 are left, which an
# answer of unknown length may have.
FILES = 40


class Handler(BaseHTTPRequestHandler):
    """Takes every upload."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("ETag", '"1"')
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Has room for all connections at once."""

    request_queue_size = FILES


@pytest.fixture
def url() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


# A process of its own, as a call that never ends can be ended with it only.
PROGRAM = f"""
import sys
from radops import native

url, path = sys.argv[1:]
found = native.hash_file(path)
client = native.S3Client(
    endpoint=url, bucket="b", region="r", addressing="path",
    credentials=lambda: ("a", "s", None, None), timeouts=(5, 20, 20, 20), max_connections=64,
)
files = [
    (f"k{{n}}", path, found.size, found.digest, found.outline, 1 << 23) for n in range({FILES})
]
assert client.send_files(files, streams={FILES}) == [None] * {FILES}
"""


def test_uploads_do_not_wait_for_each_others_memory(url: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes((1 << 20) + 1))
    subprocess.run([sys.executable, "-c", PROGRAM, url, path], check=True, timeout=200)
