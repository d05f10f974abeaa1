"""Put the extension of a freshly built wheel beside the Python sources, by rename.

Programs that run have the one before mapped, and others are just starting: written in place, or
removed and written again, it would be cut short for an instant, and who reads it then dies.
"""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path


def install(wheel: Path, sources: Path) -> Path:
    """Return the present path of the extension.

    Args:
        wheel: What `maturin build` made.
        sources: The folder in which the package lies.
    """
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".so"))
        target = sources / name
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        try:
            fresh.write_bytes(archive.read(name))
            fresh.chmod(0o755)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
    return target


if __name__ == "__main__":
    (wheel,) = Path(sys.argv[1]).glob("radops-*.whl")
    install(wheel, Path(sys.argv[2]))
