"""What fetched bytes must be: of a given digest, and of the type in their name."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from radops.arguments import check_name
from radops.errors import CorruptObjectError, LocalStorageError, RemoteRefusedError, UsageError
from radops.format.digest import Digest

if TYPE_CHECKING:
    from pathlib import Path

_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_CHUNK = 1 << 20

# How files of these types begin, at the first byte.
_BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    ".7z": (b"7z\xbc\xaf\x27\x1c",),
    ".arrow": (b"ARROW1", b"\xff\xff\xff\xff"),
    ".avro": (b"Obj\x01",),
    ".bz2": (b"BZh",),
    ".docx": (b"PK",),
    ".flac": (b"fLaC", b"ID3"),
    ".gif": (b"GIF8",),
    ".gz": (b"\x1f\x8b",),
    ".h5": (b"\x89HDF", b"\x0e\x03\x13\x01"),
    ".hdf5": (b"\x89HDF",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".jpg": (b"\xff\xd8\xff",),
    ".lz4": (b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18"),
    ".npy": (b"\x93NUMPY",),
    ".npz": (b"PK",),
    ".orc": (b"ORC",),
    ".parquet": (b"PAR1", b"PARE"),
    ".pdf": (b"%PDF",),
    ".png": (b"\x89PNG",),
    ".rar": (b"Rar!",),
    ".sqlite": (b"SQLite format 3",),
    ".tgz": (b"\x1f\x8b",),
    ".tif": (b"II", b"MM"),
    ".tiff": (b"II", b"MM"),
    ".wav": (b"RIFF", b"RF64", b"RIFX"),
    ".webp": (b"RIFF",),
    ".xlsx": (b"PK",),
    ".xz": (b"\xfd7zXZ",),
    ".zip": (b"PK",),
    ".zst": (b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"),
}
_LOOKED_AT = 1024

# Files of these types may well be web pages.
_PAGES = frozenset(
    (
        "",
        ".asp",
        ".aspx",
        ".htm",
        ".html",
        ".j2",
        ".jinja",
        ".jsp",
        ".md",
        ".mht",
        ".mhtml",
        ".php",
        ".shtml",
        ".svg",
        ".tmpl",
        ".txt",
        ".xhtml",
        ".xml",
    )
)
_PAGE = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|script|meta)\b",
    re.IGNORECASE | re.DOTALL,
)
_BOM = b"\xef\xbb\xbf"


class Expected(NamedTuple):
    """Digests that a file must have; None where none is given."""

    sha256: str | None = None
    blake3: str | None = None

    def check(self, path: Path, digest: Digest, shown: str) -> None:
        """Check a file.

        Args:
            path: Where its bytes are.
            digest: Its BLAKE3.
            shown: What it is called in messages.

        Raises:
            CorruptObjectError: It has another digest.
        """
        if self.blake3 is not None and self.blake3 != digest.hex:
            raise _wrong("BLAKE3", shown, digest.hex, self.blake3)
        if self.sha256 is not None and (found := _sha256(path)) != self.sha256:
            raise _wrong("SHA-256", shown, found, self.sha256)


def expected(sha256: str | None, blake3: str | Digest | None) -> Expected | None:
    """Return the digests that were given, checked; None if there are none.

    Raises:
        UsageError: One is not 64 hexadecimal digits.
    """
    given = {"sha256": sha256, "blake3": blake3}
    texts = {}
    for name, text in given.items():
        if text is None:
            continue
        if name != "blake3" or not isinstance(text, Digest):
            check_name(text, name)
        plain = str(text).strip().lower().removeprefix(f"{name}:")
        if not _HEX.fullmatch(plain):
            raise UsageError(f"{name} is not 64 hexadecimal digits")
        texts[name] = plain
    return Expected(**texts) if texts else None


def check_type(path: Path, name: str, content_type: str | None, shown: str) -> None:
    """Check that what a server sent is of the type in its name, as far as the first bytes show.

    Args:
        path: Where the bytes are.
        name: The file's name.
        content_type: The media type that the server declares.
        shown: What it is called in messages.

    Raises:
        RemoteRefusedError: It is a web page where another type is expected, or of another type.
    """
    suffix = PurePosixPath(name).suffix.lower()
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
    beginnings = _BEGINNINGS.get(suffix)
    if beginnings is not None and head.startswith(beginnings):
        return
    text = head.removeprefix(_BOM)
    is_page = _PAGE.match(text) is not None or (
        content_type in {"text/html", "application/xhtml+xml"} and text.lstrip()[:1] == b"<"
    )
    if is_page and suffix not in _PAGES:
        raise RemoteRefusedError(
            f"{shown} is a web page, not a {suffix} file",
            hint="perhaps it asks for a login: see it in a browser; --force adds it all the same",
        )
    if beginnings is not None:
        what = "is empty" if not head else f"does not begin as a {suffix} file does"
        raise RemoteRefusedError(f"{shown} {what}", hint="--force adds it all the same")


def _sha256(path: Path) -> str:
    hasher = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while data := file.read(_CHUNK):
                hasher.update(data)
    except OSError as error:
        raise LocalStorageError(f"{path}: {error.strerror}") from error
    return hasher.hexdigest()


def _wrong(name: str, shown: str, found: str, wanted: str) -> CorruptObjectError:
    return CorruptObjectError(
        f"{shown} has the {name} {found}, not {wanted}; it was not added",
        hint="the file is another one than expected, or was damaged on its way",
    )
