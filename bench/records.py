"""How long records take to decode: in batches in Rust, beside the decoder in Python.

    python bench/records.py

Both are given the same bytes, of records of each kind, under different names. Prints the
processor's time for each record in microseconds (the best of several rounds), on one thread.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from typing import TYPE_CHECKING

from radops import native
from radops.format.build import build_call, build_import
from radops.format.call import Call, CallInput, CallOutput, Code, Environment
from radops.format.digest import Digest
from radops.format.record import decode_slot, folder_record, tombstone
from radops.format.uid import UID

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.timezone.utc)
Slots = list[tuple[bytes, UID]]


def number_digest(number: int) -> Digest:
    """Return a digest of its own for each number."""
    return Digest.of(b"%d" % number)


def imported(number: int) -> tuple[bytes, UID]:
    """Return the record of an imported file."""
    uid = UID(f"datasets/images/{number // 1000}/{number:06}.jpg")
    record = build_import(
        uid=uid,
        digest=number_digest(number),
        size=4096,
        source=f"/data/images/{number:06}.jpg",
        created_at=NOW,
        originator="ada@example.org",
        radops_version="0.1.0",
    )
    return record.raw, uid


def made(number: int, outputs: int = 1) -> tuple[bytes, UID]:
    """Return the record of the first result of a call."""
    source, uid = imported(number)[1], UID(f"made/{number:06}")
    names = [UID(f"{uid}-{output:02}.npy") for output in range(outputs)]
    call = Call(
        key=number_digest(-number),
        module="team.pipeline",
        name="preprocess",
        package_version="1.2.3",
        version=None,
        params={"image": ["file", source], "size": 224, "mean": ["list", [0.4, 0.5, 0.4]]},
        inputs=(CallInput("image", source, number_digest(number), number_digest(number + 1)),),
        reads=(),
        outputs=tuple(
            CallOutput(name, number_digest(number + place), 4096, place)
            for place, name in enumerate(names)
        ),
        code=Code(
            fingerprint=number_digest(0), source="def f(image): ...\n" * 20, run_as=None, git=None
        ),
        environment=Environment(
            python="3.11.9",
            platform="linux-x86_64",
            distributions={f"package-{name}": "1.2.3" for name in range(20)},
        ),
        started_at="2026-11-22T12:21:00.000000Z",
        seconds=3.25,
    )
    first = build_call(
        call=call, created_at=NOW, originator="ada@example.org", radops_version="0.1.0"
    )[0]
    return first.raw, first.uid


def deleted(number: int) -> tuple[bytes, UID]:
    """Return a tombstone of an imported file."""
    raw, uid = imported(number)
    return tombstone(raw, NOW, "ada@example.org"), uid


def folder(number: int) -> tuple[bytes, UID]:
    """Return the record of a folder."""
    uid = UID(f"datasets/{number}")
    return folder_record(uid), uid


KINDS: dict[str, Callable[[int], tuple[bytes, UID]]] = {
    "import": imported,
    "result of a call": made,
    "one of 16 results": lambda number: made(number, 16),
    "tombstone": deleted,
    "folder": folder,
}


def by_python(slots: Slots) -> None:
    """Decode all; of a tombstone the record within too, as `decode_slot` does for a UID."""
    for raw, uid in slots:
        decode_slot(raw, uid)


def by_rust(slots: Slots) -> None:
    """Decode all in one call."""
    if None in native.decode_slots(slots, threads=1):
        raise RuntimeError("a record was not decoded")


def best(work: Callable[[Slots], None], slots: Slots, rounds: int) -> float:
    """Return seconds of the processor for each slot, in the best round."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work(slots)
        times.append(time.process_time() - began)
    return min(times) / len(slots)


def main() -> None:
    """Measure each kind and print a row for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000, help="records of each kind")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    print(f"{'':20} {'bytes':>6} {'Python':>10} {'Rust':>10} {'ratio':>6}")
    for what, make in KINDS.items():
        slots = [make(number) for number in range(chosen.count)]
        python, rust = (best(work, slots, chosen.rounds) for work in (by_python, by_rust))
        size = len(slots[0][0])
        print(
            f"{what:20} {size:6} {python * 1e6:7.1f} us {rust * 1e6:7.1f} us {python / rust:5.1f}x"
        )


if __name__ == "__main__":
    main()
