"""Pickling creators of a main program for workers whose main program is another one.

cloudpickle sends functions of `__main__` whole, and everything else by name; so does what builds on
it: Dask, joblib, Ray. A creator is an object around such a function, so it carries the function
itself, with its identity and fingerprint, which follow from a file that the worker may not have.
Where the main program is the same one (`multiprocessing` runs it again in its children), the
creator is found by its name.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from typing import TYPE_CHECKING, Any

from radops.errors import CreatorError

if TYPE_CHECKING:
    from radops.pipeline.function import Function, Options, Travelled

_LIBRARIES = ("cloudpickle", "joblib.externals.cloudpickle", "ray.cloudpickle")


class _Pickling(threading.local):
    """Creators that are being pickled: a function may call itself, or its caller."""

    def __init__(self) -> None:
        self.functions: set[int] = set()


_pickling = _Pickling()
_found: dict[str, Any] = {}


def reduce(creator: Any, function: Function) -> str | tuple[Any, ...]:  # noqa: ANN401 - a `Creator`
    """Return how to pickle a creator of the main program."""
    name: str = function.function.__qualname__
    library = _library()
    if library is None:
        return name
    kind, token = type(creator), f"{name} {id(function):x}"
    if id(function) in _pickling.functions:
        return _referred, (kind, name, token)
    _pickling.functions.add(id(function))
    try:
        packed = library.dumps(function.function)
    except Exception:  # noqa: BLE001 - what it closes over cannot be pickled; then by name alone
        return name
    finally:
        _pickling.functions.discard(id(function))
    return _restored, (kind, name, token, packed, function.options, function.travel())


def _library() -> Any | None:  # noqa: ANN401 - a module
    for name in _LIBRARIES:
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    return None


def _by_name(kind: type, name: str) -> Any | None:  # noqa: ANN401 - a `Creator`
    found: Any = sys.modules.get("__main__")
    for part in name.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, kind) else None


def _referred(kind: Any, name: str, token: str) -> Any:  # noqa: ANN401 - `Creator`
    """Return the creator whose function is being unpickled and refers to it."""
    found = _by_name(kind, name)
    return found if found is not None else _found.setdefault(token, kind.__new__(kind))


def _restored(
    kind: Any,  # noqa: ANN401 - `Creator`, which imports this module
    name: str,
    token: str,
    packed: bytes,
    options: Options,
    travelled: Travelled,
) -> Any:  # noqa: ANN401 - a `Creator`
    found = _by_name(kind, name)
    if found is not None:
        return found
    library = _library()
    if library is None:
        raise CreatorError(
            f"{name} is of the main program of another process, and cloudpickle is not installed",
            hint="install cloudpickle, or move the function into a module that can be imported",
        )
    creator = _found.setdefault(token, kind.__new__(kind))
    if "_function" not in vars(creator):
        creator.__init__(library.loads(packed), options, travelled)
    return creator
