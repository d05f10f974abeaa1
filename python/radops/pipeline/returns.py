"""What a creator returns: one file, or files in a list, tuple or dict."""

from __future__ import annotations

import inspect
import types
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from radops.arguments import kind_of
from radops.errors import CreatorError
from radops.lake.directory.directory import Directory
from radops.lake.file import File

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Kind = Literal["one", "list", "tuple", "dict"]
"""`one` file, or files in a `list`, `tuple` or `dict`."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a creator returns."""

    kind: Kind
    count: int | None
    """How many files; None if that is not fixed."""


Place = int | str | None

_EXPECTED = "File, list[File], tuple[File, ...] or dict[str, File], or these with Directory"


def shape_of(function: Callable[..., Any]) -> Shape:
    """Return what the return annotation of a creator says it returns.

    Raises:
        CreatorError: There is none, or it is not one that creators can have.
        NameError: It names something that is not defined yet.
    """
    annotation = function.__annotations__.get("return")
    name = function.__qualname__
    if annotation is None:
        raise CreatorError(
            f"{name} has no return annotation", hint=f"a creator returns {_EXPECTED}"
        )
    if isinstance(annotation, str):
        # Of this annotation alone: the others may name what only type checkers see.
        alone = types.SimpleNamespace(__annotations__={"return": annotation})
        annotation = typing.get_type_hints(alone, globalns=inspect.unwrap(function).__globals__)[
            "return"
        ]
    shape = _shape(annotation)
    if shape is None:
        shown = getattr(annotation, "__name__", None) or str(annotation)
        raise CreatorError(
            f"{name} is annotated to return {shown}", hint=f"a creator returns {_EXPECTED}"
        )
    return shape


def _shape(annotation: object) -> Shape | None:
    if _is_output(annotation):
        return Shape("one", 1)
    origin: Any = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is list and len(arguments) == 1 and _is_output(arguments[0]):
        return Shape("list", None)
    members = [one for one in arguments if one is not Ellipsis]
    if origin is tuple and members and all(map(_is_output, members)):
        return Shape("tuple", None if Ellipsis in arguments else len(arguments))
    if origin is dict and arguments[:1] == (str,) and all(map(_is_output, arguments[1:])):
        return Shape("dict", None)
    return None


def _is_output(annotation: object) -> bool:
    """Return whether an annotation means a file or a directory, or one of both."""
    if annotation is File or annotation is Directory:
        return True
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return all(map(_is_output, typing.get_args(annotation)))
    return False


def take_apart(name: str, kind: Kind, returned: object) -> list[tuple[Place, File | Directory]]:
    """Return the files that a creator returned, each with its place.

    Raises:
        CreatorError: It returned something else than it is annotated to.
    """
    pairs: list[tuple[Place, object]] = []
    if kind == "one":
        pairs = [(None, returned)]
    elif kind == "dict" and isinstance(returned, dict):
        pairs = list(returned.items())
    elif (kind == "list" and isinstance(returned, list)) or (
        kind == "tuple" and isinstance(returned, tuple)
    ):
        pairs = list(enumerate(returned))
    else:
        raise CreatorError(f"{name} returned {kind_of(returned)}, not a {kind} of files")
    files: list[tuple[Place, File | Directory]] = []
    for place, file in pairs:
        if not isinstance(file, (File, Directory)) or (
            kind == "dict" and not isinstance(place, str)
        ):
            raise CreatorError(
                f"{name} returned {file!r} where it is annotated to return a File or Directory"
            )
        files.append((place, file))
    if not files:
        raise CreatorError(f"{name} returned no files")
    return files


def put_together(kind: Kind, files: Iterable[tuple[Place, File | Directory]]) -> Any:  # noqa: ANN401 - the creator's own type
    """Return files in the shape that the creator returns them in."""
    pairs = list(files)
    if kind == "one":
        return pairs[0][1]
    if kind == "dict":
        return {str(place): file for place, file in pairs}
    ordered = [file for _, file in sorted(pairs, key=lambda pair: _position(pair[0]))]
    return ordered if kind == "list" else tuple(ordered)


def _position(place: Place) -> int:
    return place if isinstance(place, int) else 0
