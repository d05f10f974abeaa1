"""Files that belong together: several files of a directory that are one sample."""

from __future__ import annotations

import hashlib
from array import array
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from radops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    Group: TypeAlias = "Literal['stem'] | Callable[[str], Hashable]"


def stem(path: str) -> str:
    """Return a path without the extensions of its name: of `a/1.seg.png` that is `a/1`."""
    dot = path.find(".", path.rfind("/") + 2)
    return path if dot < 0 else path[:dot]


class Grouping:
    """Which files are one sample, by a rule.

    Args:
        rule: `stem`: files whose paths are equal except for their extensions; or what returns the
            same for all paths of a sample.
        paths: Of all files, sorted.

    Raises:
        UsageError: The rule cannot be used, or files of one sample are not neighbours.
    """

    def __init__(self, rule: Group, paths: Iterable[str]) -> None:
        if rule != "stem" and not callable(rule):
            raise UsageError(
                f"group={rule!r} cannot be used", hint='give "stem", or a function of a path'
            )
        self.rule = rule
        self.starts = _starts(self.key, paths)
        """The number of each sample's first file, and after the last how many files there are."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def by_stem(self) -> bool:
        """Whether the files of a sample are distinguished by their extensions."""
        return self.rule == "stem"

    @property
    def identity(self) -> str:
        """What an order depends on: equal for equal groups."""
        if self.by_stem:
            return "stem"
        text = ",".join(map(str, self.starts)).encode()
        return hashlib.blake2b(text, digest_size=16).hexdigest()

    def key(self, path: str) -> Any:
        """Return what all files of a sample have in common."""
        return self.rule(path) if callable(self.rule) else stem(path)

    def sample(self, paths: list[str], data: list[bytes]) -> tuple[Any, dict[str, bytes]]:
        """Return a sample: its key, and the bytes of its files by extension, else by path."""
        key = self.key(paths[0])
        if self.by_stem:
            paths = [path[len(key) + 1 :] for path in paths]
        return key, dict(zip(paths, data, strict=True))


def _starts(key: Callable[[str], Hashable], paths: Iterable[str]) -> array[int]:
    starts = array("q")
    # Of keys only their hashes, 64 bits: for millions of samples that is some 60 bytes each.
    seen: set[int] = set()
    last: object = object()
    number = 0
    for path in paths:
        found = key(path)
        if found != last:
            hashed = hash(found)
            if hashed in seen:
                raise UsageError(
                    f"the files of the sample {found} are not neighbours: {path} comes later",
                    hint="files of one sample must follow each other in the order of their paths",
                )
            seen.add(hashed)
            starts.append(number)
            last = found
        number += 1
    starts.append(number)
    return starts
