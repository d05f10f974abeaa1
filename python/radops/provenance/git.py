"""The state of the git repository that holds the user's code.

Names and the current commit are read from the repository's own files, so that they do not depend
on a `git` program. `git` is run, once per repository and process, only for what needs the index or
the history: whether tracked files differ from the commit, and whether a remote has the commit.
The state of a repository never raises an error.
"""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from radops.redact import SCHEME, strip_url

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS_SECONDS: Final = 10.0
"""`git status` may have to look at every tracked file; over a slow network file system it would
delay the user's own work, and the commit alone is useful too."""
QUESTION_SECONDS: Final = 3.0
PATCH_LIMIT: Final = 1024 * 1024
"""Bytes of a patch that are kept: a record is not a place for data."""

_HASH: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
# Set inside hooks and by wrappers; they would make git answer for another repository.
_FOREIGN: Final = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_NAMESPACE",
        "GIT_PREFIX",
        "GIT_EXTERNAL_DIFF",
        "GIT_DIFF_OPTS",
    }
)


@dataclass(frozen=True, slots=True)
class GitRepository:
    """A working tree and where git keeps what belongs to it."""

    root: str
    git_dir: str
    """HEAD and index of this working tree."""
    common_dir: str
    """Configuration and refs; another folder than `git_dir` in an added worktree."""


@dataclass(frozen=True, slots=True)
class GitState:
    """The state of a repository, as first read in this process."""

    commit: str | None
    """None on a branch without a commit."""
    dirty: bool | None
    """Whether tracked files differ from the commit; None if git could not say."""
    pushed: bool | None
    """Whether a remote-tracking branch holds the commit, by local knowledge; None: unknown."""


@lru_cache(maxsize=4096)
def repository_at(folder: str) -> GitRepository | None:
    """Return the repository whose working tree starts at `folder`, if one does."""
    mark = Path(folder, ".git")
    try:
        if mark.is_dir():
            git_dir = mark
        elif mark.is_file():  # an added worktree or a submodule
            text = mark.read_text(encoding="utf-8", errors="surrogateescape")
            if not text.startswith("gitdir:"):
                return None
            git_dir = Path(folder, text.removeprefix("gitdir:").strip())
        else:
            return None
        if not (git_dir / "HEAD").is_file():
            return None
        pointer = git_dir / "commondir"
        common = git_dir
        if pointer.is_file():
            common = git_dir / pointer.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    return GitRepository(folder, str(git_dir), str(common))


@lru_cache(maxsize=4096)
def repository_of(folder: str) -> GitRepository | None:
    """Return the repository that `folder` (absolute, without links) lies in, if any."""
    path = Path(folder)
    for parent in (path, *path.parents):
        repository = repository_at(str(parent))
        if repository is not None:
            return repository
    return None


_SECTION: Final = re.compile(r'\[\s*([\w.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]')
_ENTRY: Final = re.compile(r"([A-Za-z][\w-]*)\s*=\s*(.*)")


def remote_url(repository: GitRepository) -> str | None:
    """Return the URL of the remote `origin`, else of the first remote by name; secrets and all.

    Read from the repository's configuration as it was written when it was cloned: rewrites
    (`url.*.insteadOf`) are a matter of the machine and would change names with it.
    """
    remotes = remote_urls(repository)
    name = "origin" if "origin" in remotes else min(remotes, default=None)
    return (remotes[name] or None) if name is not None else None


@lru_cache(maxsize=256)
def remote_urls(repository: GitRepository) -> dict[str, str]:
    """Return the URL of each remote, secrets and all; see `remote_url`."""
    try:
        text = Path(repository.common_dir, "config").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    remotes: dict[str, str] = {}
    section: str | None = None
    for line in text.splitlines():
        content = line.strip()
        header = _SECTION.match(content)
        if header:
            named = header[1].lower() == "remote" and header[2] is not None
            section = re.sub(r"\\(.)", r"\1", header[2]) if named else None
            content = content[header.end() :].strip()
        entry = _ENTRY.match(content)
        if section is not None and entry and entry[1].lower() == "url":
            remotes.setdefault(section, _value(entry[2]))
    return remotes


def _value(text: str) -> str:
    """Undo the quoting of a value in git's configuration."""
    text = text.strip()
    if text.startswith('"'):
        end = re.match(r'"((?:[^"\\]|\\.)*)"', text)
        return re.sub(r"\\(.)", r"\1", end[1]) if end else text
    return re.split(r"\s[#;]", text, maxsplit=1)[0].strip()


def repository_name(url: str) -> str | None:
    """Return the last part of a remote's URL: `https://host/team/demo.git` is `demo`.

    None where there is no such part, as in `https://user:password@host`: a name is in every record.
    """
    is_drive = re.match(r"[A-Za-z]:[\\/]", url) is not None
    path = re.split(r"[?#]", url if is_drive else strip_url(url), maxsplit=1)[0].rstrip("/")
    found = None if is_drive else SCHEME.match(path)
    if found is not None and "/" not in path[found.end() :]:
        return None  # a host alone
    name = re.split(r"[/:\\]", path)[-1].removesuffix(".git")
    return name or None


_states: dict[tuple[str, int], GitState] = {}
_tracked: dict[tuple[str, int], dict[str, bool | None]] = {}


def state(repository: GitRepository) -> GitState:
    """Return the state of the repository, read once per process."""
    key = (repository.root, os.getpid())
    found = _states.get(key)
    if found is None:
        # Two threads may both ask; they get the same answer, and a lock would not survive a fork.
        found = _states[key] = _read_state(repository)
    return found


