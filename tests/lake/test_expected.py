"""What a download must be: the kind of file that its name says, and of the digest that is given."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from radops.errors import (
    CorruptObjectError,
    RemoteRefusedError,
    UsageError,
)
from servers.raw_http import Server, answer, refused

if TYPE_CHECKING:
    from radops.data_lake import DataLake


PAGE = b"<!DOCTYPE html>\n<html><body>Please log in</body></html>"


class TestTypes:
    @pytest.mark.parametrize("uid", ["train.zip", "train.csv", "train.parquet", "x.bin", "a.json"])
    @pytest.mark.parametrize(
        "page", [PAGE, b"\n<!-- generated --><HTML>", b"\xef\xbb\xbf<head>", b"<?xml ?><html>"]
    )
    def test_a_page_is_no_file(self, lake: DataLake, server: Server, uid: str, page: bytes) -> None:
        server.answers = [answer(page), answer(page)]
        refused(lake, f"{server.url}/login", uid, RemoteRefusedError, "a web page, not a ")
        lake.add(f"{server.url}/login", uid, force=True)
        assert lake.file(uid).read_bytes() == page

    def test_a_page_that_only_its_type_shows(self, lake: DataLake, server: Server) -> None:
        server.answers = [answer(b"<p>log in", "Content-Type: text/html; charset=utf-8")]
        refused(lake, f"{server.url}/x.zip", None, RemoteRefusedError, "a web page")

    @pytest.mark.parametrize("uid", ["page.html", "page", "page.txt", "notes.md"])
    def test_pages_may_be_added_as_such(self, lake: DataLake, server: Server, uid: str) -> None:
        server.answers = [answer(PAGE, "Content-Type: text/html")]
        assert lake.add(f"{server.url}/p", uid).size == len(PAGE)

    def test_other_contradictions(self, lake: DataLake, server: Server) -> None:
        server.answers = [answer(b'{"error": "expired"}'), answer(b""), answer(b"PAR1...")]
        refused(lake, f"{server.url}/x.parquet", None, RemoteRefusedError, "does not begin as")
        refused(lake, f"{server.url}/x.zip", "data", RemoteRefusedError, "is empty")
        lake.add(f"{server.url}/x.parquet")

    def test_a_wrong_media_type_alone_is_none(self, lake: DataLake, server: Server) -> None:
        server.answers = [
            answer(b"PK\3\4", "Content-Type: text/html"),
            answer(b"a,b", "Content-Type: text/html"),
        ]
        lake.add(f"{server.url}/x.zip")
        lake.add(f"{server.url}/x.csv")


class TestDigests:
    @pytest.mark.parametrize("as_path", [False, True])
    @pytest.mark.parametrize("known", [False, True])
    def test_they_are_checked(
        self, lake: DataLake, server: Server, write, as_path: bool, known: bool
    ) -> None:
        body = b"content"
        if known:
            lake.add(write("known", body), "x")
        source = write("x", body) if as_path else f"{server.url}/x"
        server.answers = [answer(body)] * 3
        names = [row.uid for row in lake.ls()]
        for wrong in ({"sha256": "0" * 64}, {"blake3": "0" * 64}):
            with pytest.raises(CorruptObjectError, match="it was not added"):
                lake.add(source, "x", **wrong)
            assert [row.uid for row in lake.ls()] == names
        right = {
            "sha256": "sha256:" + hashlib.sha256(body).hexdigest().upper(),
            "blake3": blake3(body).hexdigest(),
        }
        assert lake.add(source, "x", **right).already_there == known

    def test_a_digest_is_64_digits(self, lake: DataLake, write) -> None:
        with pytest.raises(UsageError, match="sha256 is not 64"):
            lake.add(write("x", "x"), "x", sha256="abc")
