"""Arguments that can never work, found before the function runs.

Text given for a parameter that is annotated as `File` would be read as a local path and recorded
as text; output names that do not fit what the function returns would fail after its work.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Union

from radops.arguments import kind_of
from radops.errors import ArgumentTypeError, UsageError
from radops.format.uid import UID, parse_uid
from radops.lake.add_items import check_writable
from radops.lake.directory.directory import Directory
from radops.lake.file import File

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.pipeline.returns import Shape

    Check = Callable[[object, str], None]
    """Raises `ArgumentTypeError` if a value, at an argument path, is text in place of a `File`."""

OUTPUT_UID = "output_uid"
OUTPUT_UIDS = "output_uids"

_ITERABLE = (list, tuple, set, frozenset)
_ITERABLES = {
    *_ITERABLE,
    collections.abc.Sequence,
    collections.abc.Iterable,
    collections.abc.Collection,
}
_MAPPINGS = {dict, Mapping, collections.abc.MutableMapping}
# An annotation may hold itself: a dataclass of a tree.
_MOST_DEPTH = 8


def file_checks(function: Callable[..., Any]) -> dict[str, Check]:
    """Return a check for each parameter whose annotation holds `File`.

    Annotations that cannot be resolved, as they name what only type checkers see, have none.
    """
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    names = {**vars(typing), **vars(collections.abc), **scope}
    checks = {}
    for name, parameter in inspect.signature(function).parameters.items():
        check = _check(_resolved(parameter.annotation, names), 0)
        if check is None:
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            check = _each(check)
        elif parameter.kind is parameter.VAR_KEYWORD:
            check = _each_value(check)
        checks[name] = check
    return checks


def _resolved(annotation: object, names: dict[str, Any]) -> object:
    if not isinstance(annotation, str):
        return annotation
    alone = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(alone, globalns=names, include_extras=True)["it"]
    except Exception:  # noqa: BLE001 - whatever evaluating an annotation raises
        return None


def _check(annotation: object, depth: int) -> Check | None:
    if annotation is File:
        return _is_file
    if annotation is Directory:
        return _is_directory
    if depth > _MOST_DEPTH:
        return None
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return _of_dataclass(annotation, depth)
    members = typing.get_args(annotation)
    inner = [_check(one, depth + 1) for one in members]
    if all(check is None for check in inner):
        return None
    return _of_generic(typing.get_origin(annotation), members, inner)


def _of_generic(
    origin: object, members: tuple[Any, ...], inner: list[Check | None]
) -> Check | None:
    """Return the check of a generic annotation, some of whose members hold `File`."""
    found = next(check for check in inner if check is not None)
    check: Check | None = None
    if origin is Annotated:
        check = inner[0]
    elif origin in (Union, types.UnionType):
        check = _of_union(members, inner)
    elif origin in _MAPPINGS:
        check = None if inner[1] is None else _each_value(inner[1])
    elif origin in _ITERABLES:
        alike = len(inner) == 1 or members[1:] == (...,)
        check = _each(found) if alike else _each_in_order(inner)
    return check


def _is_file(value: object, where: str) -> None:
    if isinstance(value, (str, bytes, PurePath, Directory)):
        raise _unwanted(value, where, "File")


def _is_directory(value: object, where: str) -> None:
    if isinstance(value, (str, bytes, PurePath, File)):
        raise _unwanted(value, where, "Directory")


def _is_no_text(value: object, where: str, wanted: str) -> None:
    if isinstance(value, (str, bytes, PurePath)):
        raise _unwanted(value, where, wanted)


def _unwanted(value: object, where: str, wanted: str) -> ArgumentTypeError:
    if isinstance(value, (File, Directory)):
        text = value.uid
    else:
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    what = "file" if wanted == "File" else "directory"
    return ArgumentTypeError(
        f"argument {where}: {text!r} is {kind_of(value)}, and a {wanted} is wanted",
        hint=f"pass the {what} of the lake: {wanted}({text!r})",
    )


def _wanted(check: Check | None) -> str:
    return "Directory" if check is _is_directory else "File"


def _each(check: Check) -> Check:
    def check_all(value: object, where: str) -> None:
        _is_no_text(value, where, _wanted(check))
        if isinstance(value, _ITERABLE):
            for index, item in enumerate(value):
                check(item, f"{where}[{index}]")

    return check_all


def _each_in_order(checks: list[Check | None]) -> Check:
    def check_all(value: object, where: str) -> None:
        _is_no_text(value, where, _wanted(next(one for one in checks if one is not None)))
        if isinstance(value, tuple):
            for index, (check, item) in enumerate(zip(checks, value, strict=False)):
                if check is not None:
                    check(item, f"{where}[{index}]")

    return check_all


def _each_value(check: Check) -> Check:
    def check_all(value: object, where: str) -> None:
        if isinstance(value, Mapping):
            for key, item in value.items():
                check(item, f"{where}[{key!r}]")

    return check_all


def _of_union(members: tuple[Any, ...], checks: list[Check | None]) -> Check | None:
    """Check a union of which only files, and None, can be meant."""
    others = [m for m, check in zip(members, checks, strict=True) if check is None]
    found = [check for check in checks if check is not None]
    if not found or any(one is not type(None) for one in others):
        return None

    def check_any(value: object, where: str) -> None:
        if len(found) > 1:
            _is_no_text(value, where, _wanted(found[0]))
        elif value is not None:
            found[0](value, where)

    return check_any


def _of_dataclass(kind: type, depth: int) -> Check | None:
    scope = getattr(sys.modules.get(kind.__module__), "__dict__", {})
    names = {**vars(typing), **vars(collections.abc), **scope}
    found = {}
    for field in dataclasses.fields(kind):
        check = _check(_resolved(field.type, names), depth + 1)
        if check is not None:
            found[field.name] = check
    if not found:
        return None

    def check_fields(value: object, where: str) -> None:
        _is_no_text(value, where, _wanted(next(iter(found.values()))))
        for name, check in found.items():
            check(getattr(value, name, None), f"{where}.{name}")

    return check_fields


# -- names of outputs ------------------------------------------------------------------------------


def output_uids(arguments: Mapping[str, Any], shape: Shape | None) -> tuple[UID, ...] | None:
    """Return the UIDs that a call is given to make; None if it names none.

    Args:
        arguments: All arguments of the call.
        shape: What the function returns; None if that is not known.

    Raises:
        UsageError: They can never be made; the message says why.
    """
    one, many = arguments.get(OUTPUT_UID), arguments.get(OUTPUT_UIDS)
    if one is not None and many is not None:
        raise UsageError("give output_uid or output_uids, not both")
    if one is not None:
        names: list[Any] = [one]
        if not isinstance(one, str):
            raise ArgumentTypeError(f"output_uid is {kind_of(one)}, not text")
    elif many is not None:
        names = _names_of_many(many)
    else:
        return None
    uids = tuple(parse_uid(name) for name in names)
    for uid in uids:
        check_writable(uid)
    if len(set(uids)) != len(uids):
        raise UsageError("output_uids names a file twice")
    if shape is not None and shape.count is not None and shape.count != len(uids):
        raise UsageError(
            f"the function returns {_counted(shape.count)}, and is given {_counted(len(uids))}"
            " to make",
            hint="give it one UID for each file that it returns",
        )
    return uids


def _names_of_many(many: object) -> list[Any]:
    if isinstance(many, Mapping):
        for place in many:
            if not isinstance(place, str):
                raise ArgumentTypeError(
                    f"output_uids has the key {place!r}, {kind_of(place)}, not text"
                )
            if any("\ud800" <= letter <= "\udfff" for letter in place):
                raise UsageError(f"output_uids has the key {place!r}, which cannot be encoded")
        names = list(many.values())
    elif isinstance(many, (list, tuple, collections.abc.Sequence)) and not isinstance(
        many, (str, bytes)
    ):
        names = list(many)
    else:
        raise ArgumentTypeError(
            f"output_uids is {kind_of(many)}, not a list or dict of text",
            hint="one file alone is named by output_uid",
        )
    for name in names:
        if not isinstance(name, str):
            raise ArgumentTypeError(f"output_uids holds {kind_of(name)}, not text")
    if not names:
        raise UsageError("output_uids is empty")
    return names


def _counted(count: int) -> str:
    return "one file" if count == 1 else f"{count} files"
