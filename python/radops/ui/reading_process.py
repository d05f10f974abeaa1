"""The process that reads contents of files for the pages: one request after the other.

Given the lake first, then works, each with its seconds. The server ends it if a work takes longer;
it also ends itself then, as the server may be gone.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import signal
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from radops.errors import RadopsError
from radops.ui.compare import compare
from radops.ui.previews import images
from radops.ui.previews.preview import FETCHED, preview
from radops.ui.processes import framed, read_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.data_lake import DataLake

_MOST_MEMORY: Final = 4 << 30
_SPARE_SECONDS: Final = 2


def _image(lake: DataLake, uid: str, size: int) -> tuple[bytes, str] | None:
    """Return an image made small, and its type; None if there is none to show."""
    info = lake.info(uid)
    if info.size > (images.READ if info.local else FETCHED):
        return None
    with lake.file(uid).open("rb", fetch="ranges") as stream:
        data = stream.read()
    return images.thumbnail(data, info.name, size)


def _made_from(lake: DataLake, uid: str) -> list[str]:
    """Return what was made from a file."""
    return lake.downstream(uid)


WORKS: Final[dict[str, Callable[..., Any]]] = {
    "compare": compare,
    "image": _image,
    "made from": _made_from,
    "preview": preview,
}
"""What can be asked for, by name; each is given the lake first."""


def main() -> None:
    """Do what stdin asks for, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the server ends this process
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    _load()
    with contextlib.suppress(EOFError, BrokenPipeError):
        lake = read_frame(sys.stdin.buffer)
        answer: tuple[bool, Any] = (True, None)
        while True:
            _limit(None)
            answers.write(_framed(answer))
            answers.flush()
            work, arguments, seconds = read_frame(sys.stdin.buffer)
            _limit(seconds)
            answer = _done(lake, work, arguments)


def _load() -> None:
    """Load what previews use, before the time of any runs."""
    for name in ("PIL.Image", "pyarrow.parquet"):
        if find_spec(name.partition(".")[0]) is not None:
            with contextlib.suppress(ImportError):
                import_module(name)


def _done(lake: DataLake, work: str, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, WORKS[work](lake, *arguments)
    except RadopsError as error:
        return False, error
    except MemoryError:
        return False, "it needs too much memory"
    except Exception as error:  # noqa: BLE001 - whatever it is, the server is told
        return False, f"{type(error).__name__}: {error}"


def _framed(answer: tuple[bool, Any]) -> bytes:
    try:
        return framed(answer)
    except Exception as error:  # noqa: BLE001 - an answer that cannot be sent
        return framed((False, f"{type(error).__name__}: {error}"))


def _limit(seconds: float | None) -> None:
    """Make the system end this process after so much wall time or processor time."""
    _, hardest = resource.getrlimit(resource.RLIMIT_CPU)
    if seconds is None:
        signal.alarm(0)
        limit = hardest
    else:
        most = math.ceil(seconds) + _SPARE_SECONDS
        signal.alarm(most)
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = math.ceil(used.ru_utime + used.ru_stime) + most
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (limit, hardest))
