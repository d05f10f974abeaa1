"""`file_creator`: functions whose files are made once, and whose lineage is kept."""

from __future__ import annotations

import functools
import inspect
import logging
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

import msgspec
from typing_extensions import ParamSpec

from radops.data_lake import flight, messages, results
from radops.data_lake.call import Binder, BoundCall
from radops.data_lake.current import current_lake
from radops.data_lake.file import known_file
from radops.data_lake.fingerprint import fingerprint
from radops.data_lake.identity import Identity, identify
from radops.data_lake.lake import DataLake
from radops.data_lake.provenance import (
    capture_code,
    capture_environment,
    git_patch,
    package_version,
)
from radops.data_lake.run import Run, running
from radops.data_lake.shape import Kind, kind_of, put_together, take_apart
from radops.errors import (
    CreatorError,
    LineageMismatchError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UIDConflictError,
    UsageError,
)
from radops.model.call import Call, CallInput, CallOutput
from radops.model.uid import UID
from radops.model.wire import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from radops.data_lake.fingerprint import Fingerprint
    from radops.data_lake.many import Executor
    from radops.data_lake.reports import Progress
    from radops.data_lake.why import Why
    from radops.model.digest import Digest
    from radops.repository.local import Staged

P = ParamSpec("P")
R = TypeVar("R")

OnCodeChange = Literal["warn", "error", "ignore"]

_LOG = logging.getLogger("radops")


