"""List all names of a directory by fsspec: `find` or `ls` of radops, or `dvc` of a repository."""

import os
import sys

from filesystems import measure


def count() -> int:
    """Return how many files there are."""
    return sum(len(names) for _, _, names in os.walk(os.environ["DATA"]))


def main(kind: str) -> None:
    """Measure one listing."""
    expected = count()
    if kind == "dvc":
        from dvc.api import DVCFileSystem  # noqa: PLC0415

        work = DVCFileSystem(f"{os.environ['W']}/repo").find
        measure(lambda: work("/data"), lambda found: len(found) == expected)
        return
    from radops.data_lake import DataLake  # noqa: PLC0415
    from radops.integrations.fsspec import RadopsFileSystem  # noqa: PLC0415

    files = RadopsFileSystem.of(DataLake())
    calls = {
        "find": lambda: files.find("set/v1"),
        "detail": lambda: files.find("set/v1", detail=True),
        "ls": lambda: files.ls("set/v1"),
    }
    measure(calls[kind], lambda found: len(found) == expected)


main(sys.argv[1])
