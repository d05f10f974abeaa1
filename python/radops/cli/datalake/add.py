"""`radops datalake add`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from radops.cli import options
from radops.cli.completion import complete_target, complete_uids
from radops.cli.lake import open_lake
from radops.cli.output import count, human_size, note, warn, write_json, write_names
from radops.cli.progress import progress
from radops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.lake.reports import AddResult


def command(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH_OR_URL... [UID | FOLDER/]",
            help="Files, folders and URLs; then the name in the lake, or the folder for"
            " all of them, ending in '/'.",
            autocompletion=complete_target,
        ),
    ],
    *,
    each: Annotated[
        bool, options.flag("--each", help="Add each file below a folder under a UID of its own.")
    ] = False,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", hidden=True)] = False,
    base: Annotated[
        list[str] | None,
        typer.Option(
            "--base",
            metavar="UID",
            help="A directory that the folder shares files with; can be repeated.",
            autocompletion=complete_uids,
        ),
    ] = None,
    no_base: Annotated[
        bool, options.flag("--no-base", help="Share files with no earlier directory.")
    ] = False,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", metavar="GLOB", help="Leave these out of a folder; can be repeated."
        ),
    ] = None,
    no_ignore: Annotated[
        bool, options.flag("--no-ignore", help="Apply neither .radopsignore nor built-in rules.")
    ] = False,
    follow_links: Annotated[
        bool,
        options.flag(
            "--follow-links", help="Store the targets of links that lead out of the folder."
        ),
    ] = False,
    executables: Annotated[
        bool, options.flag("--executables", help="Record which files are executable.")
    ] = False,
    checksum: Annotated[
        bool, options.flag("--checksum", help="Read all files, also those that look unchanged.")
    ] = False,
    update: Annotated[
        bool,
        options.flag("--update", help="Keep the other paths of the directory it comes from."),
    ] = False,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove", metavar="GLOB", help="With --update: but not these; can be repeated."
        ),
    ] = None,
    exact: Annotated[
        bool, options.flag("--exact", help="Add a partial checkout of a directory as it is.")
    ] = False,
    dry_run: options.DryRun = False,
    copy: Annotated[bool, options.flag("--copy", help="Keep the source file (default).")] = False,
    move: Annotated[
        bool, options.flag("--move", help="Remove the source file once it is added.")
    ] = False,
    encode_names: Annotated[
        bool, options.flag("--encode-names", help="Write characters that a UID cannot have as %XX.")
    ] = False,
    force: Annotated[
        bool,
        options.flag(
            "--force", help="Use a UID that is a local file; add a web page that should be a .zip."
        ),
    ] = False,
    sha256: Annotated[
        str | None,
        typer.Option("--sha256", metavar="HEX", help="The SHA-256 that the file must have."),
    ] = None,
    blake3: Annotated[
        str | None,
        typer.Option("--blake3", metavar="HEX", help="The BLAKE3 that the file must have."),
    ] = None,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Add files and folders from disk, or files from URLs.

    A folder becomes one directory: one name for all of its files, for ever. Adding what the lake
    has already is not an error, so an interrupted add can be run again. Prints the names.

    Examples:
      radops datalake add ./myfile.txt name_in_datalake.txt --copy
      radops datalake add ./images datasets/images/@next
      radops datalake add ./new datasets/images/@next --update --base datasets/images/v1
      radops datalake add a.csv b.csv datasets/
      radops datalake add https://example.com/train.csv datasets/train.csv
      radops datalake add s3://bucket/images/ datasets/images/v1
      radops datalake add --each ./tables tables/ --exclude '*.tmp'

    """
    _check(recursive=recursive, copy=copy, move=move, base=base, no_base=no_base)
    from radops.cli.datalake.add_sources import (  # noqa: PLC0415 - so that --help is quick
        How,
        add_folders,
        add_pairs,
        named_sources,
        split_folders,
        split_target,
    )

    sources, target = split_target(arguments, each=each, force=force)
    how = How(move=move, force=force, sha256=sha256, blake3=blake3)
    options_of_folders: dict[str, Any] = {
        "base": [] if no_base else base,
        "exclude": exclude or [],
        "ignore": not no_ignore,
        "follow_links": follow_links,
        "executables": executables,
        "checksum": checksum,
        "dry_run": dry_run,
        "update": update,
        "remove": remove or [],
        "exact": exact,
    }
    with (
        progress(quiet=quiet, resumable=True) as view,
        open_lake(context, offline=offline, quiet=quiet, jobs=jobs) as lake,
    ):
        folders, files = ([], sources) if each else split_folders(sources)
        _check_folder_options(options_of_folders, alone=bool(folders), each=each)
        pairs = named_sources(
            files,
            target,
            home=lake.home,
            left_out=lambda path, reason: None if quiet else warn(f"{path} {reason}: left out"),
            each=each,
            several=len(sources) > 1,
            encode=encode_names,
            exclude=exclude or (),
        )
        results = add_folders(
            lake, folders, target, how, options_of_folders, view, several=len(sources) > 1
        )
        results += add_pairs(lake, pairs, how, view)
    _tell(results, as_json=as_json, quiet=quiet, dry_run=dry_run)


