"""Keys of the trash, and objects that come back from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from format.samples import digest, relaxed
from radops.backends.memory import MemoryBackend
from radops.errors import CorruptObjectError
from radops.repository import layout
from radops.repository.objects import trash

ONE, TWO = digest(1), digest(2)


@relaxed
@given(st.integers(0, 4_000_000_000))
def test_runs_say_when_they_began(now: int) -> None:
    run = trash.new_run(now)
    assert trash.begun(run) == now
    assert trash.new_run(now) != run
    assert trash.parse_trash_key(trash.trash_key(run, ONE)) == (run, ONE)
    assert trash.parse_trash_key(trash.closed_key(run)) == (run, None)


@pytest.mark.parametrize(
    "key",
    [
        "trash/x/closed",
        "trash/20261122T122103Z-0123456789abcdef/other",
        "trash/20261122T122103Z-0123456789abcdef/ab/cd",
        "trash/20261322T122103Z-0123456789abcdef/closed",
        "trash/20261122T122103Z-0123456789ABCDEF/closed",
        "trash/20261122T122103Z-0123456789abcdef" + "/AB/" + "0" * 62,
        "trash/20261122T122103Z-0123456789abcdef/" + "0" * 64,
    ],
)
def test_keys_of_others_are_passed_over(key: str) -> None:
    assert trash.parse_trash_key(key) is None


def test_an_object_is_read_from_the_trash_and_comes_back() -> None:
    backend = MemoryBackend()
    run = trash.new_run(backend.now())
    backend.put([(trash.trash_key(run, ONE), b"0123456789")])
    with trash.open_object(backend, ONE, 2, 3) as reader:
        assert reader.read() == b"234"
    assert trash.take_back(backend, ONE)
    assert not trash.take_back(backend, ONE)
    assert backend.stat(layout.object_key(ONE)) is not None
    with trash.open_object(backend, ONE) as reader:
        assert reader.read() == b"0123456789"
    assert trash.find_object(backend, TWO) is None
    with pytest.raises(CorruptObjectError, match="missing"):
        trash.open_object(backend, TWO)
