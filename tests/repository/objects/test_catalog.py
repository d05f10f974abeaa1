"""The stat cache: a damaged file costs time, never a command or a right answer."""

from __future__ import annotations

import logging
import random
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from radops.format.digest import Digest
from radops.repository.objects.catalog import Catalog, Stamp

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = Digest.of(b"x")
STAMP = Stamp(1, 2, 3, 4)


def fill(path: Path) -> None:
    catalog = Catalog(path)
    for number in range(50):
        catalog.remember([(f"objects/{number}", STAMP, DIGEST)], time.time_ns())
        catalog.confirm([(f"lakes/x/refs/{number}.radops", DIGEST)], "remote")
        catalog.note_uses([(Digest.of(bytes([number])), 1.5)])
        catalog.remember_needs([(f"slot{number}", DIGEST, b"needs")])
    catalog.close()


def use(path: Path) -> None:
    """Call everything; no answer may be wrong, but each may be "not known"."""
    catalog = Catalog(path)
    for number in (0, 7, 49):
        key = f"objects/{number}"
        catalog.checked(key, STAMP, DIGEST)
        catalog.knows(key)
        catalog.rows([key])
        slot = f"lakes/x/refs/{number}.radops"
        assert isinstance(catalog.confirmed_at(slot, DIGEST), float | None)
        assert isinstance(catalog.last_queried_at(slot, DIGEST, "remote"), float | None)
        assert isinstance(catalog.last_used(Digest.of(bytes([number]))), float)
        assert isinstance(catalog.needs(f"slot{number}", DIGEST), bytes | None)
    catalog.confirmed("lakes/", None)
    catalog.rows([f"objects/{number}" for number in range(50)])
    catalog.remember([("objects/new", STAMP, DIGEST)], time.time_ns())
    catalog.forget(["objects/1"])
    catalog.close()


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bits(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "catalog.sqlite"
    chance = random.Random(seed)
    fill(path)
    whole = path.read_bytes()
    for _ in range(30):
        damaged = bytearray(whole)
        # Half of them where most is decided: the header, the schema and the pages' heads.
        place = chance.choice((chance.randrange(len(whole)), chance.randrange(2048)))
        damaged[place] ^= 1 << chance.randrange(8)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.write_bytes(damaged)
        use(path)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE answers SET asked = 'soon'",
        "UPDATE answers SET asked = x'00'",
        "UPDATE files SET size = 'large'",
        "UPDATE files SET digest = 'text'",
        "UPDATE files SET checked_ns = 1.5",
        "UPDATE uses SET used = 'never'",
        "UPDATE records SET needs = 5",
        "ALTER TABLE files RENAME COLUMN size TO bulk",
        "ALTER TABLE answers RENAME COLUMN asked TO answered",
        "DROP TABLE uses; CREATE TABLE uses (other)",
    ],
)
def test_values_of_another_type_and_other_tables(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "catalog.sqlite"
    fill(path)
    connection = sqlite3.connect(path)
    connection.executescript(damage)
    connection.close()
    with caplog.at_level(logging.WARNING, "radops"):
        use(path)
    assert "started again" in caplog.text
    caplog.clear()
    fill(path)
    use(path)
    assert caplog.text == ""  # it was mended, not worked around for ever
    catalog = Catalog(path)
    assert catalog.checked("objects/7", STAMP, DIGEST)
    catalog.close()
