"""Reading many small objects by few calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from radops.backends.memory import MemoryBackend
from radops.format.digest import Digest
from radops.repository import layout
from radops.repository.transfer import small_objects
from radops.repository.transfer.small_objects import good_small_objects

if TYPE_CHECKING:
    from radops.backends.base import Backend

BODIES = [bytes([number % 251]) * (number % 40) + str(number).encode() for number in range(700)]


def put(backend: Backend, body: bytes, stored: bytes | None = None) -> Digest:
    digest = Digest.of(body)
    backend.put([(layout.object_key(digest), body if stored is None else stored)])
    return digest


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("most", [256, 3])
def test_each_object_is_judged_by_its_own_bytes(
    monkeypatch: pytest.MonkeyPatch, workers: int, most: int
) -> None:
    monkeypatch.setattr(small_objects, "_CALL_OBJECTS", most)
    monkeypatch.setattr(small_objects, "_CALL_BYTES", 1000)
    backend = MemoryBackend()
    sizes = {put(backend, body): len(body) for body in BODIES}
    wrong = {
        put(backend, b"flipped", b"Flipped"): 7,
        put(backend, b"longer than it should be", b"longer than it should be!"): 24,
        put(backend, b"shorter", b"short"): 7,
        Digest.of(b"absent"): 6,
    }
    found = {}
    for results in good_small_objects(
        backend, [*wrong, *sizes], lambda digest: (digest, {**sizes, **wrong}[digest]), workers
    ):
        assert 0 < len(results) <= most
        found.update(results)
    assert found == {**dict.fromkeys(sizes, True), **dict.fromkeys(wrong, False)}


def test_nothing_is_no_call() -> None:
    assert list(good_small_objects(MemoryBackend(), [], lambda one: one, 4)) == []
