"""What a creator returns: one file, or files in a list, tuple or dict."""

from __future__ import annotations

import inspect
import types
import typing
from typing import TYPE_CHECKING, Any, Literal

from radops.data_lake.file import File
from radops.errors import CreatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Kind = Literal["one", "list", "tuple", "dict"]
Place = int | str | None

_EXPECTED = "File, list[File], tuple[File, ...] or dict[str, File]"


def kind_of(function: Callable[..., Any]) -> Kind:
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
    kind = _kind(annotation)
    if kind is None:
        shown = getattr(annotation, "__name__", None) or str(annotation)
        raise CreatorError(
            f"{name} is annotated to return {shown}", hint=f"a creator returns {_EXPECTED}"
        )
    return kind


def _kind(annotation: object) -> Kind | None:
    if annotation is File:
        return "one"
    origin: Any = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is list and arguments == (File,):
        return "list"
    if origin is tuple and set(arguments) - {Ellipsis} == {File}:
        return "tuple"
    if origin is dict and arguments == (str, File):
        return "dict"
    return None


def take_apart(name: str, kind: Kind, returned: object) -> list[tuple[Place, File]]:
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
        raise CreatorError(f"{name} returned a {type(returned).__name__}, not a {kind} of files")
    files: list[tuple[Place, File]] = []
    for place, file in pairs:
        if not isinstance(file, File) or not (kind != "dict" or isinstance(place, str)):
            raise CreatorError(f"{name} returned {file!r} where it is annotated to return a File")
        files.append((place, file))
    if not files:
        raise CreatorError(f"{name} returned no files")
    return files


def put_together(kind: Kind, files: Iterable[tuple[Place, File]]) -> Any:  # noqa: ANN401 - the creator's own type
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
