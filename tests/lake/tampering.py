"""What tests do to a lake behind its back."""

from __future__ import annotations

import random
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from radops.data_lake import DataLake
    from radops.format.digest import Digest
    from radops.lake.verify import VerifyReport

MIB = 1024 * 1024


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def object_of(lake: DataLake, uid: str) -> Path:
    """Where a file's bytes are on this machine."""
    return lake.session.store.object_path(lake.info(uid).digest)


def slot_of(lake: DataLake, uid: str) -> Path:
    """Where a file's record is on this machine."""
    return lake.home / "storage/lakes" / lake.lake_id / "refs" / f"{uid}.radops"


def in_folder(url: str, key: str | Digest) -> Path:
    """Where a key of a shared folder is, or the object of a digest."""
    path = key if isinstance(key, str) else f"objects/{key.path}"
    return Path(urlsplit(url).path) / path


def overwrite(path: Path, data: bytes, at: int = 0) -> None:
    """Change bytes of a file in place, as root or a fault of the disk can."""
    mode = stat.S_IMODE(path.stat().st_mode)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)
    path.chmod(mode)


def flip(path: Path, at: int) -> None:
    """Change one bit."""
    with path.open("rb") as file:
        file.seek(at)
        (byte,) = file.read(1)
    overwrite(path, bytes([byte ^ 1]), at)


def kinds(report: VerifyReport) -> list[str]:
    return [finding.kind for finding in report.findings]


def told(report: VerifyReport, lake: DataLake) -> tuple[object, ...]:
    """Return all that a report says, but for where the home is."""
    place = [str(lake.home), lake.lake_id]

    def plain(text: str | None) -> str | None:
        for part in place:
            text = text and text.replace(part, "")
        return text

    found = [
        (
            f.kind,
            plain(f.message),
            f.hint,
            f.uids,
            f.digest,
            plain(f.path),
            f.ranges,
            f.edge,
            f.size,
        )
        for f in report.findings
    ]
    numbers = report.files, report.objects, report.bytes, report.trusted, report.not_local
    return numbers, found


def settle() -> None:
    """Wait until a check of files that were just written is no longer racy."""
    time.sleep(0.06)
