"""What the parts of the contract of backends share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.bodies import BytesPart

if TYPE_CHECKING:
    from radops.backends.base import Backend

ODD_NAMES = [
    "sp ace",
    "p+lus",
    "per%cent",
    "%2F",
    "ha#sh",
    "é",
    "日本",
    "🎉",
    "a.b",
    ".leading",
    "trailing.",
    "semi;colon",
    "am&per=sand",
    "quo'te\"s",
    "<angle>",
    "~tilde",
    "comma,",
    "(round) {curly}",
    "!bang$",
    "^`|",
    "x" * 200,
]
"""All legal in UIDs, and each a trap in a URL, in XML, or in a shell."""


class ContractBase:
    many = 200
    """Keys of the large listing and the large batch."""

    def put(self, backend: Backend, *keys: str) -> None:
        backend.put([(key, key.encode()) for key in keys])

    def keys(self, backend: Backend, prefix: str = "", *, recursive: bool = True) -> list[str]:
        found = [entry.key for entry in backend.list(prefix, recursive=recursive)]
        assert len(set(found)) == len(found)
        return sorted(found)

    def content(self, backend: Backend, key: str) -> bytes:
        with backend.open(key) as reader:
            return reader.read()

    def send(self, backend: Backend, key: str, data: bytes) -> None:
        upload = backend.upload(key, len(data))
        for number, part in self.parts(data, upload.part_size):
            upload.write(number, part)
        upload.commit()

    def parts(self, data: bytes, size: int) -> list[tuple[int, BytesPart]]:
        starts = range(0, max(1, len(data)), size)
        return [(i, BytesPart(data[start : start + size])) for i, start in enumerate(starts)]
