"""Arguments of a call as canonical values: equal for equal arguments, anywhere and always.

null, bool, integers of 64 bits, float, text and bytes stay as they are; everything else is
`[type, payload]`. docs/format.md fixes each payload; `radops.format.scalars` makes the simple ones.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, cast

from radops.format import cbor
from radops.format.scalars import BARE, SINGLE, member_name, numpy_scalar, refuse
from radops.loaded import loaded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Canonical: TypeAlias = cbor.Value
"""A canonical value: bare, or a list of type and payload. It holds no maps."""
Special: TypeAlias = Callable[[object, str], "Canonical | None"]
"""Asked with a value and its argument path; None: nothing special."""

MAX_VALUE_DEPTH = cbor.MAX_DEPTH - 4
"""Levels of a canonical value: record, origin, call and params are around it."""

_NESTED = frozenset({list, tuple, dict, set, frozenset})
# The deepest payload of a value that holds no others, of `special` too: [type, [part, part]].
_SINGLE_DEPTH = 2


def canonicalise(
    value: object,
    where: str,
    special: Special | None = None,
    *,
    module_of: Callable[[type], str] | None = None,
) -> Canonical:
    """Return the canonical value of an argument.

    Args:
        value: The argument as the function gets it.
        where: The argument's name; messages and `special` get paths below it, like `files[3]`,
            `opts["rate"]` or `config.train`.
        special: Asked first for every value that is not null, bool, int, float, text or bytes,
            in order, outermost first; it may answer with a canonical value of its own, like
            `["file", uid]`. Not asked within sets and the keys of dicts: there is no order
            there by which a path could name a value.
        module_of: The module that an enum or dataclass counts as defined in; None: its
            `__module__`. Scripts need it: theirs is `__main__`, `__mp_main__` or the real name,
            depending on how they were started.

    Raises:
        ArgumentTypeError: The value cannot be recorded; the message names the argument.
    """
    return _Canonicaliser(special, module_of).convert(value, where, 0)


class _Canonicaliser:
    def __init__(self, special: Special | None, module_of: Callable[[type], str] | None) -> None:
        self.special = special
        self.module_of = module_of or (lambda kind: kind.__module__)
        self.unordered = False
        self.around: list[object] = []

    def convert(self, value: object, where: str, depth: int) -> Canonical:
        """Return the canonical value of `value`, which `depth` levels of arrays are around."""
        kind = type(value)
        if bare := BARE.get(kind):
            canonical = bare(value, where)
            _need(depth + (type(canonical) is list), where)  # a large integer
            return canonical
        if self.special is not None and not self.unordered:
            answer = self.special(value, where)
            if answer is not None:
                _need(depth + _SINGLE_DEPTH, where)
                return answer
        is_enum = isinstance(value, enum.Enum)
        if kind not in _NESTED and (is_enum or not dataclasses.is_dataclass(value)):
            return self._single(value, where, depth)
        if any(value is outer for outer in self.around):
            refuse(where, "it contains itself", "Pass a value without cycles.")
        self.around.append(value)
        try:
            return self._nested(value, where, depth)
        finally:
            self.around.pop()

    def _nested(self, value: object, where: str, depth: int) -> Canonical:
        kind = type(value)
        if kind is list or kind is tuple:
            _need(depth + 2, where)
            items = enumerate(cast("Iterable[object]", value))
            return [
                kind.__name__,
                [self.convert(item, f"{where}[{index}]", depth + 2) for index, item in items],
            ]
        if kind is dict:
            return self._dict(cast("Mapping[object, object]", value), where, depth)
        if kind is set or kind is frozenset:
            _need(depth + 2, where)
            elements = [
                self._unordered(item, f"{where} (an element)", depth + 2)
                for item in cast("Iterable[object]", value)
            ]
            return [kind.__name__, sorted(elements, key=cbor.encode)]
        return self._dataclass(value, where, depth)

    def _dict(self, value: Mapping[object, object], where: str, depth: int) -> Canonical:
        _need(depth + 3, where)
        pairs: dict[bytes, Canonical] = {}
        for key, item in value.items():
            canonical = self._unordered(key, f"{where} (a key)", depth + 3)
            path = f"{where}[{_key_path(canonical)}]"
            pair = [canonical, self.convert(item, path, depth + 3)]
            if pairs.setdefault(cbor.encode(canonical), pair) is not pair:
                # Two different NaNs: their values could not be distinguished.
                refuse(path, "two keys would be recorded alike", "Use other keys.")
        return ["dict", [pairs[encoding] for encoding in sorted(pairs)]]

    def _unordered(self, value: object, where: str, depth: int) -> Canonical:
        before, self.unordered = self.unordered, True
        try:
            return self.convert(value, where, depth)
        finally:
            self.unordered = before

    def _dataclass(self, value: object, where: str, depth: int) -> Canonical:
        kind = type(value)
        # A subclass that is not a dataclass itself, and one of a plain type, hold more than fields.
        if "__dataclass_fields__" not in vars(kind) or _known_base(kind):
            self._unknown(value, where)
        _need(depth + 4, where)
        names = sorted(field.name for field in dataclasses.fields(cast("Any", value)))
        for name in getattr(value, "__dict__", {}):
            cached = isinstance(getattr(kind, name, None), cached_property)
            if name not in names and not cached and not name.startswith("__"):
                why = f"its attribute {name!r} is not a field of the dataclass"
                refuse(where, why, "Make it a field, or do not set it.")
        pairs = []
        for name in names:
            if not hasattr(value, name):
                refuse(where, f"its field {name!r} is not set", "Set all fields.")
            pairs.append([name, self.convert(getattr(value, name), f"{where}.{name}", depth + 4)])
        return ["dataclass", [self.module_of(kind), kind.__qualname__, pairs]]

    def _single(self, value: object, where: str, depth: int) -> Canonical:
        _need(depth + _SINGLE_DEPTH, where)
        kind = type(value)
        if isinstance(value, enum.Enum):
            return ["enum", [self.module_of(kind), kind.__qualname__, member_name(value)]]
        if converter := SINGLE.get(kind):
            return converter(value, where)
        # Only a program that has imported NumPy can pass one of its scalars.
        numpy = loaded("numpy")
        if numpy is not None and isinstance(value, numpy.generic):
            scalar = numpy_scalar(value, where)
            if scalar is not None:
                return scalar
        return self._unknown(value, where)

    def _unknown(self, value: object, where: str) -> NoReturn:
        kind = type(value)
        name = f"{kind.__module__}.{kind.__qualname__}"
        if base := _known_base(kind):
            why = f"{name} is a subclass of {base.__name__}, which may hold more than one"
            refuse(where, why, f"Pass a plain {base.__name__}.")
        if dataclasses.is_dataclass(kind) and "__dataclass_fields__" not in vars(kind):
            why = f"{name} is a subclass of a dataclass, and none itself"
            refuse(where, why, "Decorate it with @dataclass too.")
        hint = _HINTS.get(name, "Pass numbers, text, lists, dicts, dataclasses, or lake files.")
        if self.unordered:
            hint = "Keys of dicts and elements of sets are plain; lake files go into lists."
        refuse(where, f"a value of type {name.removeprefix('builtins.')} cannot be recorded", hint)


def _need(depth: int, where: str) -> None:
    if depth > MAX_VALUE_DEPTH:
        hint = "Make it flatter, or write it into a file of the lake and pass that."
        refuse(where, "it is nested too deeply", hint)


def _known_base(kind: type) -> type | None:
    """Return the recordable type that `kind` is a subclass of, if any."""
    known = (base for base in kind.__mro__[1:] if base in BARE or base in SINGLE or base in _NESTED)
    return next(known, None)


def _key_path(key: Canonical) -> str:
    """Return how an argument path names a key of a dict. Part of the format: paths are in keys.

    Hence not `repr`, nor anything else that could change with a version of Python or Unicode.
    """
    if isinstance(key, str):
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c >= " " else f"\\u{ord(c):04x}" for c in escaped) + '"'
    if key is None or isinstance(key, bool):
        return {None: "null", False: "false", True: "true"}[key]
    if isinstance(key, int):
        return str(key)
    return f"#{cbor.encode(key).hex()}"


_HINTS = {
    "builtins.bytearray": "Pass bytes(...).",
    "builtins.complex": "Pass the real and the imaginary part.",
    "builtins.function": "Pass the name of what to do, and choose the function inside.",
    "builtins.generator": "Pass a list.",
    "builtins.range": "Pass list(...), or start and stop.",
    "datetime.time": "Pass .isoformat().",
    "datetime.timedelta": "Pass .total_seconds().",
    "numpy.ndarray": "Write it into a file of the lake and pass that, or pass .tolist().",
    "pandas.core.frame.DataFrame": "Write it into a file of the lake and pass that.",
    "torch.Tensor": "Write it into a file of the lake and pass that, or pass .tolist().",
}
