"""Compression of what is written: closing the compressor publishes the file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from radops.integrations.publishing import PublishedOnClose


class Compresses:
    """The part of the file system that opens files to be compressed while they are written."""

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: Any = None,
        compression: str | None = None,
        **more: Any,
    ) -> Any:
        """Open a file.

        Args:
            path: The file.
            mode: `r`, `rt`, `rb` to read; `w`, `wt`, `wb`, `x`, `xt`, `xb` to write.
            block_size: Ignored.
            cache_options: Ignored.
            compression: As fsspec calls it: `gzip`, `bz2`, ...; `infer`: by the extension.
            more: `fetch` as for `File.open`; `encoding`, `errors` and `newline` of text.

        Raises:
            FileNotFoundError: Reading a name that does not exist.
            UIDConflictError: Writing a name that exists already.
            ValueError: There is no such compression.
        """
        from fsspec.compression import compr  # noqa: PLC0415 - optional
        from fsspec.core import get_compression  # noqa: PLC0415 - optional

        opened: Any = super().open  # type: ignore[misc]  # of fsspec
        # Text is opened over what this returns for bytes.
        if "r" in mode or "b" not in mode or not get_compression(path, compression):
            return opened(path, mode, block_size, cache_options, compression, **more)
        compressor = compr[get_compression(path, compression)]
        file = opened(path, mode, block_size, cache_options, **more)
        try:
            return _Compressed(file, compressor(file, mode="w"))
        except BaseException:
            file.discard()
            raise


class _Compressed(io.BufferedIOBase):
    """A compressor that closes the file below it, which those of Python leave open.

    Args:
        file: The file.
        compressor: Writes into it.
    """

    def __init__(self, file: PublishedOnClose, compressor: Any) -> None:
        self._file = file
        self._compressor = compressor

    @override
    def write(self, data: Buffer, /) -> int:
        written: int = self._compressor.write(data)
        return written

    @override
    def flush(self) -> None:
        if not self._compressor.closed:
            self._compressor.flush()

    @override
    def writable(self) -> bool:
        return True

    @override
    def close(self) -> None:
        if self.closed:
            return
        try:
            self._compressor.close()
        except BaseException:
            self._file.discard()
            raise
        finally:
            super().close()
        self._file.close()

    def _dealloc_warn(self, source: object) -> None:
        self._file._dealloc_warn(source)  # noqa: SLF001 - as Python calls it

    def __del__(self) -> None:
        self.close()  # which discards it, as for all that `__del__` closes
