"""A person at a machine: runs shell commands in a clean environment, as in a terminal or in pipes.

Used by the demo and by the tests of the documentation. Standard library only.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import selectors
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What a shell of a person has anyway. Everything else, above all RADOPS_* and AWS_*, is left out.
_INHERITED = ("LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME")
_ESCAPE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


@dataclass(frozen=True)
class Result:
    """What a command did. `out` of a terminal includes standard error, unless split."""

    command: str
    status: int
    raw: str
    """Standard output with its escape codes; line ends are `\\n`."""
    err: str
    """Standard error without escape codes; empty if it went to the terminal."""

    @property
    def out(self) -> str:
        """Standard output as a reader sees it, without escape codes."""
        return plain(self.raw)

    def styled(self, code: int) -> list[str]:
        """Return the pieces of text that the terminal shows with this attribute.

        Args:
            code: 1 for bold, 3 for italic.
        """
        return [text for text, codes in _runs(self.raw) if code in codes]

    @property
    def bold(self) -> list[str]:
        """The pieces of text shown in bold."""
        return self.styled(1)

    @property
    def italic(self) -> list[str]:
        """The pieces of text shown in italics."""
        return self.styled(3)

    def check(self, status: int = 0) -> Result:
        """Return self if the exit status is `status`, else raise with all that was printed."""
        if self.status != status:
            message = (
                f"`{self.command}` ended with {self.status}, not {status}:\n{self.out}{self.err}"
            )
            raise AssertionError(message)
        return self


def plain(text: str) -> str:
    """Return what a terminal shows in the end: without colours, and without what was erased.

    A progress bar goes back to the start of its line, or some lines up, and erases what was there.
    """
    rows: list[list[str]] = [[]]
    row = column = at = 0
    for match in [*_ESCAPE.finditer(text), None]:
        for character in text[at : match.start() if match else len(text)]:
            if character == "\n":
                row, column = row + 1, 0
                rows += [[]] * (row == len(rows))
            elif character == "\r":
                column = 0
            else:
                rows[row][column : column + 1] = [character]
                column += 1
        if match is None:
            break
        at = match.end()
        if match.group(2) == "A":
            row = max(0, row - int(match.group(1) or 1))
        elif match.group(2) == "K":
            rows[row] = [] if match.group(1) == "2" else rows[row][:column]
    return "\n".join("".join(cells) for cells in rows)


def _runs(raw: str) -> Iterator[tuple[str, set[int]]]:
    """Split terminal output into pieces of text with the SGR attributes in force."""
    codes: set[int] = set()
    at = 0
    for match in _ESCAPE.finditer(raw):
        if match.start() > at:
            yield raw[at : match.start()], set(codes)
        at = match.end()
        if match.group(2) != "m":
            continue
        for part in (match.group(1) or "0").split(";"):
            code = int(part or 0)
            if code == 0:
                codes.clear()
            elif code == 22:
                codes -= {1, 2}
            elif code == 23:
                codes.discard(3)
            else:
                codes.add(code)
    if at < len(raw):
        yield raw[at:], set(codes)


class Machine:
    """One machine: a home of its own, an empty working folder, and a shell that remembers.

    Variables and the working folder carry over from one command to the next.

    Args:
        root: An empty folder (made if absent); holds the home and the working folder.
        env: Further environment variables.
        programs: Folder of the `python` and `radops` to use; default: beside this interpreter.
    """

    def __init__(
        self, root: Path, env: Mapping[str, str] | None = None, *, programs: Path | None = None
    ) -> None:
        self.home = root / "home"
        self.cwd = root / "work"
        self.home.mkdir(parents=True)
        self.cwd.mkdir()
        self._state = root / "state"
        programs = programs or Path(sys.executable).parent
        self.env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self.env |= {
            "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.home),
            "TERM": "xterm-256color",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "GIT_CONFIG_NOSYSTEM": "1",
            **(env or {}),
        }
        self.env.setdefault("LANG", "C.UTF-8")

    def write(self, name: str, text: str) -> Path:
        """Write a file into the working folder."""
        path = self.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(
        self,
        command: str,
        *,
        terminal: bool = False,
        split: bool = False,
        columns: int = 120,
        timeout: float = 120,
        stdin: str = "",
    ) -> Result:
        """Run a command of any number of lines with bash.

        Args:
            command: What a person types.
            terminal: Give it a terminal of `columns` columns instead of pipes.
            split: With a terminal: keep standard error separate, in a pipe.
            columns: Width of the terminal.
            timeout: Seconds; then the command is ended and the call fails.
            stdin: What is typed, or piped in.
        """
        # `set -a`: what is assigned is exported, and so remembered, as in one long session.
        script = (
            f"set -a; trap '{{ pwd; env -0; }} >{shlex.quote(str(self._state))}' EXIT\n{command}\n"
        )
        argv = ["bash", "--norc", "-c", script]
        if terminal:
            status, raw, err = self._in_terminal(argv, columns, timeout, stdin, split=split)
        else:
            done = subprocess.run(
                argv,
                cwd=self.cwd,
                env=self.env,
                input=stdin.encode(),
                capture_output=True,
                timeout=timeout,
                check=False,
            )
            status, raw, err = done.returncode, _text(done.stdout), plain(_text(done.stderr))
        self._remember()
        return Result(command, status, raw, err)

    def _remember(self) -> None:
        where, _, variables = self._state.read_text(encoding="utf-8").partition("\n")
        self.cwd = Path(where)
        pairs = (entry.partition("=") for entry in variables.split("\0") if entry)
        dropped = {"_", "SHLVL", "PWD", "OLDPWD"}
        self.env = {name: value for name, _, value in pairs if name not in dropped}
        self._state.unlink()

    def _in_terminal(
        self, argv: list[str], columns: int, timeout: float, stdin: str, *, split: bool
    ) -> tuple[int, str, str]:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        settings = termios.tcgetattr(slave)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        read_err, write_err = os.pipe() if split else (-1, slave)
        process = subprocess.Popen(
            argv,
            cwd=self.cwd,
            env=self.env,
            stdin=slave,
            stdout=slave,
            stderr=write_err,
            start_new_session=True,
        )
        os.close(slave)
        if split:
            os.close(write_err)
        try:
            if stdin:
                os.write(master, stdin.encode())
            chunks = _drain([master, read_err] if split else [master], process, timeout)
        finally:
            os.close(master)
            if split:
                os.close(read_err)
        status = process.wait()
        return status, _text(chunks[master]), plain(_text(chunks.get(read_err, b"")))


def _drain(
    descriptors: list[int], process: subprocess.Popen[bytes], timeout: float
) -> dict[int, bytes]:
    """Read all descriptors to their end; end the whole session when time is up."""
    chunks = dict.fromkeys(descriptors, b"")
    deadline = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(min(1.0, max(0.0, deadline - time.monotonic())))
            for key, _ in ready:
                try:
                    data = os.read(key.fd, 65536)
                except OSError:  # Linux says EIO when the last writer has gone
                    data = b""
                chunks[key.fd] += data
                if not data:
                    selector.unregister(key.fd)
            if time.monotonic() > deadline:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                shown = "".join(_text(chunk) for chunk in chunks.values())
                message = f"no end after {timeout} s: {process.args!r}\n{shown}"
                raise TimeoutError(message)
            if not ready and process.poll() is not None:
                break  # something in the background keeps the terminal open
    return chunks


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")
