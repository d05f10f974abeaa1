"""Running a creator's function, and publishing what it made: once, whole or not at all."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from radops.errors import (
    CreatorError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UIDConflictError,
    UsageError,
)
from radops.format import cbor
from radops.format.call import Call, CallInput, CallOutput
from radops.format.digest import Digest
from radops.format.record import MAX_RECORD_SIZE, FileRecord
from radops.format.uid import UID
from radops.format.wire import format_time, untyped
from radops.lake import messages
from radops.lake.active_run import Run
from radops.lake.commit_call import commit_call, publish_sources
from radops.lake.current import current_run, running
from radops.lake.directory.directory import Directory
from radops.lake.unstored import keep_results
from radops.pipeline import results, single_flight
from radops.pipeline.returns import take_apart
from radops.provenance import noticed
from radops.provenance.capture import (
    capture_code,
    capture_environment,
    git_patch,
    package_version,
)
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.config import Settings
    from radops.format.call import Noticed
    from radops.lake.file import File
    from radops.lake.session import Session
    from radops.pipeline.call import BoundCall
    from radops.repository.objects.store import Staged
    from radops.repository.trees.intake import TakenIn


_LOG = logging.getLogger("radops")


@dataclass(frozen=True, slots=True)
class _Done:
    """What a function made, not yet published."""

    run: Run
    outputs: Sequence[CallOutput]
    staged: Sequence[Staged]
    taken: Sequence[TakenIn]
    """The directories among the outputs."""
    started_at: str
    seconds: float
    noticed: Noticed | None


def make(call: BoundCall) -> Call:
    """Compute a call and publish its result, or wait for another that computes it already.

    Returns:
        The recorded call that holds for it now.
    """
    session, shown = call.session, call.function.shown
    session.lake  # noqa: B018 - errors of the configuration before the work, not after
    done: _Done | None = None

    def find() -> Call | None:
        made = results.find_result(call)
        if made is not None:
            _compare(call, made, done)
        return made

    def compute() -> _Done:
        nonlocal done
        check_fits(call)
        done = _compute(call)
        return done

    try:
        return single_flight.once(
            session, call.key, shown, find, compute, lambda one: _commit(call, one)
        )
    except BaseException as error:
        if done is not None:
            _keep(session, done.run, error)
        raise
    finally:
        if done is not None:
            done.run.discard()


def _compute(call: BoundCall) -> _Done:
    function = call.function
    run = Run(call.session, function.shown, call.key, call.output_uids)
    run.bases = _bases(call)
    started, began = datetime.now(timezone.utc), time.monotonic()
    variables = noticed.values(function.fingerprint.variables)
    messages.runs(function.shown)
    try:
        with running(run), noticed.notice(run, current_run) as notes:
            returned = function.function(*call.arguments.args, **call.arguments.kwargs)
        seconds = time.monotonic() - began
        run.finish()
    except BaseException:
        run.discard()
        raise
    try:
        outputs, staged = _collect(call, run, returned)
        seen = noticed.look(
            notes,
            variables,
            salt=call.key,
            root=function.root,
            without=_own_places(call.session.settings),
        )
    except BaseException as error:
        _keep(call.session, run, error)
        run.discard()
        raise
    taken = list(run.directories.values())
    return _Done(run, outputs, staged, taken, format_time(started), seconds, seen)


def _keep(session: Session, run: Run, error: BaseException) -> None:
    """Keep what a function has made that came to its end, and say where."""
    keep_results(session, [*run.staged.items()], [*run.directories.items()], error)


def _own_places(settings: Settings) -> list[str]:
    """Return where the lake keeps its own files, which are no files that a function reads."""
    return [str(settings.home), *([settings.remote] if settings.remote else [])]


def _collect(call: BoundCall, run: Run, returned: object) -> tuple[list[CallOutput], list[Staged]]:
    """Check that the function returned exactly the files it made."""
    shown = call.function.shown
    outputs = []
    staged = []
    for place, file in take_apart(shown, call.function.shape.kind, returned):
        uid = UID(file.uid)
        if isinstance(file, Directory):
            taken = run.directories.get(uid)
            if taken is None:
                raise _not_written(shown, file, "with directory.staged() as folder: ...")
            outputs.append(taken.output(uid, place))
            continue
        one = run.staged.get(uid)
        if one is None:
            raise _not_written(shown, file, 'with file.open("w") as stream: ...')
        outputs.append(CallOutput(UID(file.uid), one.digest, one.size, place))
        staged.append(one)
    names = [output.uid for output in outputs]
    if len(set(names)) != len(names):
        raise CreatorError(f"{shown} returned a file twice")
    left = sorted({*run.staged, *run.directories} - set(names))
    if left:
        raise CreatorError(f"{shown} wrote {left[0]} but did not return it", uid=left[0])
    missing = sorted(set(run.allowed or ()) - set(names))
    if missing:
        raise CreatorError(f"{shown} did not make {missing[0]}", uid=missing[0])
    return sorted(outputs, key=lambda output: output.uid), staged


def _not_written(shown: str, file: File | Directory, how: str) -> CreatorError:
    return CreatorError(
        f"{shown} returned {file.uid}, which it has not written",
        uid=file.uid,
        hint=f"write it inside: {how}",
    )


def _bases(call: BoundCall) -> list[Taken]:
    """Return the directories among the arguments: outputs are likely to share files with them."""
    lake = call.session.lake
    names = {one.uid for one in call.inputs if one.inner is UNSET}
    states = [lake.state(uid) for uid in sorted(names)]
    return [
        state
        for state in states
        if isinstance(state, Taken)
        and isinstance(state.record, FileRecord)
        and state.record.type == "directory"
    ]


def _commit(call: BoundCall, done: _Done) -> Call:
    session, function = call.session, call.function
    provenance = capture_code(function.function, function.fingerprint)
    code, extra = provenance.code, []
    code = msgspec.structs.replace(code, run_as=function.identity.run_as)
    if session.settings.upload_patch and provenance.repository is not None:
        patch = git_patch(provenance.repository)
        if patch is not None and code.git is not None:
            extra.append(session.store.stage_bytes(patch))
            git = msgspec.structs.replace(code.git, patch=extra[0].digest)
            code = msgspec.structs.replace(code, git=git)
    inputs, reads = call.inputs, _reads(call, done.run)
    failure: RadopsError | None = None
    try:
        inputs = publish_sources(session, inputs)
        reads = publish_sources(session, reads)
    except (RemoteUnavailableError, RemoteRefusedError) as error:
        # Hours of work are not lost because a network failed or a token expired.
        failure = error
    finished = Call(
        key=call.key,
        module=function.module,
        name=function.name,
        package_version=package_version(function.function),
        version=function.version,
        params=call.params,
        inputs=inputs,
        reads=reads,
        outputs=tuple(done.outputs),
        code=code,
        environment=capture_environment(),
        started_at=done.started_at,
        seconds=done.seconds,
        noticed=done.noticed,
    )
    try:
        made = commit_call(
            session,
            finished,
            extra,
            done.staged,
            failure,
            taken=done.taken,
            bases=done.run.bases,
        )
    except UIDConflictError:
        # Another machine may have finished the same call an instant ago: then its result is the
        # one that holds. If ours has other bytes, the function is not deterministic.
        winner = results.find_result(call)
        if winner is None:
            raise
        _compare(call, winner, done)
        return winner
    messages.made(function.shown, done.seconds, [output.uid for output in made.outputs])
    return made


def _reads(call: BoundCall, run: Run) -> tuple[CallInput, ...]:
    """Return the lake files that the function opened without being given them."""
    given = {(one.uid, one.inner or "") for one in call.inputs}
    reads = tuple(
        CallInput("", uid, one.digest, one.record.record_digest, one.inner or UNSET)
        for (uid, inner), one in sorted(run.reads.items())
        if not {(uid, ""), (uid, inner)} & given and not (inner and (uid, "") in run.reads)
        if uid not in run.staged
    )
    if reads:
        messages.read_without_asking(call.function.shown, [one.uid for one in reads])
    return reads


def _compare(call: BoundCall, made: Call, done: _Done | None) -> None:
    """Warn if the same call made other bytes here than those that are in the lake."""
    if done is None:
        return
    here = {output.uid: output.digest for output in done.outputs}
    if here != {output.uid: output.digest for output in made.outputs}:
        _LOG.warning(
            "%s is not deterministic: the same call gave other bytes elsewhere, which were first"
            " and are used",
            call.function.shown,
        )


RESERVED: Final = 2 * 1024 * 1024
"""Bytes left for what is known only afterwards: the source of the function (at most 1 MiB), the
environment, files that were read without being given."""

_DIGEST = Digest(bytes(32))
_LARGEST = (1 << 63) - 1


def check_fits(call: BoundCall) -> None:
    """Refuse a call whose arguments and outputs do not fit into a record.

    Args:
        call: The call, before its function runs. Implicit outputs are not known yet.

    Raises:
        UsageError: They need more than a record can hold.
    """
    uids = call.output_uids or ()
    places = {uid: place for place, uid in call.output_places.items()}
    outputs = [
        untyped(CallOutput(uid, _DIGEST, _LARGEST, places.get(uid, index)))
        for index, uid in enumerate(uids)
    ]
    known = {
        "params": call.params,
        "inputs": [untyped(one) for one in call.inputs],
        "outputs": outputs,
    }
    try:
        cbor.encode(known, MAX_RECORD_SIZE - RESERVED)
    except UsageError as error:
        made, given = f"{len(uids):,} output(s)", f"{len(call.inputs):,} input(s)"
        raise UsageError(
            f"{call.function.shown} is given {made} and {given}: with its arguments, that is more"
            " than the record of one call can hold",
            hint="make several calls, each for a part of the files (some 50,000 fit into one), or"
            " put the files into one archive",
        ) from error
