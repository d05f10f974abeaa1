"""Fuzz the decoders, guided by what of their code is reached: `make fuzz`.

One target after the other, each for so many seconds, in a process of its own. What fails is kept
in `target/fuzz/findings/`, and printed as a line for `tests/fuzz/corpus/<target>.hex`: there it
stays a test. `--grow` also writes there inputs that reach code which the corpus does not reach.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuzz import targets
from reliability.figures import report

if TYPE_CHECKING:
    from types import FrameType

WORK = Path(__file__).parent.parent.parent / "target/fuzz"

# A record that is larger has nothing new in it.
_MOST_BYTES = 4096


def fuzz(what: str, seconds: int) -> bool:
    """Fuzz one target; return whether it found no failure."""
    work, findings = WORK / what, WORK / "findings"
    for folder in (work, findings):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(targets.corpus(what)):
        (work / f"seed-{number}").write_bytes(seed)
    before = {path.name for path in findings.iterdir()}
    began = time.monotonic()
    done = _one(
        what,
        str(work),
        f"-max_total_time={seconds}",
        f"-max_len={_MOST_BYTES}",
        f"-artifact_prefix={findings}/{what}-",
        "-timeout=10",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
    )
    inputs = re.findall(r"number_of_executed_units:\s*(\d+)", done.stderr)
    reached = re.findall(r"cov: (\d+) ", done.stderr)
    found = sorted(path for path in findings.iterdir() if path.name not in before)
    report(
        f"fuzz {what}",
        inputs=int(inputs[-1]) if inputs else 0,
        branches=int(reached[-1]) if reached else 0,
        findings=len(found),
        seconds=round(time.monotonic() - began),
    )
    if done.returncode != 0:
        print((done.stdout or done.stderr)[-4000:])
        for path in found:
            print(f"for tests/fuzz/corpus/{what}.hex: {path.read_bytes().hex()}")
    return done.returncode == 0


def grow(what: str) -> None:
    """Keep the inputs that reach lines of radops which no shorter one does."""
    seen: set[tuple[str, int]] = set()
    kept = []
    known = {seed.hex() for seed in targets.corpus(what)}
    inputs = {path.read_bytes() for path in (WORK / what).iterdir()}
    for raw in sorted(inputs, key=lambda raw: (raw.hex() not in known, len(raw), raw)):
        reached = _lines(what, raw)
        if not reached <= seen and raw and raw.hex() not in known:
            kept.append(raw.hex())
        seen |= reached
    with (targets.CORPUS / f"{what}.hex").open("a", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in kept)


def _lines(what: str, raw: bytes) -> set[tuple[str, int]]:
    lines = set()

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        if "/radops/" not in frame.f_code.co_filename:
            return None
        lines.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        targets.attempt(what, raw)
    finally:
        sys.settrace(None)
    return lines


def _one(what: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fuzz.one", what, *options]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(targets.TARGETS))
    parser.add_argument("--seconds", type=int, default=120, help="for each target (%(default)s)")
    parser.add_argument("--grow", action="store_true", help="add to tests/fuzz/corpus")
    chosen = parser.parse_args()
    whole = []
    for what in chosen.targets or sorted(targets.TARGETS):
        whole.append(fuzz(what, chosen.seconds))
        if chosen.grow:
            grow(what)
    return 0 if all(whole) else 1


if __name__ == "__main__":
    sys.exit(main())
