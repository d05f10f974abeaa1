"""Content encodings of HTTP: what a server compressed for the transfer is decompressed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from radops.errors import RemoteRefusedError, RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

_GZIP_NAMES = (".gz", ".tgz", ".gzip", ".svgz", ".emz")
_GZIP, _RAW = 31, -15  # window bits of zlib


class Decoder:
    """Decompresses gzip or deflate as it arrives.

    Args:
        encoding: "gzip" or "deflate".
        shown: What is read, for messages.
    """

    def __init__(self, encoding: str, shown: str) -> None:
        self._encoding = encoding
        self._shown = shown
        self._began = False
        self._inflate = zlib.decompressobj(_GZIP if encoding == "gzip" else zlib.MAX_WBITS)

    def decode(self, data: bytes) -> bytes:
        """Return the next bytes, decoded.

        Raises:
            RemoteRefusedError: They are not in this encoding.
        """
        pieces = []
        try:
            if not self._began and self._encoding == "deflate" and data[0] & 0x0F != 8:
                self._inflate = zlib.decompressobj(_RAW)  # as some servers understand the word
            self._began = True
            while data:
                if self._inflate.eof:  # a file can be several packed ones, one after another
                    self._inflate = zlib.decompressobj(_GZIP)
                pieces.append(self._inflate.decompress(data))
                data = self._inflate.unused_data
        except zlib.error:
            raise RemoteRefusedError(
                f"{self._shown} is said to be packed with {self._encoding}, but it is not"
            ) from None
        return b"".join(pieces)

    def finish(self) -> bytes:
        """Return what is left at the end.

        Raises:
            RemoteUnavailableError: The packed bytes are incomplete.
        """
        rest = self._inflate.flush()
        if self._began and not self._inflate.eof:
            raise RemoteUnavailableError(f"{self._shown} broke off", hint="try again")
        return rest


def decoder_of(headers: Sequence[str], shown: str, name: str) -> Decoder | None:
    """Return what unpacks a body; None if nothing has to be done.

    Many servers send `x.csv.gz` with the encoding gzip, though it is the file itself that is
    packed: where the name says gzip, it is left so.

    Args:
        headers: The values of `Content-Encoding`.
        shown: What is read, for messages.
        name: The name of the file.

    Raises:
        RemoteRefusedError: The encoding is not known.
    """
    encodings = [
        text.strip().lower().removeprefix("x-") for header in headers for text in header.split(",")
    ]
    encodings = [encoding for encoding in encodings if encoding not in {"", "identity"}]
    if not encodings or (encodings == ["gzip"] and name.lower().endswith(_GZIP_NAMES)):
        return None
    if len(encodings) > 1 or encodings[0] not in {"gzip", "deflate"}:
        raise RemoteRefusedError(
            f"{shown} is packed in a way that was not asked for: {', '.join(encodings)[:80]!r}",
            hint="fetch it with another program, and add the file",
        )
    return Decoder(encodings[0], shown)
