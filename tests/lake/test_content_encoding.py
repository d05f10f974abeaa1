"""What a web server packs for the way is unpacked; what cannot be is refused."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import pytest

from radops.errors import (
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
)
from servers.raw_http import Server, answer, refused

if TYPE_CHECKING:
    from radops.data_lake import DataLake


class TestEncodings:
    DATA = b"a,b\n" * 100_000

    @pytest.mark.parametrize(
        ("encoding", "body"),
        [
            ("gzip", gzip.compress(DATA)),
            ("x-gzip", gzip.compress(DATA)),
            ("GZIP", gzip.compress(DATA[:1000]) + gzip.compress(DATA[1000:])),
            ("deflate", zlib.compress(DATA)),
            ("deflate", zlib.compress(DATA)[2:-4]),
            ("identity", DATA),
        ],
    )
    @pytest.mark.parametrize("chunked", [False, True])
    def test_they_are_undone(
        self, lake: DataLake, server: Server, encoding: str, body: bytes, chunked: bool
    ) -> None:
        header = f"Content-Encoding: {encoding}"
        if chunked:
            parts = [body[start : start + 1000] for start in range(0, len(body), 1000)]
            lines = [f"{len(part):x};ext=1\r\n".encode() + part + b"\r\n" for part in parts]
            body = b"".join(lines) + b"0\r\nTrailer: x\r\n\r\n"
            said = answer(body, header, "Transfer-Encoding: chunked", length=False)
        else:
            said = answer(body, header)
        server.answers = [said]
        lake.add(f"{server.url}/x.csv")
        assert lake.file("x.csv").read_bytes() == self.DATA

    def test_a_file_that_is_packed_itself_stays_so(self, lake: DataLake, server: Server) -> None:
        body = gzip.compress(self.DATA)
        server.answers = [answer(body, "Content-Encoding: gzip")]
        lake.add(f"{server.url}/x.csv.gz")
        assert lake.file("x.csv.gz").read_bytes() == body

    @pytest.mark.parametrize(
        ("encoding", "body", "kind", "text"),
        [
            ("br", b"x", RemoteRefusedError, "'br'"),
            ("gzip, gzip", b"x", RemoteRefusedError, "'gzip, gzip'"),
            ("gzip", b"not packed", RemoteRefusedError, "said to be packed"),
            ("gzip", gzip.compress(DATA)[:-9], RemoteUnavailableError, "broke off"),
        ],
    )
    def test_what_cannot_be_undone(
        self,
        lake: DataLake,
        server: Server,
        encoding: str,
        body: bytes,
        kind: type[RadopsError],
        text: str,
    ) -> None:
        server.answers = [answer(body, f"Content-Encoding: {encoding}")]
        refused(lake, f"{server.url}/x.csv", None, kind, text)
