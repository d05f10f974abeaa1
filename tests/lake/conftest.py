"""Lakes, in an environment without anything of the person who runs the tests."""

from __future__ import annotations

import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from lakes import clean_environment, lake, make_lake, shared, write
from modules import load
from radops.lake import progress
from servers.raw_http import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from radops.data_lake import DataLake

__all__ = ["clean_environment", "lake", "load", "make_lake", "shared", "write"]


@pytest.fixture
def online(make_lake: Callable[..., DataLake], shared: str) -> DataLake:
    """A lake with a shared folder as its remote."""
    return make_lake(remote=shared)


@pytest.fixture
def nothing_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no stage be shown only because this machine is busy."""
    monkeypatch.setattr(progress, "_SLOW_SECONDS", 3600.0)


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no variable lead requests elsewhere."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(no_proxy: None) -> Iterator[Server]:
    """A web server that says what `answers` holds."""
    server = Server()
    yield server
    server.close()


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_proxy: None) -> Iterator[Server]:
    """The same over TLS, with a certificate that is trusted."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = Server(context)
    yield server
    server.close()
