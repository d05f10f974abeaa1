"""Read small files at random: `radops`, or `s3fs`. `list` prints which of those in `$DATA`."""

import os
import random
import sys
from pathlib import Path

from filesystems import measure, radops_files, s3_files

# One in so many.
SHARE = 10


def chosen() -> list[str]:
    """Return paths relative to the folder, in a random order."""
    data = os.environ["DATA"]
    paths = sorted(
        os.path.relpath(f"{top}/{name}", data) for top, _, names in os.walk(data) for name in names
    )
    return random.Random(1).sample(paths, len(paths) // SHARE)


def main(kind: str) -> None:
    """Measure one file system."""
    names = chosen()
    if kind == "list":
        print("\n".join(names))
        return
    files = radops_files() if kind == "radops" else s3_files()
    top = "set/v1" if kind == "radops" else f"{os.environ['BUCKET']}/up"
    paths = [f"{top}/{name}" for name in names]
    size = (Path(os.environ["DATA"]) / names[0]).stat().st_size
    measure(
        lambda: files.cat(paths),
        lambda found: len(found) == len(names) and {len(data) for data in found.values()} == {size},
    )


main(sys.argv[1])
