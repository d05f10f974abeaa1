"""Keys with a session token that a login tool replaces in the files while a process runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backends.s3.test_credentials import files
from radops.backends.location import RemoteOptions
from radops.backends.s3.chain import Chain
from radops.backends.s3.settings import resolve
from radops.errors import RemoteRefusedError
from servers.http_faults import Reply

if TYPE_CHECKING:
    from servers.proxy import FaultProxy

__all__ = ["files"]

EXPIRED = Reply(400, "<Error><Code>ExpiredToken</Code><Message>said</Message></Error>")


def write(path: Path, access: str, secret: str, token: str | None) -> None:
    lines = [f"aws_access_key_id = {access}", f"aws_secret_access_key = {secret}"]
    if token:
        lines.append(f"aws_session_token = {token}")
    path.write_text("\n".join(["[default]", *lines, ""]))


@pytest.mark.parametrize(
    "config", ["", "s3 =\n  addressing_style = path\n"], ids=["plain", "chain"]
)
def test_they_are_read_again(files: tuple[Path, Path], config: str) -> None:
    files[0].write_text(f"[default]\nregion = eu-west-1\n{config}")
    write(files[1], "a", "s", "old")
    options = RemoteOptions()
    chain = Chain("s3://bucket", options)
    place = resolve(options, chain)
    assert place.credentials() == ("a", "s", "old", None)
    signed = chain.presign("bucket", "key", 60, None)
    write(files[1], "b", "t", "new")
    assert place.credentials() == ("b", "t", "new", None)
    assert set(chain.secrets) >= {"t", "new"}
    assert "X-Amz-Security-Token=old" in signed
    assert "X-Amz-Security-Token=new" in chain.presign("bucket", "key", 60, None)


def test_those_from_before_are_used_while_there_are_no_others(files: tuple[Path, Path]) -> None:
    write(files[1], "a", "s", "old")
    options = RemoteOptions(region="eu-west-1")
    place = resolve(options, Chain("s3://bucket", options))
    files[1].write_text("")
    assert place.credentials() == ("a", "s", "old", None)


def test_a_request_goes_on_with_new_ones(
    faulty_seaweedfs: FaultProxy, files: tuple[Path, Path]
) -> None:
    server = faulty_seaweedfs.server
    options = RemoteOptions(endpoint_url=faulty_seaweedfs.endpoint_url, region="us-east-1")
    write(files[1], "a", "s", "old")
    backend = faulty_seaweedfs.backend(server.new_bucket(), options=options)
    faulty_seaweedfs.inject(EXPIRED, method="PUT", times=3)
    with pytest.raises(RemoteRefusedError, match="expired"):
        backend.put([("a", b"1")])
    write(files[1], server.access_key, server.secret_key, None)
    backend.put([("a", b"1")])
    assert backend.read(["a"], 1) == [b"1"]
