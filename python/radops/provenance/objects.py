"""Dissecting an object: its plain content, and the functions and classes it consists of.

For objects that code reaches through a variable: bound methods, partials, instances of the user's
classes, containers of functions. The form of an object is that of `values`, extended by

- `code(n)`: the n-th function or class of `Dissection.code`,
- `method(function object)`, `partial(function args keywords)`,
- `builtin(name object)`: a method of a built-in object, as `re.compile("x").findall`,
- `object(class state)`: an instance of a class of the user, its state as a dict of attributes,
- `members(class bases attributes)`: a class that was made within a function,
- `same(n)`: the n-th object around this one, which contains itself,
- `opaque(module name)`: anything else; `Dissection.opaque` says where it was met.

Forms are part of fingerprints and so can never change.
"""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass, field
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from radops.provenance.syntax import constant
from radops.provenance.values import MAX_ITEMS, OpaqueError, canonical_value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

_LRU_CACHE: Final = type(functools.lru_cache(lambda: None))
_GETTERS: Final = (operator.itemgetter, operator.attrgetter, operator.methodcaller)
# What `functools.update_wrapper` copies: it belongs to the function that is wrapped.
_COPIED: Final = frozenset(
    {"__module__", "__name__", "__qualname__", "__doc__", "__annotations__", "__type_params__"}
)
# What Python adds to the attributes of a class by itself.
_ADDED: Final = _COPIED | {
    *("__dict__", "__weakref__", "__slots__", "__firstlineno__", "__static_attributes__"),
    *("__orig_bases__", "__parameters__", "__abstractmethods__", "_abc_impl", "__annotate_func__"),
    *("__annotations_cache__", "__match_args__", "__hash__"),
}
_MAX_DEPTH: Final = 50


@dataclass(slots=True)
class Dissection:
    """What an object consists of."""

    form: bytes = b""
    """The form of its content."""
    code: list[FunctionType | type] = field(default_factory=list)
    """The functions and classes that the form refers to, each once."""
    opaque: list[tuple[str, object]] = field(default_factory=list)
    """Where something has no form, as `model.lock`, and what it is."""


def dissect(value: object, name: str, is_own: Callable[[type], bool]) -> Dissection:
    """Take an object apart.

    Runs no code of the object: attributes are read where they are stored.

    Args:
        value: The object.
        name: How the code calls it.
        is_own: Whether a class is the user's own code, so that its source and the attributes of
            an instance are all there is to it.
    """
    return _Dissector(is_own).run(value, name)


def is_transparent(value: object) -> bool:
    """Return whether a value is a function, or an object that does only what its function does.

    Such as the functions under `functools.cache` and radops' own decorator.
    """
    if isinstance(value, FunctionType):
        return True
    kind = type(value)
    own = kind is _LRU_CACHE or kind.__module__.partition(".")[0] == "radops"
    return own and "__wrapped__" in getattr(value, "__dict__", {})


