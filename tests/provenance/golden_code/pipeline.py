# ruff: noqa: B006, B033, C416, E731, F841, PIE790, PLC2401, PLW0603, RET508, RUF021, UP025, UP050
# Part of the golden test: changing what this file does changes pinned fingerprints.
from __future__ import annotations

import asyncio
import functools
import os.path

from radops.data_lake import File, file_creator

from . import helpers
from .helpers import Child as Kind
from .helpers import clean


def timed(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


LIMIT = 10**20


@file_creator(version="1")
@timed
def process(f: str, *rest, rate: float = helpers.RATE, **more) -> File:
    """Every kind of syntax that versions of Python have told apart."""
    global LAST
    LAST = rate
    total, first = 0, None
    for i, (a, *b) in enumerate(rest):
        if i > LIMIT or a == 1.0 and not b:
            break
        elif (n := i % 3) in {1, 2}:
            continue
        total += n
    else:
        total -= 1
    while total > 0x10:
        total //= 2
        pass
    with open(os.path.join(f, "x")) as fh, open(f):
        text = fh.read()
    try:
        assert text, f"empty {f!s} {total:{first}>10} {{}}" "tail"
    except (ValueError, OSError) as error:
        raise RuntimeError("bad\ud800") from error
    finally:
        del text
    match more:
        case {"a": [1, *others], **left} if others:
            total = left
        case Kind(rate=0.5) | None:
            total = -1
        case (True, "x" as y):
            total = y
        case _:
            pass

    async def later(x=lambda q: q[1:2, ...]):
        async with x as y:
            await y
        async for z in y:
            yield z
        return_value = [w async for w in y if await w]

    def generate():
        nonlocal first
        first = yield
        yield from ()
        print({k: v for k, v in more.items()}, {**more}, [*rest], *rest, sep="", **more)

    class Inner(Kind, metaclass=type):
        x: int = 1
        y = x @ 2 if x else ~x

    asyncio.run(later())
    return clean(total) if Kind() else helpers.odd(1)


def unicode_names(ﬁ):
    return ﬁ + "é\N{BULLET}" + u"a" "b" + rb"\x"[0] if ... else 1e400 - 5.5j


add = lambda a, b=LIMIT: a + b


def make(rate):
    def inner(x, table=[1, (2.0, "x"), {"k": {1, True}}]):
        return x * rate

    return inner


nested = make({"b": 1, "a": [1.0, None]})
