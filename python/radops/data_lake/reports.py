"""What the lake answers: plain values for programs, tests and the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from radops.repository.sync import Problem, SyncReport

if TYPE_CHECKING:
    from radops.model.digest import Digest
    from radops.repository.gc import Collected


__all__ = [
    "AddResult",
    "CallInfo",
    "CodeInfo",
    "FileInfo",
    "GCReport",
    "InputInfo",
    "Listing",
    "OutputInfo",
    "Problem",
    "Progress",
    "PurgeReport",
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
    """Whether the name stands in the remote (always False without a remote)."""
    pending: bool = False
    """A finished result that could not be published yet; its name is not taken."""
    size: int | None = None
    created_at: str | None = None
    originator: str | None = None
    digest: Digest | None = None

    @property
    def is_folder(self) -> bool:
        """Whether this line stands for all files below it."""
        return self.uid.endswith("/")


@dataclass(frozen=True, slots=True)
class InputInfo:
    """One lake file that a call was given (or opened without being given it)."""

    arg: str
    """Where it stood among the arguments: `f`, `files[3]`."""
    uid: str
    digest: Digest
    record: Digest
    """Digest of the input's own record: what makes lineage a Merkle graph."""


@dataclass(frozen=True, slots=True)
class OutputInfo:
    """One file that a call made."""

    uid: str
    digest: Digest
    size: int
    place: int | str | None = None
    """Where it stood in what the function returned: the index in a list or tuple, the key in a
    dict, None for a single file."""


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """The code that made a file."""

    url: str | None
    """Link to the exact line on the code's host, where the git remote is one we know."""
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


@dataclass(frozen=True, slots=True)
class AddResult:
    """One file that was added."""

    uid: str
    digest: Digest
    size: int
    already_there: bool
    """Whether the same bytes stood under that UID before."""
    restored: bool = False
    """Whether its record stood, but its bytes did not, or no longer whole: now they do."""


@dataclass(slots=True)
class GCReport:
    """What a collection did, or would do: `DataLake.gc`. The totals are of both places."""

    dry_run: bool
    grace: float
    """Seconds for which everything was left alone."""
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
        """Objects that went to the trash."""
        return sum(place.moved for place in self.places)

    @property
    def restored(self) -> int:
        """Objects that came back from the trash, as a record keeps them now."""
        return sum(place.restored for place in self.places)

    @property
    def deleted(self) -> int:
        """Objects in the trash that are gone for good."""
        return sum(place.deleted for place in self.places)

    @property
    def bytes(self) -> int:
        """Bytes of the objects that are gone for good."""
        return sum(place.bytes for place in self.places)

    @property
    def uploads(self) -> int:
        """Unfinished uploads that were aborted; not known in a dry run."""
        return sum(place.uploads for place in self.places)

    @property
    def leases(self) -> int:
        """Leases that nobody held any more."""
        return sum(place.leases for place in self.places)

    @property
    def runs(self) -> list[str]:
        """The runs in the trash that hold what was moved now."""
        return [place.run for place in self.places if place.run is not None]


@dataclass(slots=True)
class PurgeReport:
    """What a purge removed from this machine, or would: `DataLake.purge_local_storage`."""

    dry_run: bool = False
    purged: list[str] = field(default_factory=list)
    """UIDs of the files whose bytes went."""
    kept: list[str] = field(default_factory=list)
    """UIDs of files that were to go, but whose bytes the remote is not known to have."""
    bytes: int = 0
    """Room that was made."""
    size_before: int = 0
    """Bytes that all of local storage took before."""
    size: int = 0
    """Bytes that it takes now."""


class Progress(Protocol):
    """What shows people how far a long call is. All methods may be called from any thread."""

    def start(self, label: str, total_bytes: int | None, total_files: int | None) -> None:
        """Begin a stage; None where the total is not known."""
        ...

    def advance(self, bytes: int, files: int) -> None:  # noqa: A002
        """Count what was done since the last call."""
        ...

    def finish(self) -> None:
        """End the stage, also after an error."""
        ...
