"""Text, and the first bytes of what is none."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, BinaryIO, Final

from radops.ui import texts
from radops.ui.previews.shapes import Preview

if TYPE_CHECKING:
    from collections.abc import Iterator

READ: Final = 64 << 10
_DUMPED: Final = 256
_WIDTH: Final = 16


def preview(stream: BinaryIO, size: int) -> Preview:
    """Return the beginning of a file as text, or as numbers if it is none."""
    data = stream.read(READ)
    text = decoded(data, whole=len(data) == size)
    if text is None:
        note = f"Not text. The first bytes of {texts.size(size)}:"
        return Preview("bytes", note, text="\n".join(_dump(data[:_DUMPED])))
    note = "" if len(data) == size else f"The first {texts.size(len(data))} of {texts.size(size)}."
    return Preview("text", note, text=texts.shown(text, keep="\n\t"))


def decoded(data: bytes, *, whole: bool) -> str | None:
    """Return bytes as text; None if they are not UTF-8. The end may be within a character."""
    if b"\0" in data:
        return None
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(data, final=whole)
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n")


def _dump(data: bytes) -> Iterator[str]:
    for start in range(0, len(data), _WIDTH):
        line = data[start : start + _WIDTH]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in line)
        yield f"{start:08x}  {line.hex(' '):<47}  {letters}"
