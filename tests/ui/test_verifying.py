"""One verify at a time, in a process whose output may hold other things than its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from radops.errors import UsageError
from radops.ui.verifying import Verification
from ui.conftest import PATIENCE, run_apart

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.data_lake import DataLake

OPTIONS = {"quick": False, "remote": False, "full": False}


@pytest.fixture
def filled(lake: DataLake, write: Callable[..., Path]) -> DataLake:
    lake.add(write("a", "a"), "a")
    return lake


async def ended(verification: Verification) -> dict[str, Any]:
    """Return the state once nothing runs."""
    with anyio.fail_after(PATIENCE):
        async for state in verification.events():
            if state["event"] not in ("idle", "progress"):
                return state
    raise AssertionError


def test_of_two_that_are_started_at_once_one_is_refused(filled: DataLake) -> None:
    async def both() -> None:
        verification = Verification(filled)
        started = [verification.start([], **OPTIONS) for _ in range(2)]
        refused = [
            type(one) for one in await asyncio.gather(*started, return_exceptions=True) if one
        ]
        assert refused == [UsageError]
        assert (await ended(verification))["event"] == "done"
        await verification.start([], **OPTIONS)
        assert (await ended(verification))["event"] == "done"

    run_apart(both())


@pytest.mark.parametrize("printed", ["'hello'", "[1]", "{}", "'x' * (5 << 20)"])
def test_what_libraries_print_is_no_word_of_the_verify(
    filled: DataLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"print({printed})")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def verify() -> None:
        verification = Verification(filled)
        await verification.start([], **OPTIONS)
        state = await ended(verification)
        assert state["event"] == "done"
        assert state["ok"]
        assert not verification.is_running

    run_apart(verify())
