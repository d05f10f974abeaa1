"""Arguments of the wrong kind are refused with a message that says what to pass.

Most wrong calls would fail later, with an unclear message; some would do something unintended:
text such as "no" is true, and a text given for several patterns is a pattern for each letter.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from radops.errors import ArgumentTypeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SEVERAL = (list, tuple, set, frozenset, dict)


def kind_of(value: object) -> str:
    """Return what a value is, with an article: `an int`, `a list`, `None`."""
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def check_name(value: object, what: str = "a name in the lake") -> None:
    """Refuse what is not text where a name is expected.

    Args:
        value: What was given.
        what: What is expected, for the message.

    Raises:
        ArgumentTypeError: Says what to pass.
    """
    if isinstance(value, str):
        return
    uid = getattr(value, "uid", None)
    hint = "pass the name as text"
    if isinstance(uid, str):
        hint = f"pass its name: {uid!r}"
    elif isinstance(value, _SEVERAL):
        hint = "pass each name as an argument of its own: *names; or call it once for each"
    raise ArgumentTypeError(f"{what} is text, not {kind_of(value)}", hint=hint)


def check_path(value: object, what: str) -> None:
    """Refuse what is neither text nor a path.

    Raises:
        ArgumentTypeError: Says what to pass.
    """
    if not isinstance(value, str) and not hasattr(value, "__fspath__"):
        raise ArgumentTypeError(f"{what} is {kind_of(value)}", hint="pass a path: text or Path")


def check_names(values: Iterable[object], what: str = "a name in the lake") -> None:
    """Refuse names of which one is not text; see `check_name`."""
    for value in values:
        check_name(value, what)


def as_patterns(values: object, what: str) -> tuple[str, ...]:
    """Return one pattern or several as a tuple.

    Raises:
        ArgumentTypeError: They are not text.
    """
    if isinstance(values, str):
        return (values,)
    if not isinstance(values, _SEVERAL):
        raise ArgumentTypeError(f"{what} is {kind_of(values)}", hint="pass a list of text")
    check_names(values, f"each of {what}")
    return tuple(values)


def check_number(
    value: object, what: str, *, least: float, whole: bool = False, unit: str = ""
) -> None:
    """Refuse what is not a number, or is too small; None is accepted.

    Args:
        value: What was given.
        what: The name of the argument.
        least: The smallest number that can be used.
        whole: Whether it has to be a whole one.
        unit: What it counts, for the message: `seconds`.

    Raises:
        ArgumentTypeError: It is no number.
        UsageError: It is too small, or not a number at all (NaN).
    """
    if value is None:
        return
    number = "a whole number" if whole else "a number"
    accepted = f"{number} of {unit}" if unit else number
    # As NumPy's numbers have them, too.
    usable = hasattr(value, "__index__") or (not whole and hasattr(value, "__float__"))
    if isinstance(value, bool) or not usable:
        raise ArgumentTypeError(f"{what} is {kind_of(value)}, not {accepted}")
    if math.isnan(value) or value < least:  # type: ignore[arg-type,operator] # checked above
        raise UsageError(f"{what} is {value}", hint=f"pass {accepted}, at least {least:g}")


def check_flags(**flags: object) -> None:
    """Refuse text where True or False is expected: "no" would count as True.

    Raises:
        ArgumentTypeError: Names the argument.
    """
    for name, value in flags.items():
        if value is not None and not isinstance(value, bool) and not _is_like_bool(value):
            raise ArgumentTypeError(
                f"{name} is {value!r}, {kind_of(value)}", hint=f"pass {name}=True or {name}=False"
            )


def _is_like_bool(value: object) -> bool:
    return value in (0, 1) if isinstance(value, int) else type(value).__name__ in ("bool_", "bool")
