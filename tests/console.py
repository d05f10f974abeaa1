"""The real console, in a process of its own with a clean environment."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_STYLES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
# From where it hides the cursor to where it is erased.
_BAR = re.compile(r"\x1b\[\?25l.*?\x1b\[1A\x1b\[2K", re.DOTALL)


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err)["error"]

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def left(self) -> str:
        """What a terminal shows in the end: without bars, which come if it takes long."""
        return _BAR.sub("", self.out)

    @property
    def text(self) -> str:
        """The same, without styles."""
        return _STYLES.sub("", self.left).replace("\r\n", "\n")


@dataclass
class Cli:
    """Runs `radops` as people do."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "radops"]

    def environment(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        return {
            # PYTHONPATH: to run the tests against another version of a library.
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            "HOME": str(self.folder),
            "RADOPS_HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "PYTHONWARNINGS": "error",
            "GIT_CONFIG_NOSYSTEM": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.env,
            **(env or {}),
        }

    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str | None = None
    ) -> Result:
        """Run in pipes, without a terminal."""
        done = subprocess.run(
            [*self.command, *arguments],
            env=self.environment(env),
            cwd=self.folder,
            input=(stdin or "").encode(),
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        """Run in pipes what has to go well."""
        result = self(*arguments, env=env)
        assert result.code == 0, result.err
        return result

    def popen(self, *arguments: str, env: Mapping[str, str] | None = None, **more: Any) -> Any:
        """Start and return the process."""
        return subprocess.Popen(
            [*self.command, *arguments],
            env=self.environment(env),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **{"stdout": subprocess.PIPE, **more},
        )

    def unread(self, *arguments: str) -> Result:
        """Run with an output that nobody reads, not even its first bytes."""
        read, write = os.pipe()
        os.close(read)
        process = self.popen(*arguments, stdout=write)
        os.close(write)
        _, err = process.communicate(timeout=120)
        return Result(process.returncode, "", err.decode())

    def terminal(
        self,
        *arguments: str,
        columns: int = 80,
        keys: str = "",
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run in a terminal of that width, where `keys` are typed; `out` is all it shows."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [*self.command, *arguments],
            env=self.environment(env),
            cwd=self.folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        os.write(master, keys.encode())
        shown = b""
        try:
            while select.select([master], [], [], 60)[0] and (chunk := os.read(master, 1 << 16)):
                shown += chunk
        except OSError:  # Linux's way to say that the other side is gone
            pass
        finally:
            os.close(master)  # hangs up, if it still runs
        return Result(process.wait(timeout=60), shown.decode(), "")


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """A console with a home of its own, nothing configured."""
    return Cli(tmp_path)


@pytest.fixture
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same for commands that run in this process; returns the home."""
    for name in list(os.environ):
        if name.startswith(("RADOPS_", "AWS_")) or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RADOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"
