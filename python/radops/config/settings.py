"""The settings of one lake, from arguments, variables and the file."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from radops.arguments import check_flags, check_name
from radops.config.check import (
    OPTION_KEYS,
    check_context_name,
    check_email,
    check_folder,
    check_options,
    check_size,
    is_email,
    split_remote,
)
from radops.config.file import CODE_CHANGE, FILE_NAME, Context, choose, find_home, load
from radops.errors import InvalidConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from radops.backends.location import RemoteOptions

LEASE_SECONDS = 60.0
"""Long enough for a network that hiccups or an interpreter that is stuck in a long call, short
enough to wait for."""

_LONGEST_LEASE_SECONDS = 3600.0
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


@dataclass(frozen=True)
class Settings:
    """The settings of one lake."""

    home: Path
    """Absolute; holds `config.toml` and `storage/`. May not exist yet."""
    context: str
    remote: str | None
    """`s3://bucket[/prefix]` or `file:///folder`, without options; None: local only."""
    options: RemoteOptions
    email: str | None
    """As configured; `originator` is what goes into records."""
    offline: bool
    on_code_change: Literal["warn", "error", "ignore"]
    shared: Literal["group"] | None
    upload_patch: bool
    lease_seconds: float = LEASE_SECONDS
    """How long a process may not renew its lease before others take over; 0: none waits."""
    cache_size: int | None = None
    """Most bytes of parts of remote files that are kept here; None for the default."""

    @cached_property
    def originator(self) -> str:
        """The configured e-mail, else git's, else `user@host`. May start git, once."""
        return self.email or guess_originator()


def resolve(
    context: str | None = None,
    home: Path | None = None,
    remote: str | None = None,
    offline: bool | None = None,
) -> Settings:
    """Put arguments, variables and file together, in that order of precedence.

    Args:
        context: Name of a configured context.
        home: Instead of RADOPS_HOME.
        remote: Instead of the context's remote; may carry options in its query.
        offline: Instead of RADOPS_OFFLINE.

    """
    for given, what in ((context, "context"), (remote, "remote")):
        if given is not None:
            check_name(given, what)
    check_flags(offline=offline)
    home = find_home(home)
    config = load(home)
    name, chosen = choose(config, context, home / FILE_NAME)
    url, options = _remote(chosen, name, remote)

    email = config.email
    if override := os.environ.get("RADOPS_EMAIL"):
        check_email(override, "RADOPS_EMAIL")
        email = override
    on_code_change: Any = os.environ.get("RADOPS_ON_CODE_CHANGE") or config.on_code_change
    if on_code_change not in CODE_CHANGE:
        raise InvalidConfigError(
            f"RADOPS_ON_CODE_CHANGE is {on_code_change!r}", hint="use warn, error or ignore"
        )
    return Settings(
        home=home,
        context=name,
        remote=url,
        options=options,
        email=email,
        offline=_flag("RADOPS_OFFLINE") if offline is None else offline,
        on_code_change=on_code_change,
        shared=config.shared,
        upload_patch=chosen.upload_patch,
        lease_seconds=_seconds("RADOPS_LEASE_SECONDS", LEASE_SECONDS),
        cache_size=_cache_size(config.cache_size),
    )


def preview(name: str, values: Mapping[str, Any], home: Path | None = None) -> Settings:
    """Return the settings that a context of these values would give, before it is written.

    No variable overrides them and they are never offline, as they are about to be checked.
    """
    home = find_home(home)
    config = load(home)
    check_context_name(name)
    url: str | None = None
    options = {key: values.get(key) or None for key in OPTION_KEYS}
    if remote := values.get("remote"):
        url, query = split_remote(remote)
        options |= query
        check_folder(url, home)
    return Settings(
        home=home,
        context=name,
        remote=url,
        options=check_options(options, ""),
        email=config.email,
        offline=False,
        on_code_change=config.on_code_change,
        shared=config.shared,
        upload_patch=bool(values.get("upload_patch")),
    )


def _remote(chosen: Context, name: str, argument: str | None) -> tuple[str | None, RemoteOptions]:
    """Return the remote's URL and options.

    For each option the first of these that names it counts: the query of a URL that was given
    as argument or in RADOPS_REMOTE, RADOPS_S3_ENDPOINT_URL, the file.
    """
    url: str | None = None
    values = {key: getattr(chosen, key) for key in OPTION_KEYS}
    where = f"contexts.{name}."
    if chosen.remote:
        url, query = split_remote(chosen.remote, f"{where}remote")
        values |= query
    if endpoint := os.environ.get("RADOPS_S3_ENDPOINT_URL"):
        where = "RADOPS_S3_ENDPOINT_URL: "
        values["endpoint_url"] = endpoint
    if override := argument or os.environ.get("RADOPS_REMOTE"):
        where = "the remote: " if argument else "RADOPS_REMOTE: "
        url, query = split_remote(override, where.removesuffix(": "))
        values |= query
    return url, check_options(values, where)


def _flag(name: str) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value not in _TRUE and value not in _FALSE:
        raise InvalidConfigError(f"{name} is {value!r}", hint="use 1 or 0")
    return value in _TRUE


def _seconds(name: str, default: float) -> float:
    text = os.environ.get(name, "").strip()
    try:
        seconds = float(text) if text else default
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_LEASE_SECONDS:
        raise InvalidConfigError(f"{name} is {text!r}", hint="use seconds, 0 to 3600")
    return seconds


def _cache_size(configured: str | int | None) -> int | None:
    if text := os.environ.get("RADOPS_CACHE_SIZE", "").strip():
        return check_size(text, "RADOPS_CACHE_SIZE")
    return None if configured is None else check_size(configured, "cache_size")


def guess_originator() -> str:
    """Return the originator if none is configured: git's e-mail, else `user@host`."""
    return _git_email() or _user_at_host()


def _git_email() -> str | None:
    try:
        done = subprocess.run(
            ["git", "config", "--get", "user.email"],  # noqa: S607 - the git that people use
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    email = done.stdout.decode(errors="replace").strip()
    return email if is_email(email) else None


def _user_at_host() -> str:
    import getpass  # noqa: PLC0415 - rarely needed

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = f"uid{os.getuid()}"
    return f"{user}@{os.uname().nodename}".encode(errors="replace").decode()
