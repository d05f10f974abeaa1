"""Files of a directory as samples for PyTorch."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from radops.errors import UsageError
from radops.integrations.torch.directory_source import DirectorySource
from radops.integrations.torch.order import Shape
from radops.integrations.torch.quality import distinct_per_batch
from radops.integrations.torch.room import parse_size, too_small
from radops.integrations.torch.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from radops.data_lake import Directory
    from radops.integrations.torch.groups import Group
    from radops.integrations.torch.share import Tail


class StreamDirectory(Stream):
    """Files of a directory, shuffled, from wherever they are: a sample is a path and its bytes.

    With `group`, a sample is several files that belong together, such as an image and its label.

    Nothing is converted or downloaded beforehand. What is not on this machine is fetched in runs
    of about 1 MiB, each once per host, verified, and kept in a bounded cache.

    The order depends on the directory's digest and on `pattern`, `group`, `seed`, `run`, `block`,
    `lanes`, `shuffle` and the epoch, and on nothing else: not on workers, ranks, batches or the
    cache.

    Args:
        directory: What is read.
        pattern: Which files; see `Directory.glob`.
        transform: Makes a sample of the path and the bytes of a file, or with `group` of the key
            and the dictionary; None: both as they are.
        group: Which files are one sample. `stem`: those in one folder whose names are equal up to
            the first dot; a sample is that path and a dictionary of bytes by extension. A function
            of a path: neighbours for which it returns the same; a sample is that, and bytes by
            path. None: each file is one.
        batch_size: Samples of a batch.
        shuffle: False: in the order of the paths.
        seed: Another seed, another order.
        run: Bytes that are read together, on average, as a number or as text.
        block: Bytes among which samples are shuffled, over all lanes; also what must fit into the
            cache. More mixes better.
        lanes: From how many parts of the data a batch is taken; ranks must divide it.
        tail: What becomes of samples at the end that do not fill a batch of every rank: `drop`;
            `repeat` fills up with the first of the epoch; `uneven` gives ranks different numbers.
        cache: Bytes of fetched runs on this host's disk, at most, for all streams together.
        prefetch: Bytes that each worker fetches ahead.
        rank: Which process of those that train together this is; None: as `torch.distributed` or
            `torchrun` says.
        world_size: How many there are.

    Raises:
        UsageError: An argument cannot be used; the cache is too small, or there is no batch.
        UIDNotFoundError: There is no such directory.

    Example:
        >>> ds = StreamDirectory(Directory("datasets/images/v2"), "train/**", decode, seed=1)
        >>> for images, labels in Loader(ds, num_workers=8):
        ...     train(images, labels)
    """

    def __init__(  # noqa: PLR0913 - options of one call
        self,
        directory: Directory,
        pattern: str = "**",
        transform: Callable[..., Any] | None = None,
        *,
        group: Group | None = None,
        batch_size: int = 256,
        shuffle: bool = True,
        seed: int = 0,
        run: str | int = "1MiB",
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
        run_bytes, block_bytes = parse_size(run, "run"), parse_size(block, "block")
        ahead = parse_size(prefetch, "prefetch")
        limit = parse_size(cache, "cache")
        source = self._files = DirectorySource(
            directory, pattern, transform, group, run_bytes=run_bytes, cache_limit=limit
        )
        index = source.index
        working_set = block_bytes + ahead + 2 * lanes * run_bytes
        needed = min(index.bytes + 16 * len(index), working_set)
        if source.cache_limit < needed and not directory.is_local():
            raise too_small(source.cache_limit, needed)
        mean = max(1, index.bytes // max(1, source.runs.samples))
        order = {
            "pattern": pattern,
            "seed": seed,
            "run": run_bytes,
            "block": block_bytes,
            "lanes": lanes,
            "shuffle": shuffle,
        }
        if source.grouping is not None:
            order["group"] = source.grouping.identity
        super().__init__(
            source,
            Shape(seed, lanes, max(1, block_bytes // mean), shuffle),
            order,
            batch_size=batch_size,
            tail=tail,
            prefetch=ahead,
            ranks=(rank, world_size),
        )

    def shuffle_quality(
        self, labels: Callable[[str], Hashable], *, batches: int = 64, epoch: int = 0
    ) -> float:
        """Return how many classes a batch has on average, relative to drawing at random.

        1.0 is as good as a shuffle of the whole data set. A batch is that of one rank if there was
        only one. All paths are listed for it, but no file is read.

        Args:
            labels: Returns the class of a path; with `group`, of what `names` yields.
            batches: How many batches are looked at, spread over the epoch.
            epoch: Which epoch.
        """
        known = [labels(name) for name in self._files.names()]
        order, size = self.order(epoch), min(self.batch_size, self.samples)
        count = self.samples // size
        looked_at = range(0, count, max(1, count // batches))
        distinct = Counter(
            len({known[order.number(batch * size + index)] for index in range(size)})
            for batch in looked_at
        )
        mean = sum(number * times for number, times in distinct.items()) / len(looked_at)
        return mean / distinct_per_batch(known, size)