class _Dissector:
    def __init__(self, is_own: Callable[[type], bool]) -> None:
        self.is_own = is_own
        self.result = Dissection()
        self.around: list[object] = []
        self.items = 0

    def run(self, value: object, name: str) -> Dissection:
        self.result.form = self.encode(value, name)
        return self.result

    def encode(self, value: object, name: str) -> bytes:
        self.items += 1
        if self.items > MAX_ITEMS or len(self.around) > _MAX_DEPTH:
            return self.opaque(value, name)
        for index, outer in enumerate(self.around):
            if outer is value:
                return b"same(%d)" % index
        try:
            return canonical_value(value)
        except OpaqueError:
            pass
        self.around.append(value)
        try:
            return self.composed(value, name)
        finally:
            self.around.pop()

    def composed(self, value: object, name: str) -> bytes:  # noqa: PLR0911 one kind a line
        if isinstance(value, FunctionType):
            return self.function(value, name)
        if isinstance(value, type):
            return self.kind(value, name)
        if isinstance(value, MethodType):
            inner = self.encode(value.__func__, name)
            return b"method(%b%b)" % (inner, self.encode(value.__self__, name))
        if isinstance(value, functools.partial) and type(value) is functools.partial:
            parts = (value.func, value.args, value.keywords)
            return b"partial(%b)" % b"".join(self.encode(part, name) for part in parts)
        if is_transparent(value):
            return self.encode(vars(value)["__wrapped__"], name)
        if isinstance(value, _GETTERS):
            made = value.__reduce__()
            return b"getter(%b%b)" % (
                constant(type(value).__name__),
                self.encode(made[1:] if isinstance(made, tuple) else made, name),
            )
        if isinstance(value, BuiltinFunctionType):
            return self.builtin(value, name)
        if isinstance(value, (list, tuple, dict)) and type(value) in {list, tuple, dict}:
            return self.container(value, name)
        bases = _bases(type(value))
        if bases and all(map(self.is_own, bases)):
            return self.instance(value, name)
        return self.opaque(value, name)

    def function(self, value: FunctionType, name: str) -> bytes:
        """Encode a function with those that it says it wraps."""
        wrapped = vars(value).get("__wrapped__")
        inner = b"" if wrapped is None else self.encode(wrapped, name)
        return b"%b%b" % (self.refer(value), inner)

    def kind(self, value: type, name: str) -> bytes:
        found = self.refer(value)
        if "<locals>" not in value.__qualname__ or not self.is_own(value):
            return found
        # The source does not say what it was made with.
        bases = b"".join(self.encode(base, name) for base in value.__bases__)
        return b"members(%b%b%b)" % (found, bases, self.attributes(vars(value), name, _ADDED))

    def builtin(self, value: BuiltinFunctionType, name: str) -> bytes:
        owner = value.__self__
        label = constant(f"{value.__module__ or ''}.{value.__qualname__}")
        if owner is None or isinstance(owner, (ModuleType, type)):
            return b"builtin(%b)" % label
        return b"builtin(%b%b)" % (label, self.encode(owner, name))

    def container(self, value: list[Any] | tuple[Any, ...] | dict[Any, Any], name: str) -> bytes:
        items: Iterable[object] = value
        if isinstance(value, dict):
            items = (part for pair in value.items() for part in pair)
        inner = b"".join(self.encode(item, name) for item in items)
        return b"%b(%b)" % (type(value).__name__.encode(), inner)

    def instance(self, value: object, name: str) -> bytes:
        kind = type(value)
        state = dict(getattr(value, "__dict__", {}))
        for base in kind.__mro__:
            for slot, member in list(vars(base).items()):
                if type(member).__name__ == "member_descriptor":
                    try:
                        state[slot] = member.__get__(value)
                    except AttributeError:  # not set
                        continue
        cached = {
            attribute
            for attribute in state
            if isinstance(_static(kind, attribute), functools.cached_property)
        }
        left_out = cached | (_COPIED if "__wrapped__" in state else frozenset())
        form = self.attributes(state, name, left_out)
        return b"object(%b%b)" % (self.encode(kind, name), form)

    def attributes(
        self, found: Mapping[str, object], name: str, left_out: Collection[str]
    ) -> bytes:
        parts = []
        for attribute in sorted(key for key in found if isinstance(key, str)):
            if attribute not in left_out:
                item = _unwrapped(found[attribute])
                parts += [constant(attribute), self.encode(item, f"{name}.{attribute}")]
        return b"dict(%b)" % b"".join(parts)

    def refer(self, code: FunctionType | type) -> bytes:
        known = self.result.code
        number = next((i for i, item in enumerate(known) if item is code), len(known))
        if number == len(known):
            known.append(code)
        return b"code(%d)" % number

    def opaque(self, value: object, name: str) -> bytes:
        self.result.opaque.append((name, value))
        kind = type(value)
        label = constant(kind.__module__) + constant(kind.__qualname__)
        wrapped = getattr(value, "__dict__", {}).get("__wrapped__")
        inner = b"" if wrapped is None else self.encode(wrapped, name)
        return b"opaque(%b%b)" % (label, inner)


def _bases(kind: type) -> list[type]:
    """Return the classes whose code an instance has, without those that add nothing."""
    plain = {"object", "Generic", "Protocol", "ABC"}
    foreign = {"builtins", "typing", "abc", "typing_extensions"}
    return [
        base for base in kind.__mro__ if not (base.__module__ in foreign and base.__name__ in plain)
    ]


def _static(kind: type, name: str) -> object:
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)


def _unwrapped(member: object) -> object:
    """Return the functions of a property, a static or a class method, or a cell's content."""
    if isinstance(member, property):
        return [one for one in (member.fget, member.fset, member.fdel) if one is not None]
    if isinstance(member, (staticmethod, classmethod)):
        return member.__func__
    if isinstance(member, functools.cached_property):
        return member.func
    if isinstance(member, CellType):
        return None
    return member
