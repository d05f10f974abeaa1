"""What the programs of file systems share: both file systems, and measuring."""

from __future__ import annotations

import json
import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from fsspec import AbstractFileSystem


def radops_files() -> AbstractFileSystem:
    """Return the file system of a machine that has nothing of the lake yet."""
    from radops.data_lake import DataLake  # noqa: PLC0415
    from radops.integrations.fsspec import RadopsFileSystem  # noqa: PLC0415

    return RadopsFileSystem.of(DataLake(home=Path(os.environ["W"]) / f"home-{os.getpid()}"))


def s3_files(**options: str) -> AbstractFileSystem:
    """Return the file system of s3fs."""
    import s3fs  # noqa: PLC0415

    return s3fs.S3FileSystem(
        client_kwargs={"endpoint_url": os.environ["S3"]}, use_listings_cache=True, **options
    )


def measure(work: Callable[[], object], check: Callable[[Any], bool]) -> None:
    """Do something once, print seconds and processor, check what it returned, and end the process.

    It ends without the interpreter's clean-up: threads of pyarrow that still release files then
    abort it now and then, whichever the file system is.
    """
    cpu = time.process_time() + _children()
    began = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - began
    cpu = time.process_time() + _children() - cpu
    if not check(found):
        raise SystemExit("error: the result is not what was expected")
    print(json.dumps({"seconds": [seconds], "cpu": [cpu]}), flush=True)
    os._exit(0)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
