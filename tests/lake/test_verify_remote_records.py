"""Records of a remote, decoded in bulk in Rust: the findings are those of Python's decoder."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from lake.mischief import damage_remote, fill, joined
from lake.tampering import in_folder, kinds, told
from radops import native
from radops.data_lake import File
from radops.repository.verify import remote_records

if TYPE_CHECKING:
    from collections.abc import Sequence

SEEDS = range(12)


def decide_nothing(slots: Sequence[tuple[bytes, str]], *, threads: int = 0) -> list[None]:
    """Leave every slot to the decoder in Python, one by one."""
    return [None] * len(slots)


@pytest.mark.parametrize("seed", SEEDS)
def test_findings_are_the_same(
    make_lake, shared: str, write, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = make_lake(remote=shared)
    uids = fill(lake, write)
    assert kinds(lake.verify(remote=True)) == []
    done = damage_remote(lake, in_folder(shared, ""), uids, random.Random(seed))
    reports = []
    for in_bulk in (True, False):
        with monkeypatch.context() as patch:
            if not in_bulk:
                patch.setattr(native, "decode_slots", decide_nothing)
            # One machine knows what the remote said before, the other has never seen it.
            for home in ("home", f"other-{in_bulk}"):
                some = make_lake(home, remote=shared)
                reports += [
                    told(some.verify(remote=True), some),
                    told(some.verify("set/", remote=True), some),
                    told(some.verify(remote=True, full=True), some),
                ]
                assert reports[-1][1], f"a full verify found nothing after {done}"
    bulk, single = reports[: len(reports) // 2], reports[len(reports) // 2 :]
    for one, other in zip(single, bulk, strict=True):
        assert other == one


def test_plain_records_are_not_decoded_one_by_one(
    make_lake, shared: str, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = make_lake(remote=shared)
    lake.add_many((write(f"{n}", f"{n}"), f"set/{n:03}") for n in range(150))
    with lake.use():
        joined([File("set/000"), File("set/001")], output_uid="made")
    lake.delete("set/002")
    other = make_lake("other", remote=shared)

    def refuse(raw: bytes, uid: str | None = None) -> None:
        raise AssertionError(f"the record of {uid} was decoded by itself")

    monkeypatch.setattr(remote_records, "decode_slot", refuse)
    for some in (lake, other):
        report = some.verify(remote=True, full=True)
        assert (kinds(report), report.files, report.objects) == ([], 150, 151)
