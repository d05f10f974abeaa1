"""Files that libraries write: published when they are whole, and only then."""

from __future__ import annotations

import bz2
import contextlib
import gc
import gzip
import io
import lzma
import tarfile
import zipfile
from typing import TYPE_CHECKING

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from full_disk import no_file_above
from radops.data_lake import DataLake, File
from radops.errors import LocalStorageError
from radops.integrations.fsspec import RadopsFileSystem

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def fs(lake: DataLake) -> RadopsFileSystem:
    return fsspec.filesystem("radops")


# -- compressed ------------------------------------------------------------------------------------


def unzipped(data: bytes) -> bytes:
    return zipfile.ZipFile(io.BytesIO(data)).read("file")


@pytest.mark.parametrize("mode", ["wb", "xb", "w", "wt"])
@pytest.mark.parametrize(
    ("name", "compression", "decompress"),
    [
        ("a.gz", "gzip", gzip.decompress),
        ("a.gz", "infer", gzip.decompress),
        ("a.bz2", "bz2", bz2.decompress),
        ("a.xz", "xz", lzma.decompress),
        ("a.zip", "zip", unzipped),
        ("a.txt", "infer", bytes),
    ],
)
def test_what_is_compressed_is_published(
    fs: RadopsFileSystem,
    mode: str,
    name: str,
    compression: str,
    decompress: Callable[[bytes], bytes],
) -> None:
    text = "äöü\n" * 100_000
    with fs.open(name, mode, compression=compression) as stream:
        stream.write(text.encode() if "b" in mode else text)
        stream.flush()
        assert not File(name).exists()
    assert decompress(File(name).read_bytes()) == text.encode()
    with fs.open(name, "rt", compression=compression) as stream:
        assert stream.read() == text


def test_what_is_compressed_is_published_by_close(fs: RadopsFileSystem) -> None:
    stream = fs.open("a.gz", "wb", compression="gzip")
    assert stream.writable()
    stream.write(b"one")
    stream.close()
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        stream.write(b"two")
    assert gzip.decompress(File("a.gz").read_bytes()) == b"one"
    with fsspec.open("radops://b.gz", "wt", compression="gzip") as stream:
        stream.write("two")
    assert gzip.decompress(File("b.gz").read_bytes()) == b"two"


@pytest.mark.parametrize("mode", ["wb", "wt"])
@pytest.mark.parametrize("compression", ["gzip", "bz2", "zip"])
def test_an_error_while_it_is_compressed_discards_it(
    fs: RadopsFileSystem, mode: str, compression: str, caplog: pytest.LogCaptureFixture
) -> None:
    part = b"part" if mode == "wb" else "part"
    with pytest.raises(ZeroDivisionError), fs.open("a", mode, compression=compression) as stream:
        stream.write(part)
        1 / 0  # noqa: B018
    assert not File("a").exists()
    assert "a was not published: ZeroDivisionError was raised" in caplog.text
    stream = fs.open("a", mode, compression=compression)
    stream.write(part)
    del stream
    gc.collect()
    assert not File("a").exists()
    assert "a was not published: it was never closed" in caplog.text


def test_an_unknown_compression_begins_nothing(
    fs: RadopsFileSystem, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        fs.open("a", "wb", compression="nonsense")
    gc.collect()
    assert not caplog.text
    assert not File("a").exists()


# -- writers that are forgotten --------------------------------------------------------------------


def table_until(fails_at: int) -> None:
    """Write row groups, without a `with` block."""
    schema = pa.schema({"a": pa.int64()})
    writer = pq.ParquetWriter("a", schema, filesystem=RadopsFileSystem())
    for number in range(10):
        if number == fails_at:
            raise ZeroDivisionError
        writer.write_table(pa.table({"a": [number]}))
    writer.close()


def archive_until(fails_at: int) -> None:
    """Write members, without a `with` block."""
    file = RadopsFileSystem().open("a", "wb")
    archive = tarfile.open(fileobj=file, mode="w|")  # noqa: SIM115
    for number in range(10):
        if number == fails_at:
            raise ZeroDivisionError
        archive.addfile(tarfile.TarInfo(str(number)))
    archive.close()
    file.close()


# A tar is closed by its `__del__` too, which then finds the file closed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("write_until", [table_until, archive_until])
def test_writers_that_end_their_file_when_they_are_collected_publish_nothing(
    fs: RadopsFileSystem, caplog: pytest.LogCaptureFixture, write_until: Callable[[int], None]
) -> None:
    """They make valid files of what they were given until then."""
    with contextlib.suppress(ZeroDivisionError):
        write_until(5)
    gc.collect()
    assert not File("a").exists()
    assert "a was not published: it was never closed" in caplog.text
    write_until(11)
    assert File("a").exists()


def test_what_a_finalizer_opens_and_closes_is_published(fs: RadopsFileSystem) -> None:
    class Saves:
        def __del__(self) -> None:
            fs.pipe("saved", b"all of it")

    Saves()
    gc.collect()
    assert File("saved").read_bytes() == b"all of it"


# -- writes that fail ------------------------------------------------------------------------------


def test_a_write_that_failed_and_was_ignored_discards_it(fs: RadopsFileSystem) -> None:
    stream = fs.open("a", "wb")
    with no_file_above(100_000), contextlib.suppress(OSError):
        stream.write(bytes(1_000_000))
    with pytest.raises(LocalStorageError, match="a write failed before"):
        stream.close()
    assert stream.closed
    assert not fs.exists("a")
