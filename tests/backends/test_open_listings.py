"""What a broken or hostile store lists ends in an error of radops, and ends."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from format.samples import relaxed
from radops.backends.base import Entry
from radops.backends.open import checked, open_backend
from radops.backends.s3.backend import S3Backend
from radops.errors import RemoteUnavailableError


@relaxed
@given(st.integers(0, 300), st.integers(1, 300))
def test_a_listing_that_goes_in_a_circle_ends(before: int, round_length: int) -> None:
    start = (Entry(f"start/{number}", 1, 0.0) for number in range(before))
    circle = itertools.cycle([Entry(f"key/{number}", 1, 0.0) for number in range(round_length)])
    seen = 0
    with pytest.raises(RemoteUnavailableError, match="repeats itself"):
        for _ in checked(itertools.chain(start, circle), "s3://b/"):
            seen += 1
    assert seen <= 4 * (before + round_length) + 4


@relaxed
@given(st.integers(0, 300))
def test_a_sound_listing_is_passed_on_whole(count: int) -> None:
    entries = [Entry(f"key/{number}", number, 1.5) for number in range(count)]
    assert list(checked(iter(entries), "s3://b/")) == entries


@pytest.mark.parametrize(
    "entry",
    [("", 1, 0.0), (None, 1, 0.0), (b"k", 1, 0.0), ("k", None, 0.0), ("k", "1", 0.0),
     ("k", -1, 0.0), ("k", True, 0.0), ("k", 1, None), ("k", 1, "now"), ("k", 1)],
)  # fmt: skip
def test_an_entry_with_a_wrong_type_is_an_error(entry) -> None:
    with pytest.raises(RemoteUnavailableError, match="s3://b/"):
        list(checked(iter([entry]), "s3://b/"))


def test_an_error_while_an_answer_is_read_is_one_of_radops() -> None:
    def answers():
        yield Entry("a", 1, 0.0)
        yield Entry({}["Key"], 1, 0.0)

    with pytest.raises(RemoteUnavailableError, match="without a key"):
        list(checked(answers(), "s3://b/"))


def test_every_remote_is_checked(monkeypatch, tmp_path) -> None:
    circle = [Entry("a", 1, 0.0), Entry("b", 1, 0.0)]

    def endless(_backend, _prefix, *, recursive=True):
        return itertools.cycle(circle)

    for url in ("s3://bucket/prefix", tmp_path.as_uri(), "memory://listings"):
        backend = open_backend(url)
        monkeypatch.setattr(type(backend), "list", endless)
        with pytest.raises(RemoteUnavailableError):
            for _ in open_backend(url + "2").list(""):
                pass
    assert S3Backend.list is endless
