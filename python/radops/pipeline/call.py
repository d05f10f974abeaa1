"""One call of a creator, before it runs: arguments bound, inputs found, key computed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from radops.errors import ArgumentTypeError, UsageError
from radops.format.call import CallInput
from radops.format.key import call_key
from radops.format.params import canonicalise
from radops.lake.directory.directory import Directory
from radops.lake.file import File
from radops.pipeline.arguments import OUTPUT_UID, OUTPUT_UIDS, file_checks, output_uids
from radops.provenance.identity import module_of
from radops.redact import has_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from radops.format.digest import Digest
    from radops.format.params import Canonical
    from radops.format.uid import UID
    from radops.lake.session import Session
    from radops.pipeline.arguments import Check
    from radops.pipeline.function import Function

# A parameter of exactly such a name that holds text would end in a record that many can read.
_SECRETS = frozenset({"password", "secret", "api_key", "access_key", "credentials"})


@dataclass(frozen=True, slots=True)
class BoundCall:
    """A call whose arguments are bound and whose inputs were found in the lake."""

    function: Function
    session: Session
    arguments: inspect.BoundArguments
    params: dict[str, Canonical]
    inputs: tuple[CallInput, ...]
    output_uids: tuple[UID, ...] | None
    """The UIDs that it was given to make; None for implicit ones."""
    key: Digest

    @property
    def output_places(self) -> dict[str, UID]:
        """The UIDs that it was given to make by name, where `output_uids` is a dict."""
        named = self.arguments.arguments.get(OUTPUT_UIDS)
        if not isinstance(named, Mapping) or self.output_uids is None:
            return {}
        return dict(zip(named, self.output_uids, strict=True))


class Binder:
    """Binds calls of one function.

    Args:
        function: The function.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self._signature = inspect.signature(function.function)
        self._left_out = {*function.options.ignore, OUTPUT_UID, OUTPUT_UIDS}
        self._plain = _plain_parameters(self._signature)
        # Annotations may name what is defined further down, so they are looked at in a call.
        self._checks: dict[str, Check] | None = None

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        """Bind arguments and apply defaults: what `inspect` does, in a tenth of the time.

        Whatever is out of the ordinary, and any mistake, is left to `inspect`.
        """
        plain = self._plain
        if plain is not None and len(args) <= plain.positional:
            values = dict(zip(plain.names, args, strict=False))
            given = len(values) + len(kwargs)
            values.update(kwargs)
            # As many as were given: so no argument was given twice.
            if len(values) == given and values.keys() <= plain.known:
                try:
                    ordered = {
                        name: values[name] if name in values else plain.defaults[name]
                        for name in plain.names
                    }
                except KeyError:
                    pass
                else:
                    return inspect.BoundArguments(self._signature, ordered)
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any], current: Session) -> BoundCall:
        """Bind arguments, apply defaults, find the inputs, compute the key.

        Args:
            args: Positional arguments.
            kwargs: Keyword arguments.
            current: The lake to use where no argument names another.

        Raises:
            TypeError: The arguments do not fit the signature.
            ArgumentTypeError: An argument cannot be recorded.
            UIDNotFoundError: An input is not in the lake.
        """
        shown = self._function.shown
        try:
            bound = self._bind(args, kwargs)
        except TypeError as error:
            raise TypeError(f"{shown}: {error}") from None
        try:
            return self._bound(bound, current)
        except UsageError as error:  # of an argument, and so of the function
            if shown in error.message:
                raise
            kind, message = type(error), f"{shown}: {error.message}"
            raise kind(message, uid=error.uid, hint=error.hint) from error

    def _bound(self, bound: inspect.BoundArguments, current: Session) -> BoundCall:
        function = self._function
        if self._checks is None:
            self._checks = file_checks(function.function)
        files: list[_Given] = []

        def special(value: object, where: str) -> Canonical | None:
            if not isinstance(value, (File, Directory)):
                return None
            given = _Given(where, value, [value.kind, value.uid])
            files.append(given)
            return given.shown

        for name, check in self._checks.items():
            check(bound.arguments[name], name)
        params: dict[str, Canonical] = {}
        for name, value in bound.arguments.items():
            if name in self._left_out:
                continue
            if name in _SECRETS and isinstance(value, str):
                raise ArgumentTypeError(
                    f"{name} of {function.name} looks like a secret, and arguments are kept",
                    hint=f'leave it out of the record: @file_creator(ignore=("{name}",))',
                )
            params[name] = canonicalise(value, name, special, module_of=module_of)
            if _holds_secret(params[name]):
                raise ArgumentTypeError(
                    f"{name} of {function.name} holds a URL with a password or token,"
                    " and arguments are kept",
                    hint=f'leave it out of the record: @file_creator(ignore=("{name}",))',
                )
        session = _one_session([given.file for given in files], current)
        inputs = sorted((given.found(session) for given in files), key=lambda one: one.arg)
        return BoundCall(
            function,
            session,
            bound,
            params,
            tuple(inputs),
            output_uids(bound.arguments, function.shape),
            call_key(
                module=function.module,
                name=function.name,
                version=function.version,
                fingerprint=function.code_in_key,
                params=params,
                inputs=key_inputs(inputs),
            ),
        )


def _holds_secret(value: Canonical) -> bool:
    """Return whether a canonical value holds a URL that no record may keep."""
    stack: list[object] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str) and has_secret(item):
            return True
        if isinstance(item, list):
            stack += item
    return False


@dataclass(frozen=True, slots=True)
class _Plain:
    """The parameters of a function that has neither `*args` nor `**kwargs` nor `/`."""

    names: tuple[str, ...]
    known: frozenset[str]
    positional: int
    defaults: dict[str, Any]


def _plain_parameters(signature: inspect.Signature) -> _Plain | None:
    parameters = signature.parameters.values()
    kinds = [parameter.kind for parameter in parameters]
    usual = inspect.Parameter.POSITIONAL_OR_KEYWORD
    if any(kind not in (usual, inspect.Parameter.KEYWORD_ONLY) for kind in kinds):
        return None
    return _Plain(
        tuple(signature.parameters),
        frozenset(signature.parameters),
        kinds.count(usual),
        {one.name: one.default for one in parameters if one.default is not one.empty},
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """A file or directory among the arguments."""

    where: str
    file: File | Directory
    shown: list[Canonical]
    """Its canonical value, as it is among the parameters."""

    def found(self, session: Session) -> CallInput:
        """Find it in the lake; of a file in a directory, note that among the parameters."""
        record, inner = self.file.as_input(session)
        if inner is None:
            return CallInput(self.where, record.uid, record.digest, record.record_digest)
        self.shown[:] = ["inner", inner[0]]
        return CallInput(self.where, record.uid, inner[1], record.record_digest, inner[0])


def _one_session(files: Sequence[File | Directory], current: Session) -> Session:
    named = {id(one): one for file in files if (one := file.chosen_session) is not None}
    if len(named) > 1 and len({one.lake_id for one in named.values()}) > 1:
        raise UsageError("the files given to a creator belong to several lakes")
    return next(iter(named.values()), None) or current


def key_inputs(inputs: Iterable[CallInput]) -> list[tuple[str, str, Digest]]:
    """Return what the key of a call holds of its inputs; see `call_key`."""
    return [(one.arg, one.uid if one.inner is UNSET else one.inner, one.digest) for one in inputs]
