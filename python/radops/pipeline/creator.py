"""`file_creator`: functions whose files are made once, and whose lineage is kept."""

from __future__ import annotations

import functools
import types
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from msgspec import UNSET
from typing_extensions import ParamSpec

from radops.lake import messages
from radops.lake.current import current_session
from radops.lake.directory.directory import known_directory
from radops.lake.file import known_file
from radops.pipeline import by_value, earlier, execute, results
from radops.pipeline.call import Binder, BoundCall
from radops.pipeline.function import (
    Function,
    OnCodeChange,
    Options,
    Travelled,
    check_function,
    check_ignored,
    checked_options,
)
from radops.pipeline.returns import put_together
from radops.pipeline.staleness import warn_of_changes
from radops.provenance.identity import is_replaced
from radops.provenance.project import MAIN_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from radops.format.digest import Digest
    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.pipeline.map import Executor
    from radops.pipeline.why import Why

P = ParamSpec("P")
R = TypeVar("R")


class Creator(Generic[P, R]):
    """A function under `file_creator`. Call it like the function itself.

    `__wrapped__` is the function; calling it computes without the lake.
    """

    def __init__(
        self,
        function: Callable[P, R],
        options: Options,
        travelled: Travelled | None = None,
    ) -> None:
        check_function(function)
        check_ignored(function, options)
        functools.update_wrapper(self, function)
        self.__wrapped__ = function
        self._function = Function(function, options, travelled)
        self._binder = Binder(self._function)
        self._before: tuple[Any, ...] = ()
        self._function.check_shape()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the files that the function makes of these arguments, made once.

        Raises:
            ArgumentTypeError: An argument cannot be recorded.
            UIDNotFoundError: An input is not in the lake.
            LineageMismatchError: An output's name exists, but was made in another way.
            UIDConflictError: An output's name exists with other bytes.
            CreatorError: The function broke a rule; nothing was published.
            RemoteUnavailableError: The remote cannot be reached; a finished result is kept.
        """
        function = self._function
        if "reload" not in function.told and is_replaced(function.function):
            function.told.add("reload")
            messages.reloaded(function.shown)
        current = current_session()
        call = self._bind(args, kwargs, current)
        made = results.find_result(call) or earlier.find_result(call)
        if made is not None:
            warn_of_changes(call, made)
            before = None if made.key == call.key else f"{made.module}.{made.name}"
            messages.skipped(function.shown, [output.uid for output in made.outputs], before)
        else:
            made = results.publish_pending(call)
        if made is None:
            made = execute.make(call)
        session = call.session if call.session is not current else None
        files = [
            (
                output.place,
                known_file(output.uid, session)
                if output.layout is UNSET
                else known_directory(output.uid, session),
            )
            for output in made.outputs
        ]
        value: R = put_together(function.shape.kind, files)
        return value

    def __get__(self, instance: object, owner: type | None = None) -> Creator[..., R]:
        """Return the creator of a method, bound to its instance: with `key`, `map` and so on."""
        if instance is None:
            return self
        bound: Creator[..., R] = Creator.__new__(Creator)
        vars(bound).update(vars(self))
        bound.__wrapped__ = types.MethodType(self.__wrapped__, instance)
        bound._before = (*self._before, instance)
        return bound

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle by name, as functions are: the other process imports the module.

        A creator of the main program is pickled with its function where cloudpickle is installed,
        as the main program of a worker is another one.
        """
        if self._before:
            return getattr, (self._before[-1], self.__name__)  # type: ignore[attr-defined]
        if self.__module__ in MAIN_NAMES:
            return by_value.reduce(self, self._function)
        return self.__wrapped__.__qualname__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Creator):
            return NotImplemented
        mine, others = self._before, other._before
        same = len(mine) == len(others) and all(map(_is, mine, others))
        return same and self._function is other._function

    def __hash__(self) -> int:
        return hash((self._function, *map(id, self._before)))

    def __repr__(self) -> str:
        return f"<file creator {self._function.shown}>"

    def key(self, *args: P.args, **kwargs: P.kwargs) -> Digest:
        """Return the key of a call with these arguments, by which its result is found again."""
        return self._bind(args, kwargs, current_session()).key

    def is_cached(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Return whether a call with these arguments would be skipped; may ask the remote."""
        call = self._bind(args, kwargs, current_session())
        return (results.find_result(call) or earlier.find_result(call)) is not None

    def why(self, *args: P.args, **kwargs: P.kwargs) -> Why:
        """Return whether a call with these arguments would be skipped, and if not, what is nearest.

        Returns:
            What prints as an answer; `hit`, `reason`, `nearest` and `differences` are for programs.
        """
        from radops.pipeline.why import explain  # noqa: PLC0415 - rarely needed

        return explain(self._bind(args, kwargs, current_session()))

    def submit(self, executor: Executor, /, *args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401
        """Begin a call in an executor: threads, processes, a Dask `Client`, `ray`.

        The current lake goes with it. For other processes the function must be one that they can
        import, so not one within another.

        Returns:
            The executor's future; its `result()` is what the call returns.
        """
        from radops.pipeline.map import submit  # noqa: PLC0415 - rarely needed

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
            executor: Anything with `submit`, as of `concurrent.futures`, a Dask `Client`, or `ray`
                after `ray.init()`;
                None to make one call after the other here.
            in_flight: Most calls handed over and not finished; None for twice as many as the
                executor has workers.
            progress: Called as the work goes on; True for a line on standard error.
            common: Keyword arguments of every call.

        Raises:
            CallsFailedError: Some calls raised. `failures` has their arguments and errors,
                `results` what the others returned.
        """
        from radops.pipeline.map import run_all  # noqa: PLC0415 - rarely needed

        return run_all(
            self,
            self._function.shown,
            items,
            executor=executor,
            in_flight=in_flight,
            progress=progress,
            common=common,
        )

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any], session: Session) -> BoundCall:
        function = self._function
        if function.keyed_by_code and (unfollowed := function.fingerprint.unfollowed):
            messages.not_followed(function.shown, unfollowed)
        return self._binder.bind((*self._before, *args), kwargs, session)


def _is(one: object, other: object) -> bool:
    return one is other


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
    lake files may be in lists, tuples, dicts and dataclasses.

    A call whose outputs are in the lake is skipped; nothing but records is fetched. All outputs
    become visible together, and none if the function raises.

    Args:
        function: The function, where the decorator is used without parentheses.
        name: Fixes the identity, such as `team.clean`, wherever the function moves.
        version: Part of the key: with a new one, calls are computed again.
        track_code: Put the code's fingerprint into the key: changed code computes again.
        ignore: Parameters that change nothing of the result (`verbose`): not recorded.
        on_code_change: `warn`, `error` or `ignore` when a result was made by other code; None
            for what the configuration says.

    Raises:
        CreatorError: The function cannot be a creator; the message says why.
        UsageError: An argument of the decorator can never work.

    Example:
        >>> @file_creator
        ... def shout(f: File) -> File:
        ...     out = File(suffix=".txt")
        ...     out.write_text(f.read_text().upper())
        ...     return out
    """
    options = checked_options(name, version, track_code, ignore, on_code_change)

    def decorate(function: Callable[P, R]) -> Creator[P, R]:
        return Creator(function, options)

    return decorate if function is None else decorate(function)
