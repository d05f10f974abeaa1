"""Files that a program makes outside of creators, with declared inputs."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from radops.errors import CreatorError, RadopsError, RemoteRefusedError, RemoteUnavailableError
from radops.format.call import Call, CallInput, CallOutput, Code
from radops.format.key import call_key
from radops.format.params import canonicalise
from radops.format.wire import format_time
from radops.lake.commit_call import commit_call, publish_sources
from radops.lake.unstored import kept_unless_stored
from radops.provenance.capture import capture_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from radops.format.params import Canonical
    from radops.format.uid import UID
    from radops.lake.named import Named
    from radops.lake.session import Session
    from radops.lake.writing import Output
    from radops.repository.objects.store import Staged

_MODULE: Final = "radops.data_lake"
_NAME: Final = "File.staged"


class Declared:
    """What a file is made from, as its program declares. The inputs are looked up at once.

    It is recorded as a call of `File.staged`, without code: so lineage, `info` and `why` show it
    as they show what creators made.

    Args:
        session: The lake.
        made_from: Files and directories of it.
        stream: The state of a stream, which is recorded as a parameter.

    Raises:
        UIDNotFoundError: One of them does not exist.
        ArgumentTypeError: The state holds something else than numbers and texts.
    """

    def __init__(
        self, session: Session, made_from: Sequence[Named], stream: Mapping[str, Any] | None
    ) -> None:
        self.session = session
        self._started, self._began = datetime.now(timezone.utc), time.monotonic()
        shown: list[Canonical] = []
        inputs: list[CallInput] = []
        for number, one in enumerate(made_from):
            record, inner = one.as_input(session)
            arg, digest = f"made_from[{number}]", record.digest
            if inner is None:
                inputs.append(CallInput(arg, record.uid, digest, record.record_digest))
                shown.append([record.type, record.uid])
            else:
                path, digest = inner
                inputs.append(CallInput(arg, record.uid, digest, record.record_digest, path))
                shown.append(["inner", path])
        self._inputs = tuple(sorted(inputs, key=lambda one: one.arg))
        self._params: dict[str, Canonical] = {"made_from": ["list", shown]}
        if stream is not None:
            self._params["stream"] = canonicalise(dict(stream), "stream")

    def output(self, output: Output, uid: UID) -> DeclaredOutput:
        """Return what takes the file over.

        Args:
            output: What checked that it may be written.
            uid: The file.
        """
        return DeclaredOutput(output, self, uid)

    def commit(self, uid: UID, staged: Staged) -> None:
        """Publish the finished file with what it was made from."""
        session = self.session
        failure: RadopsError | None = None
        inputs = self._inputs
        try:
            inputs = publish_sources(session, inputs)
        except (RemoteUnavailableError, RemoteRefusedError) as error:
            failure = error  # what took hours is kept until the remote is back
        listed = [
            (one.arg, one.uid if one.inner is UNSET else one.inner, one.digest) for one in inputs
        ]
        call = Call(
            key=call_key(
                module=_MODULE,
                name=_NAME,
                version=None,
                fingerprint=None,
                params=self._params,
                inputs=listed,
            ),
            module=_MODULE,
            name=_NAME,
            package_version=None,
            version=None,
            params=self._params,
            inputs=inputs,
            reads=(),
            outputs=(CallOutput(uid, staged.digest, staged.size),),
            code=Code(fingerprint=None, source=None, run_as=None, git=None),
            environment=capture_environment(),
            started_at=format_time(self._started),
            seconds=time.monotonic() - self._began,
        )
        commit_call(session, call, [], [staged], failure)


class DeclaredOutput:
    """Takes over a file that is being written; see `Output`.

    Args:
        output: What checked that it may be written.
        declared: What it is made from.
        uid: The file.
    """

    def __init__(self, output: Output, declared: Declared, uid: UID) -> None:
        self._output = output
        self._declared = declared
        self._uid = uid

    def accept(self, path: Path) -> None:
        """Publish the finished file; if that fails, it is kept: see `kept_unless_stored`."""
        with kept_unless_stored(self._declared.session, self._uid, path) as written:
            staged = self._declared.session.store.stage_written(path)
            written.path, written.digest = staged.path, staged.digest
            self._declared.commit(self._uid, staged)

    def discard(self, path: Path) -> None:
        """Remove the file; it can be written again."""
        self._output.discard(path)


def declare(
    session: Session,
    run: object,
    uid: str,
    made_from: Sequence[Named],
    stream: Mapping[str, Any] | None,
) -> Declared:
    """Return what a file is made from; see `Declared`.

    Raises:
        CreatorError: A creator runs, which records that itself.
    """
    if run is not None:
        raise CreatorError(
            f"{uid} is made by a creator, which records what it is made from itself",
            uid=uid,
            hint="leave out made_from and stream; give files to the creator as arguments",
        )
    return Declared(session, made_from, stream)
