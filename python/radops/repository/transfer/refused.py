"""Objects that a remote refuses to give while it gives others, as those in an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

from radops.errors import RemoteRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from radops.format.digest import Digest

T = TypeVar("T")

# If so many are refused and none is given, the remote refuses all: nothing more is asked.
_ENOUGH = 8

Refused: TypeAlias = "dict[Digest, RemoteRefusedError]"
"""The remote's error for each."""


def refusal(refused: Mapping[Digest, RemoteRefusedError]) -> RemoteRefusedError:
    """Return one error for all of them, which names the first."""
    digest, first = next(iter(refused.items()))
    more = f" (and {len(refused) - 1:,} more objects)" if len(refused) > 1 else ""
    error = RemoteRefusedError(f"object {digest}{more}: {first.message}", hint=first.hint)
    error.digests = tuple(str(one) for one in refused)
    return error


def fetch_apart(
    fetch: Callable[[Sequence[T]], list[Exception | None]], items: Sequence[T]
) -> list[Exception | None]:
    """Fetch items at once; if the remote refuses one, the others are fetched without it.

    Args:
        fetch: Fetches some, and returns for each None or what went wrong; raises at the first
            that is refused.
        items: What to fetch.

    Raises:
        RemoteRefusedError: All are refused.
    """
    try:
        return fetch(items)
    except RemoteRefusedError as error:
        if len(items) == 1:
            return [error]
        middle = len(items) // 2
        first = fetch_apart(fetch, items[:middle])
        if middle >= _ENOUGH and all(isinstance(one, RemoteRefusedError) for one in first):
            raise
        return [*first, *fetch_apart(fetch, items[middle:])]
