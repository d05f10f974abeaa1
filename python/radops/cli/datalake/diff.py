"""`radops datalake diff`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from radops.cli import options
from radops.cli.completion import complete_target, complete_uids
from radops.cli.lake import open_lake, resolved
from radops.cli.output import count, human_size, write_json, write_lines
from radops.cli.progress import progress
from radops.errors import UsageError

if TYPE_CHECKING:
    from radops.data_lake import DataLake, Directory
    from radops.lake.directory.diff import Diff


def command(
    uid: Annotated[
        str, typer.Argument(metavar="UID", help="A directory.", autocompletion=complete_uids)
    ],
    other: Annotated[
        str,
        typer.Argument(
            metavar="UID | DIR",
            help="Another directory, or a folder of this machine.",
            autocompletion=complete_target,
        ),
    ],
    *,
    stat: Annotated[bool, options.flag("--stat", help="Print only the numbers and sizes.")] = False,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", metavar="GLOB", help="Leave these out of the folder; can be repeated."
        ),
    ] = None,
    no_ignore: Annotated[
        bool, options.flag("--no-ignore", help="Apply neither .radopsignore nor built-in rules.")
    ] = False,
    follow_links: Annotated[
        bool, options.flag("--follow-links", help="Take what links point to that lead out.")
    ] = False,
    executables: Annotated[
        bool, options.flag("--executables", help="Compare which files can be executed.")
    ] = False,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what differs between two directories: added, removed, changed and moved files.

    The second one is the later. Only their tables of contents are read, and of these only what
    differs. A folder is compared as it is now; of its files only those are read that changed since
    it was last added. Exit code 1 if they differ, as with diff(1).

    Examples:
      radops datalake diff images/v1 images/v2
      radops datalake diff images/v1 images/@latest --stat
      radops datalake diff images/v1 ./work

    """
    with (
        progress(quiet=quiet) as view,
        open_lake(context, offline=offline, quiet=quiet, jobs=jobs) as lake,
    ):
        first = _directory(lake, resolved(lake, uid, quiet=quiet))
        if _is_folder(lake, other):
            found = first.diff(
                Path(other),
                exclude=exclude or (),
                ignore=not no_ignore,
                follow_links=follow_links,
                executables=executables,
                progress=view,
            )
        elif exclude or no_ignore or follow_links or executables:
            raise UsageError(
                "--exclude, --no-ignore, --follow-links and --executables are about folders,"
                f" and there is no folder {other}"
            )
        else:
            found = first.diff(_directory(lake, resolved(lake, other, quiet=quiet)))
    if as_json:
        write_json(_document(found))
    elif stat:
        write_lines(_stat(found))
    else:
        write_lines(_lines(found))
    if found:
        raise typer.Exit(1)


def _directory(lake: "DataLake", name: str) -> "Directory":
    """Return a directory of the lake by its name.

    Raises:
        UsageError: It is a file.
    """
    from radops.data_lake import File  # noqa: PLC0415 - so that --help is quick

    located = lake.locate(name)
    if located is not None and isinstance(located.named, File):
        raise UsageError(
            f"{name} is a file, and diff compares directories",
            hint="to see whether two files are equal, compare the digests that info shows",
        )
    return lake.directory(name)


def _is_folder(lake: "DataLake", name: str) -> bool:
    """Return whether the second argument means a folder of this machine.

    Raises:
        UsageError: It is a folder, and a directory of the lake.
    """
    if not Path(name).is_dir():
        return False
    is_path = name.startswith(("/", "./", "../")) or name in {".", ".."}
    if not is_path and not name.endswith("/") and lake.directory(name).exists():
        raise UsageError(
            f"{name} is a folder here, and a directory of the lake",
            hint=f"./{name} is the folder; the other one can be compared from elsewhere",
        )
    return True


def _lines(found: "Diff") -> list[str]:
    lines = [(entry.path, f"+ {entry.path}") for entry in found.added]
    lines += [(entry.path, f"- {entry.path}") for entry in found.removed]
    lines += [(one.path, f"* {one.path}") for one in found.changed]
    lines += [(one.after, f"> {one.after}  (was {one.before})") for one in found.moved]
    return [line for _, line in sorted(lines)]


def _stat(found: "Diff") -> list[str]:
    sizes = {
        "added": [entry.size for entry in found.added],
        "removed": [entry.size for entry in found.removed],
        "changed": [one.after.size for one in found.changed],
        "moved": [one.entry.size for one in found.moved],
    }
    return [
        f"{name}: {count(len(some), 'file')}, {human_size(sum(some))}"
        for name, some in sizes.items()
    ]


def _document(found: "Diff") -> dict[str, Any]:
    return {
        "added": [_entry(entry) for entry in found.added],
        "removed": [_entry(entry) for entry in found.removed],
        "changed": [
            {"path": one.path, "before": _entry(one.before), "after": _entry(one.after)}
            for one in found.changed
        ],
        "moved": [
            {"before": one.before, "after": one.after, "size": one.entry.size}
            for one in found.moved
        ],
    }


def _entry(entry: Any) -> dict[str, Any]:  # noqa: ANN401 - `Entry`, loaded lazily
    return {
        "path": entry.path,
        "size": entry.size,
        "digest": None if entry.digest is None else str(entry.digest),
    }
