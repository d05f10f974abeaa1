"""A function under `file_creator`, with the arguments of its decorator."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from radops.arguments import kind_of
from radops.errors import CreatorError, UsageError
from radops.pipeline.returns import shape_of
from radops.provenance.fingerprint import fingerprint, is_same_code
from radops.provenance.identity import identify
from radops.provenance.project import root_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.format.call import Call
    from radops.format.digest import Digest
    from radops.pipeline.returns import Shape
    from radops.provenance.fingerprint import Fingerprint
    from radops.provenance.identity import Identity

OnCodeChange = Literal["warn", "error", "ignore"]


@dataclass(frozen=True, slots=True)
class Options:
    """What the decorator was given; see `file_creator`."""

    name: str | None = None
    version: str | None = None
    track_code: bool = False
    ignore: tuple[str, ...] = ()
    on_code_change: OnCodeChange | None = None


@dataclass(frozen=True, slots=True)
class Travelled:
    """What is known of a function where its source was, for where it is not."""

    identity: Identity
    fingerprint: Fingerprint


class Function:
    """What is called: a function, its identity, its code, and the shape of what it returns.

    Args:
        function: The function.
        options: What the decorator was given.
        travelled: What another process found out about it; None to look here.
    """

    def __init__(
        self, function: Callable[..., Any], options: Options, travelled: Travelled | None = None
    ) -> None:
        self.function = function
        self.options = options
        self.told: set[str] = set()
        """Kinds of warnings that were given, once each."""
        self.misses = 0
        """Calls in a row that had no result under an earlier name."""
        self._travelled = travelled
        self._identity: Identity | None = None if travelled is None else travelled.identity
        self._shape: Shape | None = None

    @property
    def identity(self) -> Identity:
        """What names it in keys and records."""
        if self._identity is None:
            found = identify(self.function)
            fixed = self.options.name
            if fixed is not None:
                module, _, name = fixed.rpartition(".")
                kind = type(found)
                found = kind(module or fixed, name, keyed_by_code=False, run_as=found.run_as)
            self._identity = found
        return self._identity

    @property
    def shown(self) -> str:
        """Its name for people: `__main__.process`."""
        return f"{self.identity.run_as}.{self.identity.name}"

    @property
    def module(self) -> str:
        """The module in keys and records."""
        return self.identity.module

    @property
    def name(self) -> str:
        """The name in keys and records."""
        return self.identity.name

    @property
    def version(self) -> str | None:
        """The version given to the decorator."""
        return self.options.version

    @property
    def fingerprint(self) -> Fingerprint:
        """Of its code as it is now."""
        if self._travelled is not None:
            return self._travelled.fingerprint
        return fingerprint(self.function)

    @property
    def keyed_by_code(self) -> bool:
        """Whether the fingerprint is part of the key."""
        return self.options.track_code or self.identity.keyed_by_code

    @property
    def code_in_key(self) -> Digest | None:
        """What of the code joins the key."""
        return self.fingerprint.digest if self.keyed_by_code else None

    @property
    def shape(self) -> Shape:
        """What it returns.

        Raises:
            CreatorError: Its annotation says nothing that a creator can return.
        """
        if self._shape is None:
            try:
                self._shape = shape_of(self.function)
            except NameError as error:
                raise CreatorError(f"the return annotation of {self.shown}: {error}") from error
        return self._shape

    def check_shape(self) -> None:
        """Look at the return annotation, unless it names what is defined further down.

        Raises:
            CreatorError: It says nothing that a creator can return.
        """
        try:
            self._shape = shape_of(self.function)
        except NameError:
            if "return" not in self.function.__annotations__:
                raise

    @property
    def root(self) -> str | None:
        """The folder to which paths of files that it reads are relative."""
        file = self.fingerprint.file
        return None if file is None else root_of(os.path.dirname(file))  # noqa: PTH120

    def has_code_of(self, made: Call) -> bool:
        """Return whether this very code made a result."""
        if self._travelled is not None or made.code.fingerprint == self.fingerprint.digest:
            return made.code.fingerprint == self.fingerprint.digest
        return is_same_code(self.function, made.code)

    def has_changed(self, made: Call) -> bool:
        """Return whether other code made a result."""
        return made.code.fingerprint is not None and not self.has_code_of(made)

    def travel(self) -> Travelled:
        """Return what another process needs to know, where the source is not."""
        return Travelled(self.identity, self.fingerprint)


# -- checks when the decorator runs ----------------------------------------------------------------


def check_function(function: object) -> None:
    """Refuse what cannot be a creator.

    Raises:
        CreatorError: Says why it cannot be.
        UsageError: It is an argument of the decorator.
    """
    if isinstance(function, str):
        raise UsageError(
            f"file_creator was given the text {function!r}",
            hint=f"name its arguments: @file_creator(name={function!r})",
        )
    if isinstance(function, (staticmethod, classmethod)):
        kind = type(function).__name__
        raise CreatorError(
            f"@file_creator is written above @{kind}", hint=f"write @{kind} above @file_creator"
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


def checked_options(
    name: object, version: object, track_code: object, ignore: object, on_code_change: object
) -> Options:
    """Return the decorator's arguments, checked.

    Raises:
        UsageError: One of them can never work: the function would run, and then fail.
    """
    if name is not None:
        _check_text("name", name, 'such as "team.clean"')
        if not all(str(name).split(".")):
            raise UsageError(f"name is {name!r}, which has an empty part")
    if version is not None:
        example = str(version) if str(version).strip() and str(version).isprintable() else "2"
        _check_text("version", version, f"such as version={example!r}")
    if not isinstance(track_code, bool):
        raise UsageError(f"track_code is {track_code!r}", hint="use True or False")
    if on_code_change not in (None, "warn", "error", "ignore"):
        raise UsageError(f"on_code_change is {on_code_change!r}", hint="use warn, error or ignore")
    hint = f"it is a tuple of names: ignore=({ignore!r},)" if isinstance(ignore, str) else None
    if isinstance(ignore, (str, bytes)) or not isinstance(ignore, Iterable):
        raise UsageError(f"ignore is {ignore!r}, not the names of parameters", hint=hint)
    names = tuple(ignore)
    for one in names:
        if not isinstance(one, str):
            raise UsageError(f"ignore holds {one!r}, which is not the name of a parameter")
    return Options(
        None if name is None else str(name),
        None if version is None else str(version),
        track_code,
        names,
        on_code_change,
    )


def check_ignored(function: Callable[..., Any], options: Options) -> None:
    """Refuse names of parameters that the function does not have.

    Raises:
        UsageError: Says which.
    """
    parameters = inspect.signature(function).parameters
    for name in options.ignore:
        if name not in parameters:
            raise UsageError(
                f"{function.__qualname__} has no parameter {name!r} to ignore",
                hint=f"its parameters: {', '.join(parameters) or 'none'}",
            )


def _check_text(what: str, value: object, hint: str) -> None:
    if not isinstance(value, str):
        raise UsageError(f"{what} is {value!r}, {kind_of(value)}, not text", hint=hint)
    if not value or not value.isprintable():
        raise UsageError(f"{what} is {value!r}, which is empty or cannot be printed", hint=hint)
