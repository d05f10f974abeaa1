"""Changing the configuration file: whole or not at all, comments kept."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radops.backends.forking import LockDescriptors
from radops.config.check import check_context_name, check_folder, nearest, split_remote
from radops.config.file import (
    CONTEXT_KEYS,
    DEFAULT_CONTEXT,
    FILE_NAME,
    TOP_KEYS,
    Config,
    choose,
    config_path,
    find_home,
    load,
    parse,
    read_text,
)
from radops.errors import ConflictError, InvalidConfigError, LocalStorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping


def update(change: Callable[[MutableMapping[str, Any]], None], home: Path | None = None) -> Config:
    """Change the file, keeping comments and order; safe with two shells at once.

    Args:
        change: Gets the file as a tomlkit document and changes it in place.
        home: Instead of RADOPS_HOME.

    Returns:
        What the file says now. A change that would break the file is refused and not written.

    """
    import tomlkit  # noqa: PLC0415 - slow to import, and reading never needs it

    path = config_path(home)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path = path.resolve()  # a link into a folder of dotfiles stays a link
        with _locked(path.parent):
            before = read_text(path)
            parse(before, path)
            document = tomlkit.parse(before)
            change(document)
            text = tomlkit.dumps(document)
            config = parse(text, path)
            if text != before:
                _replace(path, text, 0o660 if config.shared else 0o600)
    except LocalStorageError:
        raise
    except OSError as error:
        raise LocalStorageError(f"cannot write {path}: {error.strerror}") from error
    return config


def set_values(
    values: Mapping[str, object], context: str | None = None, home: Path | None = None
) -> Config:
    """Set keys of the file, or remove those whose value is None.

    Args:
        values: By key; keys of a context belong to `context`, which must exist.
        context: Instead of the current one.
        home: Instead of RADOPS_HOME.

    """
    for key in values:
        if key not in TOP_KEYS and key not in CONTEXT_KEYS:
            known = (*TOP_KEYS, *CONTEXT_KEYS)
            raise InvalidConfigError(f"unknown key {key!r}", hint=nearest(key, known))
    checked = _checked(values, home)
    name, _ = choose(load(home), context, config_path(home))

    def change(document: MutableMapping[str, Any]) -> None:
        for key, value in checked.items():
            table = document if key in TOP_KEYS else _context(document, name)
            if value is None:
                table.pop(key, None)
            else:
                table[key] = value

    return update(change, home)


def create_context(
    name: str,
    values: Mapping[str, object],
    *,
    use: bool = False,
    replace: bool = False,
    email: str | None = None,
    home: Path | None = None,
) -> Config:
    """Write a context; with `use`, also make it the current one; with `email`, set that too.

    Raises:
        ConflictError: It exists and `replace` is not set.

    """
    check_context_name(name)
    fields = _checked(
        {key: value for key, value in values.items() if value not in (None, "")}, home
    )

    def change(document: MutableMapping[str, Any]) -> None:
        if name in document.get("contexts", {}) and not replace:
            raise ConflictError(
                f"the context {name!r} exists already",
                hint=f"change it: radops config set KEY VALUE --context {name}",
            )
        table = _context(document, name)
        for key in CONTEXT_KEYS:
            if key in fields:
                table[key] = fields[key]
            else:
                table.pop(key, None)
        if use:
            document["current_context"] = name
        if email:
            document["email"] = email

    return update(change, home)


def delete_context(name: str, home: Path | None = None) -> Config:
    """Remove a context from the file. The files of its lake stay where they are.

    Raises:
        InvalidConfigError: The file has no such context.
        ConflictError: It is the current context.

    """
    path = config_path(home)

    def change(document: MutableMapping[str, Any]) -> None:
        contexts = document.get("contexts", {})
        if name not in contexts:
            hint = nearest(name, contexts, "contexts")
            if name == DEFAULT_CONTEXT:
                hint = "default exists without configuration and cannot be deleted"
            raise InvalidConfigError(f"no context {name!r} in {path}", hint=hint)
        if name == document.get("current_context", DEFAULT_CONTEXT):
            raise ConflictError(
                f"{name!r} is the current context",
                hint="make another one current first: radops config use-context NAME",
            )
        del contexts[name]
        if not contexts:
            del document["contexts"]

    return update(change, home)


def use_context(name: str, home: Path | None = None) -> Config:
    """Make a context the current one."""
    choose(load(home), name, config_path(home))
    return set_values({"current_context": name}, home=home)


def _checked(values: Mapping[str, object], home: Path | None) -> dict[str, object]:
    """Return the values as they are to be written: a remote's query becomes keys of its own."""
    checked = dict(values)
    if isinstance(url := values.get("remote"), str):
        checked["remote"], options = split_remote(url)
        check_folder(split_remote(url)[0], find_home(home))
        checked = {**checked, **options}
    return checked


def _context(document: MutableMapping[str, Any], name: str) -> MutableMapping[str, Any]:
    """Return the context's table in the document, made if need be."""
    import tomlkit  # noqa: PLC0415 - see `update`

    if "contexts" not in document:
        document["contexts"] = tomlkit.table(is_super_table=True)
    contexts: MutableMapping[str, MutableMapping[str, Any]] = document["contexts"]
    if name not in contexts:
        contexts[name] = tomlkit.table()
    return contexts[name]


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's advisory lock; go without one where the file system has none."""
    descriptors = LockDescriptors()
    try:
        handle = descriptors.open(lambda: os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        descriptors.close()


def _replace(path: Path, text: str, mode: int) -> None:
    """Put `text` in the file's place at once, durably, with the old one's mode if there is one."""
    import tempfile  # noqa: PLC0415 - slow to import, and reading never needs it

    with contextlib.suppress(FileNotFoundError):
        mode = path.stat().st_mode & 0o777
    handle, name = tempfile.mkstemp(prefix=f".{FILE_NAME}-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
