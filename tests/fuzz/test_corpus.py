"""Inputs that the fuzzer kept: valid ones, unusual ones, and those that once failed."""

from __future__ import annotations

import pytest

from fuzz import targets


@pytest.mark.parametrize("what", sorted(targets.TARGETS))
def test_every_input_is_taken_or_refused(what: str) -> None:
    for raw in targets.corpus(what):
        targets.attempt(what, raw)


@pytest.mark.parametrize("what", sorted(targets.TARGETS))
def test_honest_bytes_are_taken(what: str) -> None:
    assert all(targets.attempt(what, raw) for raw in targets.TARGETS[what].seeds)


def test_each_corpus_belongs_to_a_target() -> None:
    assert {path.stem for path in targets.CORPUS.iterdir()} <= set(targets.TARGETS)
