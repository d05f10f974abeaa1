"""A call of a pipeline function as records hold it."""

import bisect
import math
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from radops.errors import CorruptRecordError
from radops.format import cbor
from radops.format.digest import Digest
from radops.format.inner import check_inner_path
from radops.format.uid import UID, check_stored_uid
from radops.format.wire import (
    CALL_KIND,
    VERSION,
    is_sorted_unique,
    parse_time,
    read_header,
    require,
    typed,
    untyped,
)
from radops.redact import strip_url
from radops.structs import prepared

CALL_INLINE_LIMIT = 64 * 1024
"""Bytes of an encoded call up to which it is part of the record itself. Records are read one by
one, over the network, for listings and lineage: a long call must not slow those down."""

SHARED_OUTPUTS = 64
"""Outputs of a call up to which each record keeps the objects of all of them."""
SHARED_PAIRS = 1024
"""Pairs of an input and an output up to which each pair has an edge."""

Size = Annotated[int, Meta(ge=0)]
Check = Annotated[bytes, Meta(min_length=3, max_length=3)]
CommitHash = Annotated[str, Meta(pattern=r"\A([0-9a-f]{40}|[0-9a-f]{64})\Z")]


class CallInput(msgspec.Struct, frozen=True):
    """A lake file that a call was given, or that it opened by itself."""

    arg: str
    """Its place among the arguments, `f` or `files[3]`; empty for `Call.reads`."""
    uid: UID
    digest: Digest
    """Its bytes; of a directory, those of its root."""
    record: Digest
    """The digest of its record: so lineage is a Merkle DAG."""
    inner: str | UnsetType = UNSET
    """The path of a file in the directory `uid`, whose digest is `digest` then. Absent: the
    whole of `uid`."""

    def __post_init__(self) -> None:
        check_stored_uid(self.uid)
        if self.inner is not UNSET:
            check_inner_path(self.inner)


class CallOutput(msgspec.Struct, frozen=True):
    """A file or a directory that a call made."""

    uid: UID
    digest: Digest
    size: Size
    place: Size | str | None = None
    """Its place in what the function returned: the index in a list or tuple, the key in a
    dict, None for a single file. So a later call gets the same shape without running."""
    layout: Digest | UnsetType = UNSET
    """Of a directory, like the next two: where in packs its files are. Absent for a file."""
    files: Size | UnsetType = UNSET
    """How many files the directory has."""
    bytes: Size | UnsetType = UNSET
    """Bytes of these files."""

    def __post_init__(self) -> None:
        check_stored_uid(self.uid)
        present = {field is not UNSET for field in (self.layout, self.files, self.bytes)}
        require(len(present) == 1, "an output with only some fields of a directory")


class Git(msgspec.Struct, frozen=True, kw_only=True):
    """Where the code was under version control."""

    remote: str | None
    """Without user info and query."""
    commit: CommitHash | None
    path: str | None
    """The file, from the root of the repository, with `/`."""
    line: Annotated[int, Meta(ge=1)] | None
    """The line of the function's `def`, counted from 1."""
    dirty: bool
    """Whether tracked files differed from the commit."""
    pushed: bool | None
    """Whether a remote-tracking branch held the commit; None: not known."""
    patch: Digest | None
    """The object with the difference, where the configuration has it uploaded."""


