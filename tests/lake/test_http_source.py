"""What a web server may say, and what it may not: addresses, redirects, lengths, limits."""

from __future__ import annotations

import socket
import zlib
from typing import TYPE_CHECKING

import pytest

from radops.errors import (
    LocalStorageError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UsageError,
)
from radops.lake import fetch_url, http_source
from servers.raw_http import Server, answer, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.data_lake import DataLake


class TestAddresses:
    @pytest.mark.parametrize(
        ("path", "sent", "uid"),
        [
            ("/a b.csv", "/a%20b.csv", "a b.csv"),
            ("/a%20b.csv", "/a%20b.csv", "a b.csv"),
            ("/%41%2541.csv", "/%41%2541.csv", "A%41.csv"),
            ("/100%.csv", "/100%25.csv", "100%.csv"),
            ("/día/über.csv", "/d%C3%ADa/%C3%BCber.csv", "über.csv"),
            ("/x.csv?q=a b&token=SECRET#part", "/x.csv?q=a%20b&token=SECRET", "x.csv"),
            ("/seg%231.csv", "/seg%231.csv", "seg#1.csv"),
            ("/a+b&c=d;e.csv", "/a+b&c=d;e.csv", "a+b&c=d;e.csv"),
        ],
    )
    def test_rfc_3986(self, lake: DataLake, server: Server, path: str, sent: str, uid: str) -> None:
        server.answers = [answer(b"x")]
        assert lake.add(server.url + path).uid == uid
        assert server.requests == [f"GET {sent} HTTP/1.1"]

    def test_what_is_no_url(self, lake: DataLake, server: Server) -> None:
        host = server.url.removeprefix("http://")
        for url, text in [
            (f"http://user:SECRET@{host}/x", "user or password"),
            ("http://127.0.0.1:SECRET/x", "port"),
            ("http:///x", "no host"),
        ]:
            refused(lake, url, "x", UsageError, text)
        assert server.requests == []


