"""Errors of the local disk as errors of radops."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from radops import native
from radops.errors import FileChangedError, LocalStorageError, RadopsError

if TYPE_CHECKING:
    from collections.abc import Iterator


def wrap(error: OSError, path: Path) -> RadopsError:
    """Return the error that states what happened to a file."""
    if error.filename:  # of a copy either side can be what is wrong
        path = Path(os.fsdecode(error.filename))
    if isinstance(error, native.FileChangedError):
        return FileChangedError(f"{path} changed while it was read", hint="run the command again")
    return LocalStorageError(f"{path}: {error.strerror or error}")


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an error of the operating system about `path` into one of radops."""
    try:
        yield
    except RadopsError:
        raise
    except OSError as error:
        raise wrap(error, Path(os.fsdecode(error.filename)) if error.filename else path) from error
