"""Results of the lake's methods: plain values for programs, tests and the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from radops.notebook import ShownAsTable
from radops.repository.sync.report import Problem, SyncReport

if TYPE_CHECKING:
    from radops.format.digest import Digest
    from radops.repository.gc.target import Collected


__all__ = [
    "AddResult",
    "CallInfo",
    "Checks",
    "CodeInfo",
    "DeleteReport",
    "FileInfo",
    "GCReport",
    "InputInfo",
    "Listing",
    "OutputInfo",
    "Problem",
    "Progress",
    "PurgeReport",
    "SearchHit",
    "SyncReport",
]


@dataclass(frozen=True, slots=True)
class Listing:
    """One line of `DataLake.ls`: a file, or a folder of files."""

    uid: str
    """The UID; ends in `/` for a folder."""
    local: bool
    """Whether the bytes are in local storage."""
    remote: bool
    """Whether the name exists in the remote (always False without a remote)."""
    pending: bool = False
    """A finished result that could not be published yet; its name is not taken."""
    size: int | None = None
    created_at: str | None = None
    originator: str | None = None
    digest: Digest | None = None
    files: int | None = None
    """How many files a directory has; None for files, and where only names were read."""

    @property
    def is_folder(self) -> bool:
        """Whether this line represents a folder and all files below it."""
        return self.uid.endswith("/")


@dataclass(frozen=True, slots=True)
class Checks:
    """When bytes on this machine were last read and compared: `DataLake.checks`."""

    objects: int
    """Objects in local storage whose bytes were checked at least once."""
    oldest: float | None
    """When the one that was checked longest ago was, in seconds since 1970; None for none."""
    newest: float | None
    """When one was checked last."""


@dataclass(frozen=True, slots=True)
class LastVerify:
    """The outcome of a verify that was completed: `DataLake.last_verifies`."""

    ended_at: str
    """When it ended: RFC 3339, UTC."""
    seconds: float
    """How long it took."""
    remote: bool
    """Whether the remote was verified, not this machine."""
    quick: bool
    """Whether files that did not change since their last check were trusted."""
    full: bool
    """Whether all bytes were read."""
    targets: list[str]
    """What was verified, the first of them; empty for everything."""
    target_count: int
    """How many these were."""
    files: int
    """Files whose bytes were checked."""
    objects: int
    """Objects behind them."""
    bytes: int
    """Bytes of these objects."""
    trusted: int
    """Files that were not read, as nothing changed since their last check."""
    not_local: int
    """Files that were only in the remote."""
    repaired: int
    """How many findings were repaired."""
    problems: dict[str, int]
    """What was still wrong at the end: how many findings of each kind."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A name that `DataLake.search` found, with what this machine knows of it."""

    uid: str
    originator: str
    """Who made it; empty where only the name is known on this machine, like the rest."""
    function: str
    """`module.name` of the function that made it; empty if it was added."""
    description: str
    tags: list[str]


@dataclass(frozen=True, slots=True)
class InputInfo:
    """One lake file that a call was given (or opened without being given it)."""

    arg: str
    """Its position among the arguments: `f`, `files[3]`."""
    uid: str
    digest: Digest
    record: Digest
    """Digest of the input's own record: what makes lineage a Merkle graph."""
    inner: str | None = None
    """The path of a file in the directory `uid`, whose digest is `digest` then; None if the whole
    of `uid` was given."""

    @property
    def name(self) -> str:
        """The UID, with the path in the directory."""
        return self.uid if self.inner is None else f"{self.uid}/{self.inner}"


@dataclass(frozen=True, slots=True)
class OutputInfo:
    """One file that a call made."""

    uid: str
    digest: Digest
    size: int
    place: int | str | None = None
    """Its position in what the function returned: the index in a list or tuple, the key in a
    dict, None for a single file."""
    files: int | None = None
    """How many files a directory has; None for a file."""


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """The code that made a file."""

    url: str | None
    """Link to the exact line on the code's host, if the host of the git remote is a known one."""
    note: str | None
    """Why there is no link, or why it may not show that code: `the working tree had uncommitted
    changes`, ..."""
    source: str | None
    """The function's source text as it ran."""
    fingerprint: Digest | None
    commit: str | None
    remote: str | None
    """The git remote, without user or password."""
    path: str | None
    line: int | None
    dirty: bool | None


