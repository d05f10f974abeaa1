"""One call of a creator, before it runs: arguments bound, inputs found, key computed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from radops.data_lake.adding import check_writable
from radops.data_lake.file import File
from radops.data_lake.identity import module_of
from radops.errors import ArgumentTypeError, UsageError
from radops.model.call import CallInput
from radops.model.key import call_key
from radops.model.params import canonicalise
from radops.model.uid import UID, parse_uid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.data_lake.identity import Identity
    from radops.data_lake.lake import DataLake
    from radops.model.digest import Digest
    from radops.model.params import Canonical

OUTPUT_UID = "output_uid"
OUTPUT_UIDS = "output_uids"

# A parameter of exactly such a name that holds text would end in a record that many can read.
_SECRETS = frozenset({"password", "secret", "api_key", "access_key", "credentials"})


@dataclass(frozen=True, slots=True)
class BoundCall:
    """A call whose arguments are bound and whose inputs were found in the lake."""

    lake: DataLake
    arguments: inspect.BoundArguments
    params: dict[str, Canonical]
    inputs: tuple[CallInput, ...]
    output_uids: tuple[UID, ...] | None
    """The UIDs that it was told to make; None for implicit ones."""
    key: Digest

    @property
    def output_places(self) -> dict[str, UID]:
        """The UIDs that it was told to make by name, where `output_uids` is a dict."""
        named = self.arguments.arguments.get(OUTPUT_UIDS)
        if not isinstance(named, Mapping) or self.output_uids is None:
            return {}
        return dict(zip(named, self.output_uids, strict=True))


class Binder:
    """Binds calls of one function.

    Args:
        signature: The function's signature.
        identity: Who the function is.
        version: As given to the decorator.
        ignore: Parameters that are left out of record and key.
    """

    def __init__(
        self,
        signature: inspect.Signature,
        identity: Identity,
        version: str | None,
        ignore: Sequence[str],
    ) -> None:
        self._signature = signature
        self._identity = identity
        self._version = version
        self._left_out = {*ignore, OUTPUT_UID, OUTPUT_UIDS}
        self._plain = _plain_parameters(signature)
        for name in ignore:
            if name not in signature.parameters:
                raise UsageError(f"{identity.name} has no parameter {name!r} to ignore")

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

    def bind(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        current: DataLake,
        fingerprint: Digest | None,
    ) -> BoundCall:
        """Bind arguments, apply defaults, find the inputs, compute the key.

        Args:
            args: Positional arguments.
            kwargs: Keyword arguments.
            current: The lake to use where no argument names another.
            fingerprint: What of the code joins the key.

        Raises:
            TypeError: The arguments do not fit the signature.
            ArgumentTypeError: An argument cannot be recorded.
            UIDNotFoundError: An input is not in the lake.
        """
        bound = self._bind(args, kwargs)
        files: list[tuple[str, File]] = []

        def special(value: object, where: str) -> Canonical | None:
            if isinstance(value, File):
                files.append((where, value))
                return ["file", value.uid]
            return None

        params: dict[str, Canonical] = {}
        for name, value in bound.arguments.items():
            if name in self._left_out:
                continue
            if name in _SECRETS and isinstance(value, str):
                raise ArgumentTypeError(
                    f"{name} of {self._identity.name} looks like a secret, and arguments are kept",
                    hint=f'leave it out of the record: @file_creator(ignore=("{name}",))',
                )
            params[name] = canonicalise(value, name, special, module_of=module_of)
        lake = _one_lake(files, current)
        inputs = sorted((_input(lake, where, file) for where, file in files), key=lambda i: i.arg)
        return BoundCall(
            lake,
            bound,
            params,
            tuple(inputs),
            _output_uids(bound.arguments),
            call_key(
                module=self._identity.module,
                name=self._identity.name,
                version=self._version,
                fingerprint=fingerprint,
                params=params,
                inputs=[(one.arg, one.uid, one.digest) for one in inputs],
            ),
        )


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


def _one_lake(files: Sequence[tuple[str, File]], current: DataLake) -> DataLake:
    named = {id(file.chosen_lake): file.chosen_lake for _, file in files if file.chosen_lake}
    if len(named) > 1:
        raise UsageError("the files given to a creator belong to several lakes")
    return next(iter(named.values()), None) or current


def _input(lake: DataLake, where: str, file: File) -> CallInput:
    record = lake.session.record(UID(file.uid))
    return CallInput(where, record.uid, record.digest, record.record_digest)


def _output_uids(arguments: Mapping[str, Any]) -> tuple[UID, ...] | None:
    one, many = arguments.get(OUTPUT_UID), arguments.get(OUTPUT_UIDS)
    if one is not None and many is not None:
        raise UsageError("give output_uid or output_uids, not both")
    if one is not None:
        if not isinstance(one, str):
            raise ArgumentTypeError(f"output_uid is a {type(one).__name__}, not text")
        names = [one]
    elif many is not None:
        names = list(many.values()) if isinstance(many, Mapping) else list(many)
        if isinstance(many, str) or not all(isinstance(name, str) for name in names):
            raise ArgumentTypeError("output_uids is not a list or dict of text")
        if not names:
            raise UsageError("output_uids is empty")
    else:
        return None
    uids = tuple(parse_uid(name) for name in names)
    for uid in uids:
        check_writable(uid)
    if len(set(uids)) != len(uids):
        raise UsageError("output_uids names a file twice")
    return uids
