"""What a soak run did, in numbers: one line of JSON per test, where RADOPS_SOAK_REPORT says.

Alone, this prints such a report: a line for each thing that was tested, and the sums of all.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path


def seconds(normal: float) -> float:
    """Return how long a test that goes by time shall run; the soak sets it for all."""
    return float(os.environ.get("RADOPS_SOAK_SECONDS") or normal)


def report(what: str, **numbers: float) -> None:
    """Say what was done."""
    print(what, numbers)
    if path := os.environ.get("RADOPS_SOAK_REPORT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what, **numbers}) + "\n")


def main() -> None:
    """Print what a report holds, and its sums."""
    parts: dict[str, Counter[str]] = {}
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for what in (row.pop("what"), "all"):
            _add(parts.setdefault(what, Counter()), row)
    everything = parts.pop("all", Counter())
    for what, numbers in [*sorted(parts.items()), ("all", everything)]:
        shown = ", ".join(f"{name.replace('_', ' ')} {numbers[name]:,}" for name in numbers)
        print(f"{what:45} {shown}")


def _add(numbers: Counter[str], row: dict[str, float]) -> None:
    for name, number in row.items():
        if name.startswith("peak"):
            numbers[name] = max(numbers[name], number)
        else:
            numbers[name] += number


if __name__ == "__main__":
    main()
