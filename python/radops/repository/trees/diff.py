"""What differs between two directories, by their tables of contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops import native
from radops.repository.trees.entries import entry_of

if TYPE_CHECKING:
    from radops.repository.trees.entries import Entry
    from radops.repository.trees.tree import Tree


def diff(
    left: Tree, right: Tree
) -> tuple[list[Entry], list[Entry], list[tuple[Entry, Entry]], list[tuple[Entry, Entry]]]:
    """Return entries added, removed, changed and moved; only pages that differ are fetched."""
    return diff_with(left, right, right.opened)


def diff_with(
    left: Tree, fetcher: Tree, right: native.TreeReader
) -> tuple[list[Entry], list[Entry], list[tuple[Entry, Entry]], list[tuple[Entry, Entry]]]:
    """Return what `diff` does.

    Args:
        left: The first directory.
        fetcher: Fetches what is missing of both.
        right: The second one; all pages of one that is not committed are on this machine.
    """
    missing = native.missing_to_diff_trees(left.opened, right)
    fetcher.fetching.fetch(missing)
    added, removed, changed, moved = fetcher.fetching.call(
        lambda: native.diff_trees(left.opened, right)
    )
    return (
        [entry_of(one) for one in added],
        [entry_of(one) for one in removed],
        [(entry_of(a), entry_of(b)) for a, b in changed],
        [(entry_of(a), entry_of(b)) for a, b in moved],
    )
