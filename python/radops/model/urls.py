"""URLs as they may stand in records, logs and messages: without secrets."""

from __future__ import annotations

import re
from urllib.parse import quote

_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")
# Helper prefixes of git (`ext::https://...`), a scheme, and as many slashes as somebody typed.
_SCHEME = re.compile(r"(?a)((?:[a-z][a-z0-9+.-]*::)*)([a-z][a-z0-9+.-]*):([/\\]+)", re.IGNORECASE)
_LOCAL = re.compile(r"\.{0,2}/(?!/)|~|\.{1,2}\Z")
_HOST = re.compile(
    r"(?:\[[0-9a-f:.]*(?:%[a-z0-9._~-]*)?\]|[^:\[\]]*)(?::[0-9]*)?", re.ASCII | re.IGNORECASE
)
_NAME = re.compile(r"[a-z0-9.-]+", re.ASCII | re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)


def strip_url(url: str) -> str:
    """Return the URL or git remote without user, password, query and fragment.

    Also for what no parser accepts: what could be a secret goes, if need be all but the scheme.
    A path of this machine stays as it is, and stripping twice changes nothing.

    Args:
        url: `https://user:token@host/path?query`, `git@host:path`, `s3://bucket/key`, a path, ...
    """
    url = _INVISIBLE.sub("", url)
    if found := _SCHEME.match(url):
        helpers, scheme, slashes = found[1], found[2].lower(), found[3]
        rest = url[found.end() :]
        if scheme == "file" and len(slashes) != 2:
            return f"{helpers}{scheme}:{'//' if len(slashes) > 2 else ''}/{_without_query(rest)}"
        return f"{helpers}{scheme}://{_strip_authority(rest)}"
    if url.startswith("//"):
        return f"//{_strip_authority(url.lstrip('/'))}"
    if _LOCAL.match(url):
        return url
    # `user@host:path` as git writes it, or a mistake: a secret would stand before an @.
    _, at, rest = url.rpartition("@")
    # What is left without it may look like something else, as in `@https://...`.
    return strip_url(_without_query(rest)) if at else _without_query(rest)


def _without_query(text: str) -> str:
    return re.split(r"[?#]", text, maxsplit=1)[0]


def _strip_authority(rest: str) -> str:
    """Return what follows `scheme://` without user info, query and fragment."""
    end = re.search(r"[/\\?#]|\Z", rest)
    stop = end.start() if end else len(rest)
    authority, tail = rest[:stop], rest[stop:]
    authority = authority.rpartition("@")[2]
    is_host = _HOST.fullmatch(authority) is not None
    if "@" in tail and (tail[0] != "/" or not authority or not is_host):
        # Either a password with a character that was not escaped, or a query with an @: nothing
        # is left that could not be a part of one of them.
        return ""
    if not is_host:
        # `https://user:password` and no host at all.
        authority = re.split(r"[:\[\]]", authority, maxsplit=1)[0]
    # A path without a host before it would be taken for the host when it is read again.
    return authority + _without_query(tail) if authority else ""


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
    if found := _SCHEME.match(remote):
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
