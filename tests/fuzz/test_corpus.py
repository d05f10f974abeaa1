"""What the fuzzer found worth keeping: the honest, the strange, and what was once mended."""

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


def test_no_corpus_is_nobodys() -> None:
    assert {path.stem for path in targets.CORPUS.iterdir()} <= set(targets.TARGETS)