def _read_state(repository: GitRepository) -> GitState:
    answer = ask(
        repository.root,
        *("status", "--porcelain=v2", "--branch", "--no-renames"),
        *("--untracked-files=no", "--ignore-submodules=untracked"),
        seconds=STATUS_SECONDS,
    )
    if answer is None:
        return GitState(_commit_from_files(repository), None, None)
    commit, dirty = None, False
    for line in answer.decode("utf-8", "replace").splitlines():
        if line.startswith("# branch.oid "):
            text = line.removeprefix("# branch.oid ")
            commit = text if _HASH.fullmatch(text) else None
        elif line and not line.startswith("#"):
            dirty = True
    return GitState(commit, dirty, _is_pushed(repository, commit))


def _is_pushed(repository: GitRepository, commit: str | None) -> bool | None:
    if commit is None or remote_url(repository) is None:
        return False
    answer = ask(
        repository.root,
        *("for-each-ref", "--count=1", "--format=%(refname)"),
        *(f"--contains={commit}", "refs/remotes"),
        seconds=QUESTION_SECONDS,
    )
    return None if answer is None else bool(answer.strip())


def _commit_from_files(repository: GitRepository) -> str | None:
    """Follow HEAD without a `git` program. Repositories with reftables give None."""
    try:
        head = Path(repository.git_dir, "HEAD").read_text(encoding="utf-8").strip()
        for _ in range(5):  # symbolic refs may point at symbolic refs, but not for ever
            if not head.startswith("ref:"):
                break
            head = _ref(repository, head.removeprefix("ref:").strip())
    except (OSError, ValueError):
        return None
    return head if _HASH.fullmatch(head) else None


def _ref(repository: GitRepository, name: str) -> str:
    for folder in (repository.git_dir, repository.common_dir):
        loose = Path(folder, name)
        if loose.is_file():
            return loose.read_text(encoding="utf-8").strip()
    packed = Path(repository.common_dir, "packed-refs").read_text(encoding="utf-8")
    for line in packed.splitlines():
        found, _, ref = line.partition(" ")
        if ref == name:
            return found
    return ""


def is_tracked(repository: GitRepository, path: str, also: Callable[[], list[str]]) -> bool | None:
    """Whether the commit holds a file at `path`, relative to the root; None if git cannot say.

    Args:
        repository: The repository.
        path: The file asked for, with `/`.
        also: Gives files that are likely to be asked for next: one question answers for all.
    """
    commit = state(repository).commit
    if commit is None:
        return False
    known = _tracked.setdefault((repository.root, os.getpid()), {})
    if path not in known:
        others = [other for other in also() if other not in known and other != path]
        wanted = [path, *others[:500]]  # far below any limit on the length of a command line
        answer = ask(
            repository.root,
            *("--literal-pathspecs", "ls-tree", "-z", "--name-only", "--full-tree", commit, "--"),
            *wanted,
            seconds=QUESTION_SECONDS,
        )
        if answer is None:
            known[path] = None
        else:
            held = set(answer.decode("utf-8", "surrogateescape").split("\0"))
            known.update({name: name in held for name in wanted})
    return known[path]


def patch(root: str) -> bytes | None:
    """Return how the tracked files differ from the commit, as `git apply` reads it.

    At most 1 MiB; what is longer ends in a line that says so and no longer applies.

    Returns:
        None if nothing differs, or git cannot say.
    """
    repository = repository_at(os.path.realpath(root))
    if repository is None:
        return None
    base = state(repository).commit or _EMPTY_TREE
    # Everything that a person's configuration could change about the form is fixed here.
    form = ["--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv"]
    form += ["--no-renames", "--submodule=short", "--diff-algorithm=myers", "--unified=3"]
    form += ["--src-prefix=a/", "--dst-prefix=b/", "--no-relative"]
    # A diff writes the index where stats differ and contents do not, optional locks or not.
    command = ["-c", "diff.autoRefreshIndex=false", "diff", *form, base, "--"]
    answer = ask(repository.root, *command, seconds=STATUS_SECONDS, limit=PATCH_LIMIT)
    return answer or None


def ask(root: str, *arguments: str, seconds: float, limit: int | None = None) -> bytes | None:
    """Run `git` in `root` and return what it printed; None if it failed, hung or is not there.

    Args:
        root: The working tree.
        arguments: The command and its arguments.
        seconds: How long it may take.
        limit: Stop reading after this many bytes, and say so in a last line.
    """
    environment = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    environment.update(
        GIT_OPTIONAL_LOCKS="0",  # this status must not disturb a commit that runs meanwhile
        GIT_NO_LAZY_FETCH="1",  # nor may it reach for the network in a partial clone
        GIT_TERMINAL_PROMPT="0",
        LC_ALL="C",
    )
    try:
        process = subprocess.Popen(  # noqa: S603 the command is ours
            ["git", "-C", root, *arguments],  # noqa: S607 the person's git is the one on PATH
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    except (OSError, ValueError):
        return None
    try:
        output, cut = _read(process, time.monotonic() + seconds, limit)
        if output is None:
            return None
        if cut:
            return output + b"\n# cut by radops: only the first %d bytes are kept\n" % len(output)
        return output if process.wait(timeout=seconds) == 0 else None
    except (OSError, subprocess.TimeoutExpired):
        return None
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _read(
    process: subprocess.Popen[bytes], until: float, limit: int | None
) -> tuple[bytes | None, bool]:
    """Read to the end, to the limit or to the deadline, without a thread."""
    if process.stdout is None:
        return None, False
    chunks: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, until - time.monotonic())):
                return None, False
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                return b"".join(chunks), False
            chunks.append(chunk)
            size += len(chunk)
            if limit is not None and size > limit:
                return b"".join(chunks)[:limit], True
