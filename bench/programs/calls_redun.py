"""Calls of redun tasks, given a file and a number."""

import logging
import sys
from pathlib import Path

from common import report
from redun import File, Scheduler, task
from redun.config import Config

logging.disable(logging.CRITICAL)


@task(namespace="bench")
def alone(file: File, number: int, rate: float = 0.5) -> bytes:
    """Do nothing."""
    return b"x"


Path("in.txt").write_bytes(b"x" * 1000)
scheduler = Scheduler(config=Config({"backend": {"db_uri": "sqlite:///redun.db"}}))
scheduler.load()
if sys.argv[1] == "hit":
    report(lambda _: scheduler.run(alone(File("in.txt"), -1)), 50)
else:
    report(lambda number: scheduler.run(alone(File("in.txt"), number)), 20)