class Creator(Generic[P, R]):
    """A function under `file_creator`. Call it like the function itself.

    `__wrapped__` is the function; calling that computes without a lake's memory.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None,
        version: str | None,
        track_code: bool,
        ignore: Sequence[str],
        on_code_change: OnCodeChange | None,
    ) -> None:
        _check_function(function)
        functools.update_wrapper(self, function)
        self.__wrapped__ = function
        self._fixed_name = name
        self._version = version
        self._track_code = track_code
        self._ignore = tuple(ignore)
        self._on_code_change = on_code_change
        self._warned = False
        self._kind: Kind | None = None
        self._bound: Binder | None = None
        self._who: Identity | None = None
        # An annotation that names what is defined further down is looked at when first called.
        try:
            self._kind = kind_of(function)
        except NameError:
            if "return" not in function.__annotations__:
                raise

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the files that the function makes of these arguments, made once.

        Raises:
            ArgumentTypeError: An argument cannot be recorded.
            UIDNotFoundError: An input is not in the lake.
            LineageMismatchError: An output's name stands, but was made in another way.
            UIDConflictError: An output's name stands with other bytes.
            CreatorError: The function broke a rule; nothing was published.
            RemoteUnavailableError: The remote cannot be reached; a finished result is kept.
        """
        current = current_lake(DataLake)
        call = self._bind(args, kwargs, current)
        made = self._find(call)
        if made is not None:
            self._check_code(call, made)
            messages.skipped(self._shown, [output.uid for output in made.outputs])
        else:
            made = results.publish_pending(call)
        if made is None:
            made = self._make(call)
        lake = call.lake if call.lake is not current else None
        files = [(output.place, known_file(output.uid, lake)) for output in made.outputs]
        value: R = put_together(self._result_kind, files)
        return value

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # noqa: ANN401 - see the docs
        """Bind a method to its instance."""
        if instance is None:
            return self
        return functools.partial(self, instance)  # type: ignore[arg-type]

    def __reduce__(self) -> str:
        """Pickle by name, as functions are: the other process imports the module."""
        return self.__wrapped__.__qualname__

    def __repr__(self) -> str:
        return f"<file creator {self._shown}>"

    def key(self, *args: P.args, **kwargs: P.kwargs) -> Digest:
        """Return the key of a call with these arguments, by which its result is found again."""
        return self._bind(args, kwargs).key

    def is_cached(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Say whether a call with these arguments would be skipped; may ask the remote."""
        return self._find(self._bind(args, kwargs)) is not None

    def why(self, *args: P.args, **kwargs: P.kwargs) -> Why:
        """Say whether a call with these arguments would be skipped, and if not, what is nearest.

        Returns:
            What prints as an answer; `hit`, `reason`, `nearest` and `differences` are for programs.
        """
        from radops.data_lake.why import Function, explain  # noqa: PLC0415 - rarely needed

        identity, code = self._identity, self._fingerprint.digest
        keyed = self._track_code or identity.keyed_by_code
        function = Function(self._shown, identity.module, identity.name, self._version, code, keyed)
        return explain(self._bind(args, kwargs), function)

    # -- many calls --------------------------------------------------------------------------

    def submit(self, executor: Executor, /, *args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401
        """Begin a call in an executor: threads, processes, a Dask `Client`.

        The current lake goes with it. For other processes the function must be one that they can
        import, so not one within another.

        Returns:
            The executor's future; its `result()` is what the call returns.
        """
        from radops.data_lake.many import submit  # noqa: PLC0415 - rarely needed

        return submit(executor, self, args, kwargs)

    def map(
        self,
        items: Iterable[Any],
        /,
        *,
        executor: Executor | None = None,
        in_flight: int | None = None,
        progress: Progress | bool | None = None,
        **common: Any,  # noqa: ANN401 - whatever the function takes
    ) -> list[R]:
        """Call the function for every item, and return the results in order.

        A call that raises does not stop the others. What is in the lake is skipped, so after an
        interruption the same line again computes only what is missing.

        Args:
            items: For each call its positional arguments as a tuple, its keyword arguments as
                a dict, or, if it is neither, its only positional argument. Taken as there is room.
            executor: Anything with `submit`, as of `concurrent.futures`, or a Dask `Client`;
                None to make one call after the other here.
            in_flight: Most calls handed over and not finished; None for twice as many as the
                executor has workers.
            progress: Told how far it is; True for a line on standard error.
            common: Keyword arguments of every call.

        Raises:
            CallsFailedError: Some calls raised. `failures` has their arguments and errors,
                `results` what the others returned.
        """
        from radops.data_lake.many import run_all  # noqa: PLC0415 - rarely needed

        return run_all(
            self,
            self._shown,
            items,
            executor=executor,
            in_flight=in_flight,
            progress=progress,
            common=common,
        )

    # -- what is called ----------------------------------------------------------------------

    @property
    def _identity(self) -> Identity:
        if self._who is None:
            found = identify(self.__wrapped__)
            if self._fixed_name is not None:
                module, _, name = self._fixed_name.rpartition(".")
                module = module or self._fixed_name
                found = Identity(module, name, keyed_by_code=False, run_as=found.run_as)
            self._who = found
        return self._who

    @property
    def _binder(self) -> Binder:
        if self._bound is None:
            signature = inspect.signature(self.__wrapped__)
            self._bound = Binder(signature, self._identity, self._version, self._ignore)
        return self._bound

    @property
    def _shown(self) -> str:
        return f"{self._identity.run_as}.{self._identity.name}"

    @property
    def _result_kind(self) -> Kind:
        if self._kind is None:
            try:
                self._kind = kind_of(self.__wrapped__)
            except NameError as error:
                raise CreatorError(f"the return annotation of {self._shown}: {error}") from error
        return self._kind

    @property
    def _fingerprint(self) -> Fingerprint:
        return fingerprint(self.__wrapped__)

    def _bind(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], current: DataLake | None = None
    ) -> BoundCall:
        run = running.get()
        lake = run.lake if run is not None else current or current_lake(DataLake)
        keyed = self._track_code or self._identity.keyed_by_code
        code = self._fingerprint.digest if keyed else None
        if keyed and self._fingerprint.unfollowed:
            messages.not_followed(self._shown, self._fingerprint.unfollowed)
        return self._binder.bind(args, kwargs, lake, code)

    def _find(self, call: BoundCall) -> Call | None:
        identity = self._identity
        return results.find_result(call, identity.module, identity.name, self._version)

    def _check_code(self, call: BoundCall, made: Call) -> None:
        """Say so if the code is not what made the result, which is used all the same."""
        what = self._on_code_change or call.lake.session.settings.on_code_change
        if what == "ignore" or made.code.fingerprint is None or self._track_code:
            return
        if made.code.fingerprint == self._fingerprint.digest:
            return
        git = made.code.git
        commit = f" (commit {git.commit[:12]})" if git and git.commit else ""
        message = f"{self._shown} has changed since it made {made.outputs[0].uid}{commit}"
        hint = 'give the decorator a version="2", or track_code=True, to compute anew'
        if what == "error":
            raise LineageMismatchError(message, uid=made.outputs[0].uid, hint=hint)
        if not self._warned:
            self._warned = True
            _LOG.warning("%s; %s", message, hint)

    # -- computing ---------------------------------------------------------------------------

    def _make(self, call: BoundCall) -> Call:
        """Compute a call, or wait for those who do already."""
        session = call.lake.session
        session.mirror  # noqa: B018 - errors of the configuration before the work, not after
        done: _Done | None = None

        def find() -> Call | None:
            made = self._find(call)
            if made is not None:
                self._compare(made, done)
            return made

        def compute() -> _Done:
            nonlocal done
            done = self._compute(call)
            return done

        try:
            return flight.once(
                session, call.key, self._shown, find, compute, lambda one: self._commit(call, one)
            )
        finally:
            if done is not None:
                done.run.discard()

    def _compute(self, call: BoundCall) -> _Done:
        run = Run(call.lake, self._shown, call.key, call.output_uids)
        started, began = datetime.now(timezone.utc), time.monotonic()
        token = running.set(run)
        try:
            returned = self.__wrapped__(*call.arguments.args, **call.arguments.kwargs)
        except BaseException:
            run.discard()
            raise
        finally:
            running.reset(token)
        seconds = time.monotonic() - began
        try:
            outputs, staged = self._collect(run, returned)
        except BaseException:
            run.discard()
            raise
        return _Done(run, outputs, staged, format_time(started), seconds)

    def _collect(self, run: Run, returned: object) -> tuple[list[CallOutput], list[Staged]]:
        """Check that the function returned exactly the files it made."""
        outputs = []
        staged = []
        for place, file in take_apart(self._shown, self._result_kind, returned):
            one = run.staged.get(UID(file.uid))
            if one is None:
                raise CreatorError(
                    f"{self._shown} returned {file.uid}, which it has not written",
                    uid=file.uid,
                    hint='write it inside: with file.open("w") as stream: ...',
                )
            outputs.append(CallOutput(UID(file.uid), one.digest, one.size, place))
            staged.append(one)
        names = [output.uid for output in outputs]
        if len(set(names)) != len(names):
            raise CreatorError(f"{self._shown} returned a file twice")
        left = sorted(set(run.staged) - set(names))
        if left:
            raise CreatorError(f"{self._shown} wrote {left[0]} but did not return it", uid=left[0])
        missing = sorted(set(run.allowed or ()) - set(names))
        if missing:
            raise CreatorError(f"{self._shown} did not make {missing[0]}", uid=missing[0])
        return sorted(outputs, key=lambda output: output.uid), staged

    def _commit(self, call: BoundCall, done: _Done) -> Call:
        session, run = call.lake.session, done.run
        provenance = capture_code(self.__wrapped__, self._fingerprint)
        code, extra = provenance.code, []
        if session.settings.upload_patch and provenance.repository is not None:
            patch = git_patch(provenance.repository)
            if patch is not None and code.git is not None:
                extra.append(session.store.stage_bytes(patch))
                git = msgspec.structs.replace(code.git, patch=extra[0].digest)
                code = msgspec.structs.replace(code, git=git)
        given = {one.uid for one in call.inputs}
        reads = tuple(
            CallInput("", uid, record.digest, record.record_digest)
            for uid, record in sorted(run.reads.items())
            if uid not in given and uid not in run.staged
        )
        if reads:
            messages.read_without_asking(self._shown, [one.uid for one in reads])
        inputs = call.inputs
        failure: RadopsError | None = None
        try:
            inputs = results.publish_sources(session, call.inputs)
            reads = results.publish_sources(session, reads)
        except (RemoteUnavailableError, RemoteRefusedError) as error:
            # Hours of work are not thrown away for a network or a token that ran out.
            failure = error
        finished = Call(
            key=call.key,
            module=self._identity.module,
            name=self._identity.name,
            package_version=package_version(self.__wrapped__),
            version=self._version,
            params=call.params,
            inputs=inputs,
            reads=reads,
            outputs=tuple(done.outputs),
            code=code,
            environment=capture_environment(),
            started_at=done.started_at,
            seconds=done.seconds,
        )
        try:
            return results.commit_result(session, finished, extra, done.staged, failure)
        except UIDConflictError:
            # Another machine may have finished the same call an instant ago: then its result
            # stands for good. If ours has other bytes, the function is not deterministic.
            winner = self._find(call)
            if winner is None:
                raise
            self._compare(winner, done)
            return winner

    def _compare(self, made: Call, done: _Done | None) -> None:
        """Say so if the same call made other bytes here than those that stand."""
        if done is None:
            return
        here = {output.uid: output.digest for output in done.outputs}
        if here != {output.uid: output.digest for output in made.outputs}:
            _LOG.warning(
                "%s is not deterministic: the same call gave other bytes elsewhere, which stand",
                self._shown,
            )


@dataclass(frozen=True, slots=True)
class _Done:
    """What a function made, not yet published."""

    run: Run
    outputs: Sequence[CallOutput]
    staged: Sequence[Staged]
    started_at: str
    seconds: float


def _check_function(function: Callable[..., Any]) -> None:
    if isinstance(function, (staticmethod, classmethod)):
        kind = type(function).__name__
        raise CreatorError(
            f"@file_creator stands above @{kind}", hint=f"write @{kind} above @file_creator"
        )
    name = getattr(function, "__qualname__", repr(function))
    if not inspect.isroutine(function):
        raise CreatorError(f"{name} is not a function")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise CreatorError(
            f"{name} is asynchronous, and a creator is an ordinary function",
            hint="await inside it: asyncio.run(...)",
        )
    if inspect.isgeneratorfunction(function):
        raise CreatorError(
            f"{name} is a generator, and a creator is an ordinary function",
            hint="return a list of files",
        )


@overload
def file_creator(function: Callable[P, R], /) -> Creator[P, R]: ...
@overload
def file_creator(
    *,
    name: str | None = ...,
    version: str | None = ...,
    track_code: bool = ...,
    ignore: Sequence[str] = ...,
    on_code_change: OnCodeChange | None = ...,
) -> Callable[[Callable[P, R]], Creator[P, R]]: ...


def file_creator(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    version: str | None = None,
    track_code: bool = False,
    ignore: Sequence[str] = (),
    on_code_change: OnCodeChange | None = None,
) -> Creator[P, R] | Callable[[Callable[P, R]], Creator[P, R]]:
    """Make a function a creator: its files are made once, on any machine, with their lineage.

    The function is annotated to return `File`, `list[File]`, `tuple[File, ...]` or
    `dict[str, File]`. It gets the names of its outputs as `output_uid` or `output_uids`, or makes
    implicit ones with `File()`. Other arguments are lake files and values that can be recorded;
    lake files may sit in lists, tuples, dicts and dataclasses.

    A call whose outputs stand in the lake is skipped; nothing but records is fetched. All outputs
    become visible together, and none if the function raises.

    Args:
        function: The function, where the decorator is used without parentheses.
        name: Fixes the identity for good, such as `team.clean`, wherever the function moves.
        version: Part of the key: a new one computes anew.
        track_code: Put the code's fingerprint into the key: changed code computes anew.
        ignore: Parameters that change nothing of the result (`verbose`): not recorded.
        on_code_change: `warn`, `error` or `ignore` when a result was made by other code; None
            for what the configuration says.

    Raises:
        CreatorError: The function cannot be a creator; the message says why.

    Example:
        >>> @file_creator
        ... def shout(f: File) -> File:
        ...     out = File(suffix=".txt")
        ...     out.write_text(f.read_text().upper())
        ...     return out
    """
    if on_code_change not in (None, "warn", "error", "ignore"):
        raise UsageError(f"on_code_change is {on_code_change!r}", hint="use warn, error or ignore")

    def decorate(function: Callable[P, R]) -> Creator[P, R]:
        return Creator(
            function,
            name=name,
            version=version,
            track_code=track_code,
            ignore=ignore,
            on_code_change=on_code_change,
        )

    return decorate if function is None else decorate(function)
