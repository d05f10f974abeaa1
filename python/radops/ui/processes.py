"""How processes beside the server are started, and the frames that they exchange with it."""

from __future__ import annotations

import asyncio
import pickle
import struct
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from typing import BinaryIO

_LENGTH: Final = struct.Struct(">Q")
# Without the current folder on its path: a `json.py` of the user must not be imported.
_PROGRAM: Final = (
    "import sys; sys.path[:] = [one for one in sys.path if one]; from {} import main; main()"
)


async def start(module: str, *, limit: int) -> asyncio.subprocess.Process:
    """Start a process that runs `main` of a module; it reads stdin and writes stdout.

    Args:
        module: Its name.
        limit: Most bytes of a line that it writes.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _PROGRAM.format(module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=limit,
    )


def framed(value: object) -> bytes:
    """Return a value as the bytes that `read_frame` and `receive` take."""
    data = pickle.dumps(value)
    return _LENGTH.pack(len(data)) + data


async def receive(stream: asyncio.StreamReader) -> Any:  # noqa: ANN401 - what was framed
    """Return the next value of a process that this one started.

    Raises:
        EOFError: The process has ended.
    """
    try:
        (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        data = await stream.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise EOFError("the process has ended") from error
    return pickle.loads(data)  # noqa: S301 - of a process of our own


def read_frame(stream: BinaryIO) -> Any:  # noqa: ANN401 - what was framed
    """Return the next value of the process that started this one.

    Raises:
        EOFError: That process has ended, or asks for nothing more.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError("nothing more is asked for")
    return pickle.loads(stream.read(*_LENGTH.unpack(head)))  # noqa: S301 - of the process above
