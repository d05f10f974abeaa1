"""Which blocks a download fetches together."""

from __future__ import annotations

from radops.format.digest import Digest
from radops.native import BLOCK_SIZE
from radops.repository.objects.store import LocalStore
from radops.repository.transfer import download_large
from repository.transfer.remotes import Remote, ignore


def test_spans(store: LocalStore) -> None:
    one = download_large._Download(store, Remote(), Digest.of(b"x"), 40 * BLOCK_SIZE, ignore)
    assert list(one.spans()) == [(0, 16), (16, 32), (32, 40)]
    one._missing = [1, 2, 5]
    assert list(one.spans()) == [(1, 3), (5, 6)]
