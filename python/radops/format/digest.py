"""The digest of a file's bytes: what names an object."""

from __future__ import annotations

import re
from functools import total_ordering
from typing import TYPE_CHECKING

from radops.native import hash_bytes

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self

DIGEST_SIZE = 32
"""Bytes of a digest: BLAKE3-256."""

_HEX = re.compile(r"[0-9a-f]{64}")


@total_ordering
class Digest:
    """BLAKE3-256 of a file's whole bytes: what `b3sum FILE` prints.

    A type of its own, so that a UID, a key in hex or any other text never passes for one.
    Immutable, hashable, ordered by its bytes.

    Args:
        raw: The 32 bytes.

    Raises:
        ValueError: `raw` is not 32 bytes long.
    """

    __slots__ = ("raw",)

    raw: bytes
    """The 32 bytes."""

    def __init__(self, raw: bytes) -> None:
        if not isinstance(raw, bytes) or len(raw) != DIGEST_SIZE:
            raise ValueError(f"a digest is {DIGEST_SIZE} bytes")
        object.__setattr__(self, "raw", raw)

    @classmethod
    def of(cls, data: Buffer) -> Self:
        """Return the digest of `data`."""
        return cls(hash_bytes(data)[0])

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Return the digest that `text` spells: 64 lower-case hexadecimal digits.

        Raises:
            ValueError: The text is anything else; a digest has exactly one spelling.
        """
        if not _HEX.fullmatch(text):
            raise ValueError("a digest is written as 64 lower-case hexadecimal digits")
        return cls(bytes.fromhex(text))

    @property
    def hex(self) -> str:
        """64 lower-case hexadecimal digits."""
        return self.raw.hex()

    @property
    def path(self) -> str:
        """The digest as part of a key: `ab/cdef...`, so that no folder grows huge."""
        text = self.raw.hex()
        return f"{text[:2]}/{text[2:]}"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a digest is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a digest is immutable")

    def __eq__(self, other: object) -> bool:
        return self.raw == other.raw if isinstance(other, Digest) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self.raw < other.raw if isinstance(other, Digest) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.raw)

    def __str__(self) -> str:
        return self.raw.hex()

    def __repr__(self) -> str:
        return f"Digest.from_hex({self.raw.hex()!r})"

    def __reduce__(self) -> tuple[type[Digest], tuple[bytes]]:
        return type(self), (self.raw,)
