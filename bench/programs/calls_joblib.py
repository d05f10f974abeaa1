"""Calls under `joblib.Memory`, given a file and a number."""

import sys
from pathlib import Path

import joblib
from common import report

memory = joblib.Memory("joblib", verbose=0)


@memory.cache
def alone(path: Path, number: int, rate: float = 0.5) -> bytes:
    """Do nothing."""
    return b"x"


source = Path("in.txt")
source.write_bytes(b"x" * 1000)
if sys.argv[1] == "hit":
    report(lambda _: alone(source, -1), 1000)
else:
    report(lambda number: alone(source, number), 50)
