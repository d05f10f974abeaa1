"""Row groups of Parquet files: fetched, decoded and kept. See `RunSource` and `Source`."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from radops.data_lake import Directory, File
from radops.errors import CorruptDataError
from radops.integrations.torch.cache import RunCache
from radops.integrations.torch.order import Runs
from radops.integrations.torch.room import cache_root
from radops.integrations.torch.row_groups import check_unchanged, read_groups
from radops.streams import folder_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from radops.integrations.torch.order import Place

# Row groups whose columns are in memory, as maps of the cache's files: they cost little.
_MOST_OPEN = 256
_CHECKSUM = 32


class ParquetSource:
    """Row groups of a file or of files. See `RunSource`."""

    def __init__(
        self,
        target: File | Directory,
        columns: Sequence[str] | None,
        transform: Callable[[dict[str, Any]], Any] | None,
        pattern: str,
        cache_limit: int,
    ) -> None:
        # The lake of now, wherever the samples are read later.
        if isinstance(target, Directory):
            directory = Directory(target.uid, lake=target)
            self.digest = directory.digest().hex
            self.files = list(directory.glob(pattern))
            check_unchanged(directory, self.digest)
            self.digests = [file.digest().hex for file in self.files]
        else:
            self.files = [File(target.uid, lake=target)]
            self.digest = self.files[0].info().digest.hex
            self.digests = [self.digest]
        self.columns = None if columns is None else list(columns)
        self.transform = transform
        self.cache_limit = cache_limit
        self.root = cache_root(target)
        what = repr((pattern, self.columns)).encode()
        self.key = folder_name(self.digest, hashlib.blake2b(what, digest_size=8).hexdigest())
        self.groups = read_groups(self.files, self.digests, self.columns, self._cache())
        self.runs = Runs(group.rows for group in self.groups)

    def _cache(self) -> RunCache:
        return RunCache(self.root, self.key, self.cache_limit)

    def opened(self) -> ParquetReader:
        """Return what reads in this process."""
        return ParquetReader(self, self._cache())

    def name(self, place: Place) -> str:
        """Return what a row is called: its file, and its number there."""
        group = self.groups[place.run]
        before = sum(
            other.rows
            for other in self.groups[max(0, place.run - group.number) : place.run]
            if other.file == group.file
        )
        return f"{self.files[group.file].uid}:{before + place.offset}"


class ParquetReader:
    """Reads row groups in one process. Thread-safe. See `Source`."""

    def __init__(self, source: ParquetSource, cache: RunCache) -> None:
        self._source = source
        self._cache = cache
        self._tables: OrderedDict[int, pa.Table] = OrderedDict()

    def prepare(self, runs: Collection[int]) -> None:
        """All that must be known of row groups is known."""

    def missing(self, run: int) -> int:
        """Return how many bytes of a row group must be fetched; 0 if it is on this machine."""
        if run in self._tables or self._cache.has(run):
            return 0
        return max(1, self._source.groups[run].bytes)

    def fetch(self, run: int) -> None:
        """Fetch and decode a row group into the cache."""
        group = self._source.groups[run]

        def write(path: Path) -> None:
            file = self._source.files[group.file]
            with file.open("rb") as stream, pq.ParquetFile(stream) as parquet:
                table = parquet.read_row_group(group.number, columns=self._source.columns)
            check_unchanged(file, self._source.digests[group.file])
            buffer = pa.BufferOutputStream()
            with pa.ipc.new_file(buffer, table.schema) as writer:
                writer.write_table(table)
            data = buffer.getvalue()
            with path.open("wb") as out:
                out.write(data)
                out.write(hashlib.blake2b(data, digest_size=_CHECKSUM).digest())

        self._cache.fill(run, group.bytes, write)

    def sample(self, place: Place) -> Any:
        """Return a row."""
        row = self._table(place.run).slice(place.offset, 1).to_pylist()[0]
        return row if self._source.transform is None else self._source.transform(row)

    def _table(self, run: int) -> pa.Table:
        found = self._tables.get(run)
        if found is not None:
            self._tables.move_to_end(run)
            return found
        for _ in range(3):
            table = self._load(self._cache.path(run))
            if table is not None:
                while len(self._tables) >= _MOST_OPEN:
                    self._tables.popitem(last=False)
                self._tables[run] = table
                return table
            self._cache.drop(run)
            self.fetch(run)
        raise CorruptDataError(
            f"the cache at {self._cache.path(run)} does not keep what is written"
        )

    @staticmethod
    def _load(path: Path) -> pa.Table | None:
        """Return a row group of the cache; None if it is not there or not what was written."""
        try:
            mapped = pa.memory_map(str(path))
        except FileNotFoundError:
            return None
        whole = mapped.read_buffer()
        data, checksum = whole[:-_CHECKSUM], whole[-_CHECKSUM:]
        if hashlib.blake2b(data, digest_size=_CHECKSUM).digest() != bytes(checksum):
            return None
        return pa.ipc.open_file(pa.BufferReader(data)).read_all()
