"""Outlines: the chaining values of an object's blocks, which let parts of it be checked alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.format.digest import DIGEST_SIZE
from radops.native import BLOCK_SIZE, merge_outline

if TYPE_CHECKING:
    from radops.format.digest import Digest

__all__ = ["BLOCK_SIZE", "block_count", "check_outline", "outline_size"]


def block_count(size: int) -> int:
    """Return how many blocks an object of `size` bytes has: at least one.

    Raises:
        ValueError: `size` is negative.
    """
    if size < 0:
        raise ValueError("a size is not negative")
    return max(1, -(-size // BLOCK_SIZE))


def outline_size(size: int) -> int:
    """Return how many bytes the outline of an object of `size` bytes has.

    With a single block there is no outline (0 bytes): the digest is enough.
    """
    blocks = block_count(size)
    return DIGEST_SIZE * blocks if blocks > 1 else 0


def check_outline(outline: bytes, size: int, digest: Digest) -> bool:
    """Return whether `outline` belongs to the object of `size` bytes with that digest.

    An outline is a hint and never trusted: where this is false, hash the whole object.
    `size` must come from a record; the length is compared before anything is computed.
    For an object of a single block only the empty outline is right, and it proves nothing.
    """
    if len(outline) != outline_size(size):
        return False
    return not outline or merge_outline(outline, size) == digest.raw