class Code(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The code of the function that was called."""

    fingerprint: Digest | None
    """Of the syntax tree, without comments, docstrings and layout; None: source not available."""
    source: str | None
    run_as: str | None
    """The `__name__` that the module ran under, for display; `__main__` for a script."""
    git: Git | None
    parts: dict[str, Check] | None = None
    """What the fingerprint consists of, by names for people, `clean (helpers.py)`, to report what
    changed; None in records of versions that did not keep it."""


class Noticed(msgspec.Struct, frozen=True, kw_only=True):
    """What a call read beside lake files: it is not part of the key, so a change is reported.

    Checks show whether something changed and nothing else: they are salted with the call's key
    and too short to confirm a guess.
    """

    files: dict[str, Check | None]
    """Local files that the function opened. A path is relative to the function's project, or
    begins with `~/` or `/`. None for a file that was too large to be read again."""
    variables: dict[str, Check | None]
    """Environment variables that the code names; None for one that was not set."""


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What the call ran in."""

    python: str
    platform: str
    distributions: dict[str, str]
    """Name and version of each distribution that was imported."""


@prepared
class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call of a pipeline function: what it was given, what it made, with which code.

    Sequences are sorted, so that one call has one encoding; the order of UTF-8 bytes is that of
    Python's text.
    """

    key: Digest
    """See `radops.format.key`."""
    module: Annotated[str, Meta(min_length=1)]
    name: Annotated[str, Meta(min_length=1)]
    """The function's qualified name."""
    package_version: str | None
    """The version of the distribution that holds the module."""
    version: str | None
    """As given to the decorator."""
    params: dict[str, Any]
    """Argument name to canonical value, see `radops.format.params`."""
    inputs: tuple[CallInput, ...]
    """Sorted by `arg`, each once."""
    reads: tuple[CallInput, ...]
    """Lake files that the function opened without being given them. Sorted by UID, then by the
    inner path, absent first; each once."""
    outputs: tuple[CallOutput, ...]
    """At least one. Sorted by UID, each once."""
    code: Code
    environment: Environment
    started_at: str
    """See `radops.format.wire.parse_time`."""
    seconds: float
    noticed: Noticed | None = None
    """None if there is nothing, and in records of versions that did not keep it."""

    def __post_init__(self) -> None:
        require(len(self.outputs) > 0, "a call without outputs")
        require(is_sorted_unique([item.arg for item in self.inputs]), "inputs that are not sorted")
        reads = [(item.uid, item.inner or "") for item in self.reads]
        require(is_sorted_unique(reads), "reads that are not sorted")
        require(is_sorted_unique([out.uid for out in self.outputs]), "outputs that are not sorted")
        roots = dict(self.trees)
        require(len(roots) == len(self.trees), "one directory with two layouts")
        require(math.isfinite(self.seconds) and self.seconds >= 0, "a duration that is none")
        parse_time(self.started_at)

    @property
    def trees(self) -> list[tuple[Digest, Digest]]:
        """Root and layout of each directory among the outputs: sorted, each pair once."""
        pairs = {(out.digest, out.layout) for out in self.outputs if out.layout is not UNSET}
        return sorted(pairs)

    @property
    def is_shared(self) -> bool:
        """Whether its records only name the call, which keeps the objects for all of them.

        If each of n records listed n objects, and each input had an edge to each output, records
        and edges would grow with the square of the outputs.
        """
        outputs, inputs = len(self.outputs), len(self.inputs) + len(self.reads)
        many = outputs > SHARED_OUTPUTS or (outputs > 1 and outputs * inputs > SHARED_PAIRS)
        return many and not self.trees

    def output(self, uid: str) -> "CallOutput | None":
        """Return the output of that name, None if the call did not make it."""
        place = bisect.bisect_left(self.outputs, uid, key=lambda one: one.uid)
        found = self.outputs[place : place + 1]
        return found[0] if found and found[0].uid == uid else None

    @property
    def keeps(self) -> set[Digest]:
        """The objects that must stay as long as a record of this call: outputs and patch."""
        digests = {output.digest for output in self.outputs}
        digests |= {layout for _, layout in self.trees}
        if self.code.git is not None and self.code.git.patch is not None:
            digests.add(self.code.git.patch)
        return digests


def call_tree(call: Call) -> dict[str, Any]:
    """Return a call as it is stored. The git remote is stripped of secrets once more."""
    tree: dict[str, Any] = untyped(call)
    git = tree["code"]["git"]
    if git is not None and git["remote"] is not None:
        git["remote"] = strip_url(git["remote"])
    return tree


def encode_call(call: Call) -> bytes:
    """Return the object that holds a call of more than `CALL_INLINE_LIMIT` bytes."""
    return cbor.encode({"kind": CALL_KIND, "v": VERSION, "call": call_tree(call)})


def decode_call(raw: bytes) -> Call:
    """Return the call that an object holds. `check_call` checks whether it fits a record.

    Raises:
        CorruptRecordError: The bytes are not a call.
        NewerFormatError: A later version of radops wrote them.
    """
    tree = read_header(raw, CALL_KIND)
    if "call" not in tree:
        raise CorruptRecordError("not a valid record: a call object without its call")
    return typed(tree["call"], Call)
