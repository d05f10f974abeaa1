# Part of the golden test: changing what this file does changes pinned fingerprints.
"""A user's helpers."""

import json as j
from dataclasses import dataclass

RATE = 0.5
TABLE = {"a": 1, "b": [2, 3.0, 4j, b"x", None, True, ...]}
TABLE["c"] = -RATE

try:
    import tomllib as parser
except ImportError:
    parser = None


@dataclass
class Config:
    """Options."""

    rate: float = RATE
    name: str = "x"

    @property
    def double(self) -> float:
        return self.rate * 2


class Child(Config):
    def run(self, *args, **kwargs):
        return even(len(args)), super().double, f"{self.rate!r:>{len(args)}} {'a' 'b'} {kwargs=}"


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


def clean(data, /, *, table=TABLE):
    if parser is not None:
        return parser.loads(data)
    return [j.loads(x) for x in data if x in table]
