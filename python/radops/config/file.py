"""The configuration file: its shape, and reading it strictly."""

from __future__ import annotations

import functools
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from radops.backends.location import CHOICES, RemoteOptions
from radops.config.check import check_context_name, check_email, check_size, nearest, split_remote
from radops.errors import InvalidConfigError, LocalStorageError
from radops.structs import convert, prepared

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

T = TypeVar("T")

_LOG = logging.getLogger("radops")

FILE_NAME = "config.toml"
DEFAULT_CONTEXT = "default"
CODE_CHANGE = ("warn", "error", "ignore")
# More than any hand-written configuration needs.
_MAX_FILE = 1 << 20


@prepared
@dataclass(frozen=True, kw_only=True)
class Context(RemoteOptions):
    """A named lake: where its remote is, and how to reach it."""

    remote: str | None = None
    upload_patch: bool = False
    """Whether the patch of a dirty work tree is stored with the results made from it."""


@prepared
class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    current_context: str = DEFAULT_CONTEXT
    email: str | None = None
    on_code_change: Literal["warn", "error", "ignore"] = "warn"
    shared: Literal["group"] | None = None
    cache_size: str | int | None = None
    """Most bytes of parts of remote files that are kept on this machine: `10GB`; 0 for none."""
    contexts: dict[str, Context] = msgspec.field(default_factory=dict)

    def all_contexts(self) -> dict[str, Context]:
        """Return every context that can be used; `default` needs no configuration."""
        return {DEFAULT_CONTEXT: Context(), **self.contexts}


TOP_KEYS = ("current_context", "email", "on_code_change", "shared", "cache_size")
CONTEXT_KEYS = ("remote", *RemoteOptions.names(), "upload_patch")

KEY_CHOICES = {
    "on_code_change": CODE_CHANGE,
    "shared": ("group",),
    "upload_patch": ("true", "false"),
    **CHOICES,
}
"""The values of keys that take one of a fixed set, as text."""


def find_home(home: str | os.PathLike[str] | None = None) -> Path:
    """Return the absolute path of the home: the argument, else RADOPS_HOME, else `~/.radops`."""
    try:
        path = Path(home or os.environ.get("RADOPS_HOME") or "~/.radops").expanduser()
    except RuntimeError as error:  # no HOME and no entry in the password database
        raise InvalidConfigError(
            "the home folder is unknown: HOME is not set", hint="set RADOPS_HOME"
        ) from error
    if not home and not path.is_absolute():
        _warn_of_relative(path)
    return path.absolute()


@functools.cache
def _warn_of_relative(path: Path) -> None:
    _LOG.warning(
        'RADOPS_HOME is "%s", which is another home in every current folder; here it is %s',
        path,
        path.absolute(),
    )


def config_path(home: Path | None = None) -> Path:
    """Return where the configuration file is, or would be."""
    return find_home(home) / FILE_NAME


def load(home: Path | None = None) -> Config:
    """Read the file; the embedded default if there is none.

    Raises:
        InvalidConfigError: With the key, and the line where TOML itself is broken.
        LocalStorageError: The file cannot be read.

    """
    path = config_path(home)
    return parse(read_text(path), path)


def choose(config: Config, wanted: str | None, path: Path) -> tuple[str, Context]:
    """Return the context in use and its name: the wanted one, else RADOPS_CONTEXT's or the file's.

    Args:
        config: What the file says.
        wanted: From an argument.
        path: Of the file, for messages.

    """
    name = wanted or os.environ.get("RADOPS_CONTEXT") or config.current_context
    known = config.all_contexts()
    if name in known:
        return name, known[name]
    hint = nearest(name, known, "contexts")
    raise InvalidConfigError(
        f"no context {name!r} in {path}", hint=f"{hint} (new: radops config create-context)"
    )


def read_text(path: Path) -> str:
    """Return the file's text, "" if there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE + 1)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise LocalStorageError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _MAX_FILE:
        raise InvalidConfigError(f"{path} is larger than a configuration can be")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidConfigError(f"{path} is not UTF-8 text (at line {line})") from error


def parse(text: str, path: Path) -> Config:
    """Return the configuration in the text; `path` is for messages."""
    try:
        raw: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidConfigError(f"{path} is not valid TOML: {error}") from error
    _only_known(raw, (*TOP_KEYS, "contexts"), str(path))
    contexts = raw.get("contexts")
    for name, table in contexts.items() if isinstance(contexts, dict) else ():
        check_context_name(name)
        if isinstance(table, dict):
            _only_known(table, CONTEXT_KEYS, f"[contexts.{name}] of {path}")
            _check_context(table, f"{path}: contexts.{name}.")
    config = _convert(raw, Config, f"{path}: ")
    if config.email is not None:
        check_email(config.email, f"{path}: email")
    if config.cache_size is not None:
        check_size(config.cache_size, f"{path}: cache_size")
    return config


def _check_context(table: Mapping[str, Any], where: str) -> None:
    # Converted one by one: msgspec's paths leave out which context it was.
    context = _convert(table, Context, where)
    if context.remote is not None:
        split_remote(context.remote, f"{where}remote")


def _convert(table: Mapping[str, Any], kind: type[T], where: str) -> T:
    """Return `table` as `kind`; `where` comes before the key in the message."""
    try:
        return convert(table, kind)
    except msgspec.ValidationError as error:
        if isinstance(fault := error.__cause__, InvalidConfigError):  # of a remote's options
            raise InvalidConfigError(f"{where}{fault.message}", hint=fault.hint) from fault
        # TOML has no null, so the message leaves it out.
        what, _, at = str(error).replace(" | null", "").partition(" - at ")
        key = at.strip("`").removeprefix("$").removeprefix(".")
        raise InvalidConfigError(f"{where}{key}: {what[0].lower()}{what[1:]}") from error


def _only_known(table: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for key in table:
        if key not in known:
            below = key in CONTEXT_KEYS
            hint = f"{key} belongs below [contexts.NAME]" if below else nearest(key, known)
            raise InvalidConfigError(f"unknown key {key!r} in {where}", hint=hint)
