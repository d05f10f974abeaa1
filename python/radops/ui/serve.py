"""The server: on this machine only, opened in a browser by a link with a token."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn

from radops.errors import UsageError
from radops.ui.app import application
from radops.ui.guard import Secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from radops.data_lake import DataLake

HOST: Final = "127.0.0.1"
# A page that listens to the progress of a verify would be waited for as long as it is open.
_STOP_SECONDS: Final = 0
_MOST_CONNECTIONS: Final = 100


def serve(
    lake: DataLake, *, port: int = 0, browser: bool = True, ready: Callable[[str], None]
) -> None:
    """Show a lake until the process is interrupted.

    Args:
        lake: The lake.
        port: The port; 0 for one that is free.
        browser: Open the link.
        ready: Called with the link once the server listens.

    Raises:
        UsageError: The port is in use, or not for this user.
    """
    known = Secrets()
    with contextlib.closing(_listen(port)) as listening:
        port = listening.getsockname()[1]
        link = f"http://{HOST}:{port}/?token={known.token}"
        config = uvicorn.Config(
            application(lake, port, known),
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            loop="asyncio",
            http="h11",
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        server = uvicorn.Server(config)
        opened = _opened(link) if browser else contextlib.nullcontext()
        with contextlib.suppress(KeyboardInterrupt), opened:
            ready(link)
            server.run(sockets=[listening])


def _listen(port: int) -> socket.socket:
    # With the protocol named, or asyncio does not turn Nagle's algorithm off on connections, and
    # each answer waits 40 ms for an acknowledgement.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or str(error)
        hint = "leave out --port to use one that is free"
        raise UsageError(f"cannot listen on port {port}: {why}", hint=hint) from error
    return listening


@contextlib.contextmanager
def _opened(link: str) -> Iterator[None]:
    """Open the link in the browser by a private file that leads to it.

    The arguments of processes are seen by all people of a machine; the link must not be in them.
    """
    with tempfile.TemporaryDirectory(prefix="radops-ui-") as folder:
        page = Path(folder) / "open.html"
        page.write_text(
            f'<!doctype html><meta http-equiv="refresh" content="0;url={link}">'
            f'<a href="{link}">radops</a>'
        )
        opening = threading.Thread(
            target=webbrowser.open, args=(page.as_uri(),), name="radops-browser", daemon=True
        )
        opening.start()
        yield