class TestRedirects:
    def test_they_are_followed(self, lake: DataLake, server: Server) -> None:
        server.answers = [
            answer(b"", "Location: /b%20c?token=SECRET", status="302 Found"),
            answer(b"", "Location: d/é".encode().decode("latin-1"), status="301 Moved"),
            answer(b"content"),
        ]
        lake.add(f"{server.url}/a", "x.txt")
        assert lake.file("x.txt").read_bytes() == b"content"
        assert server.requests[1:] == [
            "GET /b%20c?token=SECRET HTTP/1.1",
            "GET /d/%C3%A9 HTTP/1.1",
        ]

    @pytest.mark.parametrize(
        ("location", "text"),
        [
            ("file:///etc/passwd?SECRET", "redirects from http to file"),
            ("ftp://127.0.0.1/SECRET", "redirects from http to ftp"),
            ("http://[SECRET", "not a URL"),
            ("http://user:SECRET@127.0.0.1/", "cannot be used"),
            ("", "without saying where"),
        ],
    )
    def test_others_are_not(self, lake: DataLake, server: Server, location: str, text: str) -> None:
        server.answers = [answer(b"", f"Location: {location}", status="302 Found")]
        refused(lake, f"{server.url}/a", "x", RemoteRefusedError, text)

    def test_an_endless_chain(self, lake: DataLake, server: Server) -> None:
        server.answers = [answer(b"", "Location: /a?SECRET", status="302 Found")] * 50
        refused(lake, f"{server.url}/a", "x", RemoteRefusedError, "too often")
        assert len(server.requests) == 10

    def test_none_leads_from_https_to_http(
        self, lake: DataLake, tls: Server, server: Server
    ) -> None:
        tls.answers = [
            answer(b"", f"Location: {server.url}/x?SECRET", status="302 Found"),
            answer(b"content"),
        ]
        refused(lake, f"{tls.url}/x", "x", RemoteRefusedError, "from https to http")
        assert server.requests == []
        lake.add(f"{tls.url}/x", "x")
        assert lake.file("x").read_bytes() == b"content"

    def test_a_certificate_that_is_not_trusted(
        self, lake: DataLake, tls: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(RemoteUnavailableError) as raised:
            lake.add(f"{tls.url}/x", "x")
        assert "SSL_CERT_FILE" in (raised.value.hint or "")


class TestAnswers:
    @pytest.mark.parametrize(
        ("status", "kind", "text"),
        [
            ("206 Partial Content", RemoteRefusedError, "a part of the file"),
            ("204 No Content", RemoteRefusedError, "without a file"),
            ("202 Accepted", RemoteRefusedError, "without a file"),
            ("304 Not Modified", RemoteRefusedError, "without a file"),
            ("401 Unauthorized", RemoteRefusedError, "401"),
            ("404 Not Found", RemoteRefusedError, "404"),
            ("429 Too Many Requests", RemoteUnavailableError, "429"),
            ("503 Busy", RemoteUnavailableError, "503"),
        ],
    )
    def test_only_a_whole_file_is_one(
        self, lake: DataLake, server: Server, status: str, kind: type[RadopsError], text: str
    ) -> None:
        server.answers = [answer(b"part", status=status)]
        refused(lake, f"{server.url}/x?SECRET", "x", kind, text)

    @pytest.mark.parametrize(
        "lengths",
        [["abc"], ["-5"], ["1e3"], ["²"], ["9" * 5000], ["4, 5"], ["4", "5"], ["0x4"], [""]],
    )
    def test_malformed_lengths(self, lake: DataLake, server: Server, lengths: list[str]) -> None:
        headers = [f"Content-Length: {length}" for length in lengths]
        server.answers = [answer(b"body", *headers, length=False)]
        refused(lake, f"{server.url}/x", "x", RemoteUnavailableError, "malformed Content-Length")

    def test_one_length_said_twice(self, lake: DataLake, server: Server) -> None:
        server.answers = [answer(b"body", "Content-Length: 4, 4", length=False)]
        assert lake.add(f"{server.url}/x", "x").size == 4

    @pytest.mark.parametrize(
        "body",
        [
            b"zz\r\nbody\r\n0\r\n\r\n",
            b"-5\r\nbody\r\n0\r\n\r\n",
            b"-1\r\nbody\r\n0\r\n\r\n",
            b"4\r\nbo",
            b"4\r\nbody\r\n",
            b"f" * 40 + b"\r\nbody",
            b"",
        ],
    )
    def test_malformed_chunks(self, lake: DataLake, server: Server, body: bytes) -> None:
        server.answers = [answer(body, "Transfer-Encoding: chunked", length=False)]
        refused(lake, f"{server.url}/x", "x", RemoteUnavailableError, "broke off")

    def test_a_body_that_ends_too_early(self, lake: DataLake, server: Server) -> None:
        server.answers = [answer(b"body", "Content-Length: 5", length=False)]
        refused(lake, f"{server.url}/x", "x", RemoteUnavailableError, "broke off")

    def test_no_http(self, lake: DataLake, server: Server) -> None:
        server.answers = [b"SSH-2.0-OpenSSH\r\n\r\n"]
        refused(lake, f"{server.url}/x", "x", RemoteUnavailableError, "cannot be read")


def endless(*lines: bytes) -> Callable[[socket.socket], None]:
    def say(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" if b"HTTP" not in lines[0] else b"")
        while True:
            connection.sendall(b"".join(lines) * 100)

    return say


class TestLimits:
    """Whatever a server does, the command ends, and neither memory nor disk fill up."""

    @pytest.mark.parametrize(
        "say",
        [
            endless(b"HTTP/1.1 100 Continue\r\n\r\n"),
            endless(b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"),
            endless(b"X-Header: x\r\n"),
            endless(b"x" * 100),
            endless(b" folded\r\n"),
        ],
    )
    def test_endless_heads(self, lake: DataLake, server: Server, say) -> None:
        server.answers = [say]
        refused(lake, f"{server.url}/x", "x", RemoteUnavailableError, "cannot be")

    def test_an_endless_trailer(self, lake: DataLake, server: Server) -> None:
        def say(connection: socket.socket) -> None:
            connection.sendall(answer(b"0\r\n", "Transfer-Encoding: chunked", length=False))
            while True:
                connection.sendall(b"X-Trailer: x\r\n" * 1000)

        server.answers = [say]
        refused(lake, f"{server.url}/x", "x", RemoteUnavailableError, "broke off")

    @pytest.mark.parametrize("where", ["head", "interim", "body"])
    def test_a_trickle(
        self, lake: DataLake, server: Server, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        monkeypatch.setattr(http_source, "_HEAD_SECONDS", 0.5)
        monkeypatch.setattr(http_source, "_RATE_SECONDS", 0.5)
        text = b"HTTP/1.1 100 Continue\r\n\r\n" if where == "interim" else b"x"
        begin = answer(b"", "Content-Length: 1000000", length=False)

        def say(connection: socket.socket) -> None:
            connection.sendall(begin if where == "body" else b"" if where == "interim" else b"HTTP")
            while not server.over.wait(0.02):
                connection.sendall(text)

        server.answers = [say]
        refused(
            lake, f"{server.url}/x", "x", RemoteUnavailableError, r"within|in a minute|timed out"
        )

    def test_silence(self, lake: DataLake, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http_source, "_SILENCE_SECONDS", 0.3)
        for begin in (b"", answer(b"", "Content-Length: 9", length=False)):

            def say(connection: socket.socket, begin: bytes = begin) -> None:
                connection.sendall(begin)
                connection.recv(1)  # until the client gives up, however long it takes

            server.answers = [say]
            refused(lake, f"{server.url}/x", "x", RemoteUnavailableError, "timed out")

    def test_a_file_that_the_disk_cannot_hold(self, lake: DataLake, server: Server) -> None:
        server.answers = [answer(b"", f"Content-Length: {10**17}", length=False)]
        refused(lake, f"{server.url}/x", "x", LocalStorageError, "no room")

    @pytest.mark.parametrize("packed", [False, True])
    def test_a_body_without_an_end(
        self, lake: DataLake, server: Server, monkeypatch: pytest.MonkeyPatch, packed: bool
    ) -> None:
        monkeypatch.setattr(fetch_url, "_BETWEEN_LOOKS", 4 << 20)
        written = []
        real = fetch_url.shutil.disk_usage

        def disk_usage(path):
            usage = real(path)
            written.append(usage)
            # As if 12 MiB were all that the disk has besides what must stay.
            free = (1 << 30) + (12 << 20) - (len(written) - 1) * (4 << 20)
            return type(usage)(10**12, 0, free)

        monkeypatch.setattr(fetch_url.shutil, "disk_usage", disk_usage)
        pack = zlib.compressobj(wbits=31)
        piece = b"\0" * (1 << 20)
        header = "Content-Encoding: gzip" if packed else "X: y"

        def say(connection: socket.socket) -> None:
            connection.sendall(answer(b"", header, length=False))
            while True:
                connection.sendall(pack.compress(piece) if packed else piece)

        server.answers = [say]
        refused(lake, f"{server.url}/x", "x", LocalStorageError, "no room")
