"""What the arguments of `radops datalake add` mean: sources, and the UID that each is to get."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from radops.errors import UsageError
from radops.format.encoded_name import encode_name
from radops.lake.directory.bucket import is_prefix, name_of_prefix
from radops.lake.folder_files import files_below
from radops.lake.progress import stage_if_slow
from radops.lake.sources import is_url, local_source, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from radops.data_lake import DataLake
    from radops.lake.reports import AddResult, Progress

# Paths are text here: there may be a million.
# ruff: noqa: PTH110, PTH112, PTH119, PTH121


def split_target(
    arguments: Sequence[str], *, each: bool, force: bool
) -> tuple[list[str], str | None]:
    """Split the arguments into sources and the UID or folder of the lake; None if none is given.

    A shell writes the names of all matching files for `*.csv`; the last of them is no UID.

    Raises:
        UsageError: It is not clear what the last argument is.
    """
    *sources, target = arguments
    if not sources:
        return [target], None
    if len(sources) > 1 and not target.endswith("/"):
        raise UsageError(
            f"several sources need a folder of the lake, and {target} does not end in '/'",
            hint="radops datalake add A B FOLDER/",
        )
    if not force and (each or not target.endswith("/")) and _is_another(sources[0], target):
        kind = "folder" if os.path.isdir(target) else "file"
        raise UsageError(
            f"{target} is a local {kind}: is it to be added, or is it the name in the lake?",
            hint="to add all of them, end with FOLDER/; if it is the name: --force",
        )
    return sources, target


def _is_another(source: str, target: str) -> bool:
    try:
        return os.path.exists(target) and not os.path.samefile(source, target)
    except OSError:  # a URL, or a source that is not there, which is an error of its own
        return False


def named_sources(
    sources: Sequence[str],
    target: str | None,
    *,
    home: Path,
    left_out: Callable[[str, str], None],
    each: bool,
    several: bool,
    encode: bool,
    exclude: Sequence[str] = (),
) -> Iterator[tuple[str, str]]:
    """Yield every file and URL with the UID that it is to get.

    Args:
        sources: Files, URLs, and if `each` folders.
        target: The UID of one source; if it ends in `/` what all UIDs begin with; None: each
            source keeps its name.
        home: The home in use.
        left_out: Called with each path that is left out, and the reason.
        each: Whether a folder means the files below it.
        several: Whether there are other sources, so that folders keep their names.
        encode: Write what a UID cannot hold as `%XX`.
        exclude: Patterns of files and folders below a folder to leave out.
    """
    folder = target if target is not None and target.endswith("/") else ""
    for source in sources:
        is_folder = each and not is_url(source) and (not several or os.path.isdir(source))
        if is_folder:
            name = os.path.basename(os.path.realpath(source))
            prefix = f"{folder}{encode_name(name) if encode else name}" if several else target
            yield from files_below(
                source, prefix, home=home, left_out=left_out, encode=encode, exclude=exclude
            )
        elif target is not None and not folder:
            yield source, target
        else:
            name = name_of(source)
            yield source, folder + (encode_name(name) if encode else name)


def split_folders(sources: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split sources into what becomes directories (folders, prefixes of buckets), and the rest."""
    folders = [one for one in sources if is_prefix(one) or (not is_url(one) and os.path.isdir(one))]
    return folders, [one for one in sources if one not in folders]


def add_folders(
    lake: DataLake,
    folders: Sequence[str],
    target: str | None,
    how: How,
    options: Mapping[str, Any],
    progress: Progress | None,
    *,
    several: bool,
) -> list[AddResult]:
    """Add each folder as one directory; return the results.

    Args:
        lake: The lake.
        folders: The folders.
        target: The UID of a single folder, or what UIDs begin with, ending in `/`; None: each
            keeps its name.
        how: How sources are added.
        options: Options of folders; see `DataLake.add`.
        progress: Shows how far it is.
        several: Whether there are other sources.
    """
    if folders and (how.sha256 is not None or how.blake3 is not None):
        raise UsageError("a digest can be given for one file only, not for a folder")
    results = []
    for folder in folders:
        uid = target
        if target is None or target.endswith("/"):
            is_bucket = is_prefix(folder)
            name = (
                name_of_prefix(folder) if is_bucket else os.path.basename(os.path.realpath(folder))
            )
            uid = f"{target or ''}{name}"
        if several and target is not None and not target.endswith("/"):
            raise UsageError(f"several sources need a folder of the lake, not {target}")
        results.append(lake.add(folder, uid, move=how.move, progress=progress, **options))
    return results


class How(NamedTuple):
    """How sources are added; see `DataLake.add`."""

    move: bool
    force: bool
    sha256: str | None
    blake3: str | None


def add_pairs(
    lake: DataLake, pairs: Iterable[tuple[str, str]], how: How, progress: Progress | None
) -> list[AddResult]:
    """Add files in batches and URLs one by one; return the results, files first.

    Raises:
        UsageError: A digest is given for several files.
    """
    everything = []
    with stage_if_slow(progress, "listing files") as count:
        for pair in pairs:
            everything.append(pair)
            count(0, 1)
    if how.sha256 is not None or how.blake3 is not None:
        if len(everything) != 1:
            raise UsageError("a digest can be given for one file only")
        source, uid = everything[0]
        return [lake.add(source, uid, **how._asdict(), progress=progress)]
    urls = [pair for pair in everything if local_source(pair[0]) is None]
    files = [pair for pair in everything if local_source(pair[0]) is not None]
    added = lake.add_many(files, move=how.move, progress=progress) if files else []
    fetched = [
        lake.add(url, uid, move=how.move, force=how.force, progress=progress) for url, uid in urls
    ]
    return added + fetched
