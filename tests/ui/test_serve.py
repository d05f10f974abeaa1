"""`radops ui` as people start and end it."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

import pytest

from console import cli
from radops.ui import serve
from servers.process import free_ports
from ui.conftest import start, stop
from ui.test_guard import Client

if TYPE_CHECKING:
    from pathlib import Path

    from console import Cli

__all__ = ["cli"]


def test_it_prints_its_link_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    port = free_ports(1)  # of those that no outgoing connection is given meanwhile
    served = start(tmp_path / "home", "--port", str(port))
    assert served.link.startswith(f"http://127.0.0.1:{port}/?token=")
    assert len(served.link.partition("token=")[2]) > 40
    assert stop(served) == 0


def test_ctrl_c_does_not_wait_for_a_remote_that_never_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        served = start(
            tmp_path / "home",
            RADOPS_REMOTE=f"s3://bucket/lake?endpoint_url=http://127.0.0.1:{port}",
            AWS_ACCESS_KEY_ID="access",
            AWS_SECRET_ACCESS_KEY="secret",
        )
        client = Client(served)
        base, cookie = client.log_in()
        pages = [client.ask(path, cookie) for path in (f"{base}/health", f"{base}/search?q=x")]
        connection, _ = silent.accept()
        # Connections are taken in turn: what is answered now came after both pages were asked for.
        assert client("/")[0] == 403
        began = time.monotonic()
        assert stop(served) == 0
        # Without an answer, a request to the remote takes more than that, and pages send several.
        assert time.monotonic() - began < 15
        assert {page.getresponse().status for page in pages} == {500}
        for each in (connection, *pages):
            each.close()


def test_two_servers_have_nothing_in_common(tmp_path: Path) -> None:
    one, two = start(tmp_path / "home"), start(tmp_path / "home")
    assert one.port != two.port
    assert one.link.partition("token=")[2] != two.link.partition("token=")[2]
    assert stop(one) == stop(two) == 0


def test_a_port_in_use_is_refused(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = cli("ui", "--no-browser", "--port", str(taken.getsockname()[1]))
    assert result.code == 2
    assert "cannot listen on port" in result.err
    assert "leave out --port" in result.err


def test_answers_do_not_wait_for_acknowledgements() -> None:
    # asyncio turns Nagle's algorithm off on connections of such sockets only.
    with contextlib.closing(serve._listen(0)) as listening:
        assert listening.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "jinja2", "pygments"])
def test_what_is_not_installed_is_named(cli: Cli, tmp_path: Path, missing: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{missing!r}] = None\n")
    result = cli("ui", env={"PYTHONPATH": str(tmp_path)})
    assert result.code == 2
    assert f"radops ui needs {missing}" in result.err
    assert "pip install 'radops[ui]'" in result.err


def test_a_context_that_does_not_exist_is_refused(cli: Cli) -> None:
    assert cli("ui", "--no-browser", "--context", "nowhere").code == 2
