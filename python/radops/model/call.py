"""A call of a pipeline function as records hold it."""

import math
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from radops.errors import CorruptRecordError
from radops.model import cbor
from radops.model.digest import Digest
from radops.model.uid import UID, check_stored_uid
from radops.model.urls import strip_url
from radops.model.wire import (
    CALL_KIND,
    VERSION,
    is_sorted_unique,
    parse_time,
    read_header,
    require,
    typed,
    untyped,
)

CALL_INLINE_LIMIT = 64 * 1024
"""Bytes of an encoded call up to which it stands in the record itself. Records are read one by
one, over the network, for listings and lineage: a long call must not slow those down."""

Size = Annotated[int, Meta(ge=0)]
CommitHash = Annotated[str, Meta(pattern=r"\A([0-9a-f]{40}|[0-9a-f]{64})\Z")]


class CallInput(msgspec.Struct, frozen=True):
    """A lake file that a call was given, or that it opened by itself."""

    arg: str
    """Where it stood among the arguments, `f` or `files[3]`; empty for `Call.reads`."""
    uid: UID
    digest: Digest
    """Its bytes."""
    record: Digest
    """The digest of its record: so lineage is a Merkle DAG."""

    def __post_init__(self) -> None:
        check_stored_uid(self.uid)


class CallOutput(msgspec.Struct, frozen=True):
    """A file that a call made."""

    uid: UID
    digest: Digest
    size: Size
    place: Size | str | None = None
    """Where it stood in what the function returned: the index in a list or tuple, the key in a
    dict, None for a single file. So a later call gets the same shape without running."""

    def __post_init__(self) -> None:
        check_stored_uid(self.uid)


class Git(msgspec.Struct, frozen=True, kw_only=True):
    """Where the code stood under version control."""

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


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """The code of the function that was called."""

    fingerprint: Digest | None
    """Of the syntax tree, without comments, docstrings and layout; None: source not at hand."""
    source: str | None
    run_as: str | None
    """The `__name__` that the module ran under, for display; `__main__` for a script."""
    git: Git | None


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What the call ran in."""

    python: str
    platform: str
    distributions: dict[str, str]
    """Name and version of each distribution that was imported."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a pipeline function: what it was given, what it made, with which code.

    Sequences are sorted, so that one call has one encoding; the order of UTF-8 bytes is that of
    Python's text.
    """

    key: Digest
    """See `radops.model.key`."""
    module: Annotated[str, Meta(min_length=1)]
    name: Annotated[str, Meta(min_length=1)]
    """The function's qualified name."""
    package_version: str | None
    """The version of the distribution that holds the module."""
    version: str | None
    """As given to the decorator."""
    params: dict[str, Any]
    """Argument name to canonical value, see `radops.model.params`."""
    inputs: tuple[CallInput, ...]
    """Sorted by `arg`, each once."""
    reads: tuple[CallInput, ...]
    """Lake files that the function opened without being given them. Sorted by UID, each once."""
    outputs: tuple[CallOutput, ...]
    """At least one. Sorted by UID, each once."""
    code: Code
    environment: Environment
    started_at: str
    """See `radops.model.wire.parse_time`."""
    seconds: float

    def __post_init__(self) -> None:
        require(len(self.outputs) > 0, "a call without outputs")
        require(is_sorted_unique([item.arg for item in self.inputs]), "inputs that are not sorted")
        require(is_sorted_unique([item.uid for item in self.reads]), "reads that are not sorted")
        require(is_sorted_unique([out.uid for out in self.outputs]), "outputs that are not sorted")
        require(math.isfinite(self.seconds) and self.seconds >= 0, "a duration that is none")
        parse_time(self.started_at)

    @property
    def keeps(self) -> set[Digest]:
        """The objects that must stay as long as a record of this call: outputs and patch."""
        digests = {output.digest for output in self.outputs}
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
    """Return the call that an object holds. `check_call` says whether it fits a record.

    Raises:
        CorruptRecordError: The bytes are not a call.
        NewerFormatError: A later version of radops wrote them.
    """
    tree = read_header(raw, CALL_KIND)
    if "call" not in tree:
        raise CorruptRecordError("not a valid record: a call object without its call")
    return typed(tree["call"], Call)
