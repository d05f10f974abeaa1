"""Links to code on its host, from what a record keeps of a git repository."""

from __future__ import annotations

import re
from urllib.parse import quote

from radops.redact import SCHEME, strip_url

_NAME = re.compile(r"[a-z0-9.-]+", re.ASCII | re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)


def code_url(
    remote: str | None, commit: str | None, path: str | None, line: int | None
) -> str | None:
    """Return a link to a line of code on GitHub or GitLab, or None where none can be made.

    Args:
        remote: The git remote in any of its forms: https, ssh, git, or `git@host:org/repo.git`.
        commit: The whole commit id in hexadecimal.
        path: The file's path from the root of the repository, with `/`.
        line: The line, counted from 1; None for a link to the file.
    """
    if not remote or not path or not commit or not _COMMIT.fullmatch(commit):
        return None
    place = _host_and_path(strip_url(remote))
    if place is None:
        return None
    host, repository = place
    labels = host.partition(":")[0].lower().split(".")
    parts = repository.strip("/").removesuffix(".git").split("/")
    if "" in parts or any(part in {".", ".."} for part in (*parts, *path.split("/"))):
        return None
    if "github" in labels and len(parts) == 2:
        blob = "blob"
    elif "gitlab" in labels and len(parts) >= 2:
        blob = "-/blob"
    else:
        return None
    anchor = f"#L{line}" if line is not None and line > 0 else ""
    return f"https://{host}/{quote('/'.join(parts))}/{blob}/{commit}/{quote(path)}{anchor}"


def _host_and_path(remote: str) -> tuple[str, str] | None:
    """Return the host that serves the web pages, and the repository's path on it."""
    if found := SCHEME.match(remote):
        scheme = found[2].lower()
        if scheme not in {"https", "http", "ssh", "git", "git+ssh", "git+https"}:
            return None
        host, _, path = remote[found.end() :].partition("/")
        # A port other than that of a web server says nothing about the web pages.
        if not scheme.endswith("https"):
            host = host.partition(":")[0]
    else:
        host, _, path = remote.partition(":")
    # The hosts that serve ssh on port 443.
    host = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}.get(host, host)
    name, _, port = host.partition(":")
    if not _NAME.fullmatch(name) or not path or (port and not port.isdecimal()):
        return None
    return host, path
