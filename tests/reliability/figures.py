"""What a soak run did, in numbers: one line of JSON per test, where RADOPS_SOAK_REPORT says."""

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
    sums: Counter[str] = Counter()
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        print(f"{row.pop('what'):45} {row}")
        sums.update(row)
    print(f"{'all':45} {dict(sums)}")


if __name__ == "__main__":
    main()