def _check(
    *, recursive: bool, copy: bool, move: bool, base: "Sequence[str] | None", no_base: bool
) -> None:
    if recursive:
        raise UsageError(
            "a folder is added in one of two ways, so -r is not enough to say which",
            hint="add DIR UID makes one directory of it; add --each DIR PREFIX gives each file a"
            " UID",
        )
    if copy and move:
        raise UsageError("--copy and --move exclude each other")
    if base and no_base:
        raise UsageError("--base and --no-base exclude each other")


def _check_folder_options(given: dict[str, Any], *, alone: bool, each: bool) -> None:
    """Refuse options of directories where there is no folder that becomes one."""
    for name, value in given.items():
        used = not value if name == "ignore" else bool(value)
        if used and not alone and not (each and name == "exclude"):
            option = "no-ignore" if name == "ignore" else name.replace("_", "-")
            raise UsageError(f"--{option} is about folders that become one directory")


def _tell(results: "Sequence[AddResult]", *, as_json: bool, quiet: bool, dry_run: bool) -> None:
    files = [result for result in results if result.files is None]
    directories = [result for result in results if result.files is not None]
    if as_json:
        document: dict[str, Any] = {"files": [_plain(result) for result in files]}
        if directories:
            document["directories"] = [_plain(result) for result in directories]
        write_json(document)
    else:
        write_names([result.uid for result in results])
    for result in results:
        if result.source_left is not None:
            warn(f"the source of {result.uid} was left in place: {result.source_left}")
    if quiet:
        return
    for result in directories:
        _tell_directory(result, dry_run=dry_run)
    _tell_files(files)


def _plain(result: "AddResult") -> dict[str, Any]:
    plain = {
        "uid": result.uid,
        "digest": None if result.digest is None else str(result.digest),
        "size": result.size,
        "already_there": result.already_there,
        "restored": result.restored,
        "source_left": result.source_left,
    }
    if result.files is not None:
        plain |= {
            "files": result.files,
            "bytes": result.bytes,
            "left_out": result.left_out,
            "rules": result.rules,
            "read": result.read,
        }
    return plain


def _tell_directory(result: "AddResult", *, dry_run: bool) -> None:
    size = f"{count(result.files or 0, 'file')}, {human_size(result.bytes or 0)}"
    if result.left_out:
        note(f"left out {count(result.left_out, 'file')} by {count(result.rules, 'rule')}")
    if dry_run:
        note(f"would add {result.uid}: {size}; nothing was changed")
    elif result.restored:
        note(f"{result.uid} was restored: bytes of it were missing. It has the same files: {size}")
    elif result.already_there:
        note(f"{result.uid} was already there, with the same files: {size}")
    else:
        note(f"added {result.uid}: {size}")


def _tell_files(results: "Sequence[AddResult]") -> None:
    new = [result for result in results if not result.already_there]
    lost = sum(result.restored for result in results)
    if len(results) > 1:
        there = len(results) - len(new)
        also = f"; {there:,} were already there" if there else ""
        also += f", {lost:,} of them restored: their bytes were missing or wrong" if lost else ""
        note(f"added {count(len(new), 'file')}, {human_size(sum(r.size for r in new))}{also}")
    elif lost:
        note(f"{results[0].uid} was restored: its bytes here were missing or wrong")
    elif results and not new:
        note(f"{results[0].uid} was already there, with the same bytes")
