"""Starting servers on loopback, and ending them whatever happens."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

# Below the range from which the kernel takes ports for outgoing connections, and so is each
# port + 10000, which SeaweedFS takes too.
_FIRST, _LAST = 10_000, 22_000


_claims: list[socket.socket] = []
"""Datagram sockets on the ports that were given out, for as long as this process lives.

A server listens a while after its ports were chosen: meanwhile another test process would find
them free. Servers listen to streams, for which the same numbers stay free."""


def free_ports(count: int) -> int:
    """Return the first of so many ports in a row that are free, they and each + 10000.

    No other process gets one of them from here.
    """
    chooser = random.Random(os.getpid() ^ time.monotonic_ns())
    for _ in range(1000):
        first = chooser.randrange(_FIRST, _LAST - count)
        ports = [*range(first, first + count), *range(first + 10_000, first + 10_000 + count)]
        with ExitStack() as stack:
            claims = [stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in ports]
            pairs = zip(claims, ports, strict=True)
            if all(_takes(claim, port) and _is_free(port) for claim, port in pairs):
                stack.pop_all()
                _claims.extend(claims)
                return first
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return _takes(probe, port)


def _takes(each: socket.socket, port: int) -> bool:
    try:
        each.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def is_open(port: int) -> bool:
    """Whether something accepts connections on that port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class EndedError(RuntimeError):
    """A server ended that was to go on."""


class Processes:
    """Child processes with their output in files; ended by `stop`, or with this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str | Path, environment: dict[str, str] | None = None) -> None:
        """Start a process that goes on."""
        words = [str(word) for word in command]
        output = self.folder / f"{Path(words[0]).name}.out"
        # Ended by the kernel if the tests are killed and cannot end it themselves.
        setpriv = shutil.which("setpriv")
        prefix = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
        with output.open("ab") as stream:
            self._running.append(
                subprocess.Popen(
                    prefix + words,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,  # a Ctrl-C is for the tests: they end it in order
                )
            )

    def run(self, *command: str | Path, check: bool = True) -> bool:
        """Run a command to its end; return whether it succeeded."""
        words = [str(word) for word in command]
        with (self.folder / f"{Path(words[0]).name}.out").open("ab") as stream:
            done = subprocess.run(
                words, check=check, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
            )
        return done.returncode == 0

    def wait_for_port(self, port: int, seconds: float = 120) -> None:
        """Wait until a server accepts connections."""
        end = time.monotonic() + seconds
        while not is_open(port):
            self.check()
            if time.monotonic() > end:
                raise RuntimeError(f"port {port} did not open:\n{self.tail()}")
            time.sleep(0.05)

    def check(self) -> None:
        """Raise if one has ended."""
        if any(process.poll() is not None for process in self._running):
            raise EndedError(f"a server ended at once:\n{self.tail()}")

    def tail(self) -> str:
        """Return the last lines of all outputs."""
        texts = []
        for path in sorted(self.folder.rglob("*.out")):
            lines = path.read_text(errors="replace").splitlines()[-15:]
            texts.append("\n".join([f"--- {path.name}", *lines]))
        return "\n".join(texts)

    def stop(self) -> None:
        """End them all at once, the last first: what they stored is thrown away."""
        for process in reversed(self._running):
            process.kill()
        for process in reversed(self._running):
            process.wait()
        self._running.clear()