@dataclass(frozen=True, slots=True)
class CallInfo:
    """How a pipeline function made a file."""

    key: Digest
    function: str
    """`module.name` as people know it: `__main__.process` for a function that ran in a script."""
    module: str
    name: str
    version: str | None
    package_version: str | None
    params: dict[str, Any]
    """Parameters other than files, as people would write them, by argument name."""
    inputs: list[InputInfo]
    reads: list[InputInfo]
    outputs: list[OutputInfo]
    code: CodeInfo
    environment: dict[str, Any]
    """`python`, `platform`, `distributions`."""
    started_at: str
    seconds: float
    files_read: list[str] = field(default_factory=list)
    """Local files that the function opened; a change of them is reported."""
    variables_read: list[str] = field(default_factory=list)
    """Environment variables that its code names."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What is known of one file: `DataLake.info`."""

    uid: str
    digest: Digest
    size: int
    name: str
    created_at: str
    originator: str
    radops_version: str
    record: Digest
    """Digest of the record's stored bytes."""
    local: bool
    """Whether the bytes are in local storage."""
    source: str | None
    """Where an added file came from: file name or URL without secrets; None if a call made it."""
    call: CallInfo | None
    type: str = "file"
    """`file` or `directory`. Digest and size of a directory are those of its root: what
    identifies its contents."""
    files: int | None = None
    """How many files a directory has; None for a file."""
    bytes: int | None = None
    """Bytes of these files; None for a file."""
    directory: str | None = None
    """The UID of the directory that holds the file; None if it has its own UID. What made it is
    what made the directory."""
    description: str = ""
    """What people wrote about it with `describe`; empty if nothing, and for a file in a
    directory."""
    tags: list[str] = field(default_factory=list)
    """Its tags, sorted."""


@dataclass(frozen=True, slots=True)
class AddResult(ShownAsTable):
    """A file, or a folder as one directory, that was added."""

    uid: str
    digest: Digest | None
    """Of a directory, of its root; None after a dry run."""
    size: int
    """Bytes of the file; of a directory, of its root."""
    already_there: bool
    """Whether the UID existed before, with the same bytes."""
    restored: bool = False
    """Whether its record existed, but its bytes were missing or wrong; now they are right."""
    source_left: str | None = None
    """For a move: why the source was not removed; None if it was."""
    files: int | None = None
    """How many files a directory has, like the rest of this; None for a file."""
    bytes: int | None = None
    """Bytes of these files."""
    left_out: int = 0
    """How many files of the folder rules left out."""
    rules: int = 0
    """How many rules did so."""
    read: int = 0
    """How many files were read; the others are as they were when they were last added."""


@dataclass(slots=True)
class GCReport(ShownAsTable):
    """What a collection did, or would do: `DataLake.gc`. The totals are of both places."""

    dry_run: bool
    grace: float
    """The grace in seconds: what is younger was left alone."""
    remote: Collected | None = None
    """What was done in the remote; None if it was not looked at."""
    local: Collected | None = None
    """What was done on this machine; None if that was not looked at."""

    @property
    def places(self) -> list[Collected]:
        """The places that were looked at."""
        return [place for place in (self.remote, self.local) if place is not None]

    @property
    def candidates(self) -> int:
        """Objects older than the grace that no record keeps."""
        return sum(place.candidates for place in self.places)

    @property
    def moved(self) -> int:
        """Objects that were moved to the trash."""
        return sum(place.moved for place in self.places)

    @property
    def restored(self) -> int:
        """Objects that were moved back from the trash, as a record keeps them now."""
        return sum(place.restored for place in self.places)

    @property
    def deleted(self) -> int:
        """Objects that were deleted from the trash."""
        return sum(place.deleted for place in self.places)

    @property
    def bytes(self) -> int:
        """Bytes of the objects that were deleted."""
        return sum(place.bytes for place in self.places)

    @property
    def uploads(self) -> int:
        """Unfinished uploads that were aborted; not known in a dry run."""
        return sum(place.uploads for place in self.places)

    @property
    def leases(self) -> int:
        """Leases that no process held any more."""
        return sum(place.leases for place in self.places)

    @property
    def notes(self) -> int:
        """Notes of deleted files that were removed."""
        return sum(place.notes for place in self.places)

    @property
    def runs(self) -> list[str]:
        """The runs in the trash that hold what was moved now."""
        return [place.run for place in self.places if place.run is not None]


@dataclass(frozen=True, slots=True)
class DeleteReport(ShownAsTable):
    """What was deleted, or would be: `DataLake.delete_many`."""

    dry_run: bool
    deleted: list[str]
    """UIDs, each after those that were made from it."""
    bytes: int
    """How large the files are together."""
    directories: int = 0
    """How many of the UIDs are directories."""


@dataclass(slots=True)
class PurgeReport(ShownAsTable):
    """What a purge removed from this machine, or would: `DataLake.purge_local_storage`."""

    dry_run: bool = False
    purged: list[str] = field(default_factory=list)
    """UIDs of the files whose bytes were removed."""
    kept: list[str] = field(default_factory=list)
    """UIDs of files that stayed, as the remote is not known to have their bytes."""
    directories: int = 0
    """How many of these are directories."""
    bytes: int = 0
    """Bytes that were freed."""
    cache: int = 0
    """How much of it by dropping parts of remote files that were read before."""
    streams: int = 0
    """How much of it by dropping what trainings streamed before."""
    size_before: int = 0
    """Bytes that all of local storage took before."""
    size: int = 0
    """Bytes that it takes now."""


class Progress(Protocol):
    """Shows the progress of a long call. All methods may be called from any thread."""

    def start(self, label: str, total_bytes: int | None, total_files: int | None) -> None:
        """Begin a stage; None where the total is not known."""
        ...

    def advance(self, bytes: int, files: int) -> None:  # noqa: A002
        """Count what was done since the last call."""
        ...

    def finish(self) -> None:
        """End the stage, also after an error."""
        ...
