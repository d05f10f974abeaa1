"""`radops datalake add`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radops.cli import options
from radops.cli.completion import complete_uids
from radops.cli.lake import open_lake
from radops.cli.output import count, human_size, note, warn, write_json, write_lines
from radops.cli.progress import progress
from radops.errors import LocalStorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.data_lake.reports import AddResult


def command(
    source: Annotated[
        str, typer.Argument(metavar="PATH_OR_URL", help="A file, a URL, or with -r a folder.")
    ],
    uid: Annotated[
        str | None,
        typer.Argument(
            metavar="UID",
            help="Its name in the lake, or with -r what all names begin with.",
            autocompletion=complete_uids,
        ),
    ] = None,
    *,
    recursive: Annotated[
        bool, options.flag("--recursive", "-r", help="Add each file below a folder.")
    ] = False,
    copy: Annotated[bool, options.flag("--copy", help="Leave the file in place: default.")] = False,
    move: Annotated[bool, options.flag("--move", help="Take the file out of its place.")] = False,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Add a file, the file behind a URL, or all files below a folder.

    Adding what is there already is no error, so an add that was cut short can be run again.
    Prints the name of each file in the lake.

    Examples:
      radops datalake add ./myfile.txt name_in_datalake.txt --copy
      radops datalake add https://example.com/train.csv datasets/train.csv
      radops datalake add -r ./images datasets/images/

    """
    if copy and move:
        raise UsageError("--copy and --move exclude each other")
    if recursive:
        pairs = list(_files_below(source, uid, quiet=quiet))
    with (
        open_lake(context, offline=offline, quiet=quiet, jobs=jobs) as lake,
        progress(quiet=quiet) as view,
    ):
        if recursive:
            results = lake.add_many(pairs, move=move, progress=view)
        else:
            results = [lake.add(source, uid, move=move, progress=view)]
    _tell(results, as_json=as_json, quiet=quiet)


def _files_below(top: str, prefix: str | None, *, quiet: bool) -> Iterator[tuple[str, str]]:
    """Yield each file below a folder with its UID, in an order that is the same everywhere.

    A link to a file counts as that file; a link to a folder is named and left out, since it
    could lead anywhere, in circles too.
    """
    if not os.path.isdir(top):  # noqa: PTH112 - paths are text here, for a million files
        what = "is not a folder" if os.path.exists(top) else "does not exist"  # noqa: PTH110
        raise LocalStorageError(f"{top} {what}", hint="without -r, add takes one file")
    prefix = Path(top).resolve().name if prefix is None else prefix.rstrip("/")
    found = False
    folders = [(top, f"{prefix}/" if prefix else "")]
    while folders:
        folder, begin = folders.pop()
        inner = []
        for entry in _entries(folder):
            if not entry.is_dir():
                found = True
                yield entry.path, begin + entry.name
            elif not entry.is_symlink():
                inner.append((entry.path, f"{begin}{entry.name}/"))
            elif not quiet:
                warn(f"{entry.path} is a link to a folder: left out")
        folders += reversed(inner)
    if not found:
        raise UsageError(f"there are no files below {top}")


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise LocalStorageError(f"cannot list {folder}: {error.strerror}") from error


def _tell(results: "Sequence[AddResult]", *, as_json: bool, quiet: bool) -> None:
    if as_json:
        files = [
            {
                "uid": result.uid,
                "digest": str(result.digest),
                "size": result.size,
                "already_there": result.already_there,
                "restored": result.restored,
            }
            for result in results
        ]
        write_json({"files": files})
    else:
        write_lines(result.uid for result in results)
    if quiet:
        return
    new = [result for result in results if not result.already_there]
    lost = sum(result.restored for result in results)
    if len(results) > 1:
        there = len(results) - len(new)
        also = f"; {there:,} were already there" if there else ""
        also += f", {lost:,} of them restored: their bytes were missing or wrong" if lost else ""
        note(f"added {count(len(new), 'file')}, {human_size(sum(r.size for r in new))}{also}")
    elif lost:
        note(f"{results[0].uid} was restored: its bytes here were missing or wrong")
    elif not new:
        note(f"{results[0].uid} was already there, with the same bytes")
