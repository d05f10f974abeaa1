"""Rows of Parquet files as samples for PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from radops.errors import UsageError
from radops.integrations.torch.order import Shape
from radops.integrations.torch.parquet_source import ParquetSource
from radops.integrations.torch.room import parse_size, too_small
from radops.integrations.torch.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from radops.data_lake import Directory, File
    from radops.integrations.torch.share import Tail


class StreamParquet(Stream):
    """Rows of a Parquet file, or of the Parquet files of a directory, shuffled.

    A run is a row group: it is read whole, decoded once per host, and kept in a bounded cache. A
    sample is a row: a dictionary of its columns. The ends of all files are read first, as the order
    depends on how many rows they have; that is kept in the cache too.

    Args:
        target: A file, or a directory whose `.parquet` files have equal columns.
        columns: Which ones; None for all. Others are not read.
        transform: Makes a sample of a row; None: the dictionary.
        pattern: Which files of a directory; see `Directory.glob`.
        batch_size: Samples of a batch.
        shuffle: False: in the order of the paths and rows.
        seed: Another seed, another order.
        block: Bytes among which rows are shuffled, over all lanes, as they are decoded.
        lanes: From how many parts of the data a batch is taken; ranks must divide it.
        tail: As for `StreamDirectory`.
        cache: Bytes of decoded row groups on this host's disk, at most.
        prefetch: Bytes that each worker reads ahead.
        rank: As for `StreamDirectory`.
        world_size: As for `StreamDirectory`.

    Raises:
        UsageError: An argument cannot be used; the cache is too small, or there is no batch.
        UIDNotFoundError: There is no such file or directory.

    Example:
        >>> ds = StreamParquet(File("datasets/prices.parquet"), ["size", "price"])
        >>> for batch in Loader(ds, num_workers=4):
        ...     train(batch["size"], batch["price"])
    """

    def __init__(  # noqa: PLR0913 - options of one call
        self,
        target: File | Directory,
        columns: Sequence[str] | None = None,
        transform: Callable[[dict[str, Any]], Any] | None = None,
        *,
        pattern: str = "**/*.parquet",
        batch_size: int = 256,
        shuffle: bool = True,
        seed: int = 0,
        block: str | int = "4GiB",
        lanes: int = 64,
        tail: Tail = "drop",
        cache: str | int = "20GB",
        prefetch: str | int = "256MB",
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        if lanes < 1:
            raise UsageError(f"{lanes} lanes are none")
        block_bytes, ahead = parse_size(block, "block"), parse_size(prefetch, "prefetch")
        source = ParquetSource(target, columns, transform, pattern, parse_size(cache, "cache"))
        largest = max((group.bytes for group in source.groups), default=0)
        total = sum(group.bytes for group in source.groups)
        needed = min(total, block_bytes + ahead + 2 * lanes * largest)
        if source.cache_limit < needed:
            raise too_small(source.cache_limit, needed)
        rows = max(1, source.runs.samples)
        order = {
            "pattern": pattern,
            "columns": None if columns is None else list(columns),
            "seed": seed,
            "block": block_bytes,
            "lanes": lanes,
            "shuffle": shuffle,
        }
        super().__init__(
            source,
            Shape(seed, lanes, max(1, block_bytes * rows // max(1, total)), shuffle),
            order,
            batch_size=batch_size,
            tail=tail,
            prefetch=ahead,
            ranks=(rank, world_size),
        )
