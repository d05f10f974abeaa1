"""Answers with bytes of another object, or with a part, as caches give them."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from radops.backends.location import RemoteOptions
from radops.backends.s3.backend import S3Backend
from radops.errors import RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 4 << 20
OLD, NEW = b"a" * SIZE, b"b" * SIZE


class Handler(BaseHTTPRequestHandler):
    """Ignores `If-Match`, as caches and some stores do."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.endswith("/part"):
            self._answer(206, OLD[:10], '"old"', f"bytes 0-9/{SIZE}")
        elif "Range" not in self.headers:
            # Cut after its first half; it is replaced before the rest is asked for.
            self._answer(200, OLD, '"old"', None, sent=SIZE // 2)
            self.close_connection = True
        else:
            start = int(self.headers["Range"].removeprefix("bytes=").partition("-")[0])
            tag = {"changed": '"new"', "kept": '"old"', "untagged": None}[
                self.path.rpartition("/")[2]
            ]
            content = f"bytes {start}-{SIZE - 1}/{SIZE}"
            self._answer(206, (OLD if tag == '"old"' else NEW)[start:], tag, content)

    def _answer(
        self, status: int, body: bytes, tag: str | None, content: str | None, sent: int = SIZE
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if tag is not None:
            self.send_header("ETag", tag)
        if content is not None:
            self.send_header("Content-Range", content)
        self.end_headers()
        self.wfile.write(body[:sent])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def backend(s3_environment: None) -> Iterator[S3Backend]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        yield S3Backend("bucket", options=RemoteOptions(endpoint_url=url, region="us-east-1"))
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("key", ["changed", "untagged"])
def test_a_store_that_ignores_conditions_does_not_mix_two_objects(
    backend: S3Backend, key: str
) -> None:
    with backend.open(key) as reader, pytest.raises(RemoteUnavailableError, match="changed"):
        reader.read()


def test_a_store_that_ignores_conditions_is_read_to_the_end(backend: S3Backend) -> None:
    with backend.open("kept") as reader:
        assert reader.read() == OLD


def test_a_part_is_not_taken_for_the_whole(backend: S3Backend) -> None:
    with pytest.raises(RemoteUnavailableError, match="a part instead of the whole"):
        backend.open("part")
    with pytest.raises(RemoteUnavailableError, match="a part instead of the whole"):
        backend.read(["part"], SIZE)
