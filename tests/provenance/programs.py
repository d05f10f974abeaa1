"""Programs of users, written to disk and really run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from radops.provenance.fingerprint import fingerprint

if TYPE_CHECKING:
    from pathlib import Path

    from radops.format.digest import Digest

# What a user's script looks like, that can print the identity of its function.
PIPELINE = """
import json, multiprocessing, sys

def process(x):
    return x

def report():
    from radops.provenance.identity import identify
    found = identify(process)
    answer = [found.module, found.name, found.keyed_by_code, found.run_as]
    print(json.dumps(answer), flush=True)

if __name__ == "__main__":
    if "spawn" in sys.argv:
        child = multiprocessing.get_context("spawn").Process(target=report)
        child.start()
        child.join()
    else:
        report()
"""


def write(root: Path, files: dict[str, str]) -> Path:
    """Write files below `root`, by their relative paths."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return root


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment that knows nothing of the person who runs the tests."""
    keep = {key: os.environ[key] for key in ("PATH", "TMPDIR", "LANG") if key in os.environ}
    return {
        **keep,
        "HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
        **more,
    }  # fmt: skip


def run(*arguments: str | Path, cwd: Path, stdin: str | None = None, **more: str) -> str:
    """Run Python in `cwd` and return what it printed."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd, env=environment(cwd, **more), input=stdin or "",
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def answer(*arguments: str | Path, cwd: Path, stdin: str | None = None, **more: str) -> Any:
    """Run Python in `cwd` and return the JSON that it printed."""
    return json.loads(run(*arguments, cwd=cwd, stdin=stdin, **more))


def git(root: Path, *arguments: str) -> str:
    """Run git in `root`."""
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *arguments],
        cwd=root, env=environment(root), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def repository(root: Path, remote: str | None = "https://github.com/team/demo.git") -> Path:
    """Make `root` a git repository with all its files committed."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q")
    if remote:
        git(root, "remote", "add", "origin", remote)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    return root


def digest(module: Any, name: str = "process") -> Digest:
    """Return the digest of the fingerprint of a module's function."""
    return fingerprint(getattr(module, name)).digest
