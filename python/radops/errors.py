"""Every error that radops raises, in one tree.

::

    RadopsError                     exit 1   the work failed
    ├── CreatorError                exit 1   a pipeline function broke a rule of `file_creator`
    │   └── CallsFailedError        exit 1   some of many calls raised, the others are done
    ├── IntegrityError              exit 1   `VerifyReport.raise_for_problems` found problems
    ├── UsageError (ValueError)     exit 2   the caller passed something that can never work
    │   ├── InvalidUIDError         exit 2   a name that cannot be a UID
    │   ├── InvalidConfigError      exit 2   the configuration cannot be used
    │   ├── FolderRefusedError      exit 2   a folder that cannot be a directory of the lake
    │   ├── MissingLibraryError (ImportError)    an optional library that is not installed
    │   └── ArgumentTypeError (TypeError)    an argument that cannot be recorded
    ├── UIDNotFoundError (FileNotFoundError)             exit 3
    ├── ConflictError               exit 4
    │   ├── UIDConflictError (FileExistsError)           the UID has other bytes, or is a folder
    │   ├── LineageMismatchError    exit 4   the UID was made in another way
    │   └── HasDependentsError      exit 4   other files were made from it
    ├── CorruptDataError            exit 5
    │   ├── CorruptObjectError      exit 5   bytes that are not what their digest says
    │   └── CorruptRecordError      exit 5   a record that does not decode or names another UID
    ├── RemoteUnavailableError (ConnectionError)         exit 6; trying again helps
    ├── RemoteRefusedError          exit 7   credentials, policy; trying again does not help
    │   ├── UnsafeRemoteError       exit 7   the remote ignores create-if-absent
    │   ├── ForeignLakeError        exit 7   the remote holds another lake
    │   └── NewerFormatError        exit 7   written by a later version of radops
    └── LocalStorageError (OSError) exit 8   local disk, permission, or a file that cannot be read
        ├── MissingFileError (FileNotFoundError)         a local file that does not exist
        └── FileChangedError        exit 8   a file changed while it was read

Messages are one or two short lines: what happened, to what. `hint` says what to do. URLs in them
lose user, password, query and fragment.
Every error can be pickled, so it can cross process borders.
"""

from __future__ import annotations

from typing import Any, ClassVar

from radops.redact import redact


class RadopsError(Exception):
    """The root of all errors of radops.

    Args:
        message: What happened and to what, without a trailing full stop.
        uid: The UID concerned, where there is one.
        hint: What the person can do about it.
    """

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "failed"
    is_pending: bool = False
    """Whether the finished result is on this machine and waits for the next `sync`."""

    def __init__(self, message: str, *, uid: str | None = None, hint: str | None = None) -> None:
        message = redact(message)
        hint = None if hint is None else redact(hint)
        super().__init__(message)
        self.message = message
        self.uid = None if uid is None else redact(uid)
        self.hint = hint
        if hint is not None and hasattr(self, "add_note"):
            self.add_note(f"hint: {hint}")  # from Python 3.11 on tracebacks show it

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message), self.__dict__


def _rebuild(kind: type[RadopsError], message: str) -> RadopsError:
    error = kind.__new__(kind, message)
    RadopsError.__init__(error, message)
    return error


class CreatorError(RadopsError):
    """A function under `file_creator` broke one of its rules."""

    code = "creator"


class CallsFailedError(CreatorError):
    """Some calls of `Creator.map` raised; the others are done."""

    code = "calls-failed"
    failures: tuple[Any, ...] = ()
    """The `Failure` of each: its index, arguments and error."""
    results: tuple[Any, ...] = ()
    """What all calls returned, in order; None for those that failed."""


class IntegrityError(RadopsError):
    """A verification found problems; the message lists them."""

    code = "integrity"


class UsageError(RadopsError, ValueError):
    """The caller passed something that can never work."""

    exit_code = 2
    code = "usage"


class InvalidUIDError(UsageError):
    """The text cannot be a UID."""

    code = "invalid-uid"
    reason: str = ""
    """Which rule the text breaks: the same for all texts that break it in one way."""


class InvalidConfigError(UsageError):
    """The configuration cannot be used; the message names the key."""

    code = "invalid-config"


class FolderRefusedError(UsageError):
    """A folder holds what a directory of the lake cannot; the message names the first files."""

    code = "folder-refused"
    reasons: tuple[tuple[str, int, tuple[str, ...]], ...] = ()
    """For each reason: a word for it, how many files there are, and at most ten paths."""


class MissingLibraryError(UsageError, ImportError):
    """A part of radops needs a library that is not installed; the hint says how to get it."""

    code = "missing-library"


class ArgumentTypeError(UsageError, TypeError):
    """An argument of a pipeline function cannot be recorded; the message names it."""

    code = "argument-type"


class UIDNotFoundError(RadopsError, FileNotFoundError):
    """No file of that name is in the lake."""

    exit_code = 3
    code = "not-found"


class ConflictError(RadopsError):
    """The request contradicts what is in the lake."""

    exit_code = 4
    code = "conflict"


class UIDConflictError(ConflictError, FileExistsError):
    """The UID exists with other bytes, or as a folder, or below a file."""

    code = "uid-conflict"


class LineageMismatchError(ConflictError):
    """The UID exists but was made in another way; the message names the difference."""

    code = "lineage-mismatch"


class HasDependentsError(ConflictError):
    """The file cannot be deleted: others were made from it."""

    code = "has-dependents"
    dependents: tuple[str, ...] = ()
    """Their UIDs."""


class CorruptDataError(RadopsError):
    """Stored data is damaged. It was not returned."""

    exit_code = 5
    code = "corrupt"


class CorruptObjectError(CorruptDataError):
    """Bytes do not match their digest or size."""

    code = "corrupt-object"


class CorruptRecordError(CorruptDataError):
    """A record does not decode, is not canonical, or names another UID."""

    code = "corrupt-record"


class RemoteUnavailableError(RadopsError, ConnectionError):
    """The remote could not be reached or kept failing; trying again helps."""

    exit_code = 6
    code = "remote-unavailable"


class RemoteRefusedError(RadopsError):
    """The remote refused: credentials, rights, a missing bucket."""

    exit_code = 7
    code = "remote-refused"
    digests: tuple[str, ...] = ()
    """The objects that were refused while others were given, as hexadecimal text."""


class UnsafeRemoteError(RemoteRefusedError):
    """The remote ignores create-if-absent, so radops does not write to it."""

    code = "unsafe-remote"


class ForeignLakeError(RemoteRefusedError):
    """The remote holds another lake than the one this context belongs to."""

    code = "foreign-lake"


class NewerFormatError(RemoteRefusedError):
    """Written by a later version of radops, or with a feature this version does not know."""

    code = "newer-format"


class LocalStorageError(RadopsError, OSError):
    """The local disk failed, is full, or permission was denied."""

    exit_code = 8
    code = "local-storage"


class MissingFileError(LocalStorageError, FileNotFoundError):
    """A local file does not exist."""

    code = "missing-file"


class FileChangedError(LocalStorageError):
    """A file changed its size or times while it was being read."""

    code = "file-changed"
